"""What a name stands for in Python: an object by its dotted path, a package by that of a scope."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

_told: set[str] = set()


def import_object(path: str) -> Callable[..., Any] | None:
    """The callable at ``module.name``, or deeper, as ``module.Class.method``; None where there is none."""
    parts = path.split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    for length in range(len(parts) - 1, 0, -1):
        try:
            found: Any = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part, None)
        return found if callable(found) else None
    return None


def import_registries(scope: str) -> None:
    """Import the module ``registry`` of the package ``scope``, whose registries add themselves to their parents.

    Without such a package or module nothing happens; one that cannot be imported is told once, in a warning. So
    MMEngine 0.10.7 finds the packages of scopes, mmengine/registry/registry.py.
    """
    module = f"{scope}.registry"
    if not scope.isidentifier() or scope in _told:
        return
    try:
        import_module(module)
    except Exception as error:  # whatever the package does when it is imported
        if isinstance(error, ModuleNotFoundError) and error.name in (scope, module):
            return
        _told.add(scope)
        warnings.warn(f"{module} cannot be imported, so what it registers is not found: {error!r}", stacklevel=2)
