"""Bases of the form ``package::path`` (MMEngine): found in installed packages without importing them."""

from __future__ import annotations

import re
from importlib.machinery import PathFinder
from pathlib import Path

from mmbridge.compat.errors import ConfigError

_FORM = re.compile(r"^(\w+)::([^:]+)$")


def installed_config(base: str, where: str) -> Path:
    """The file that ``package::path`` names: ``path`` under the package's ``.mim/configs``.

    Raises ConfigError, starting with ``where``, if the form is wrong, the package is not installed or has no
    such config. The package is located, never imported.
    """
    found = _FORM.match(base)
    if found is None:
        raise ConfigError(f"{where}: the base {base!r} is no path; write package::path/to/config.py.")
    package, relative = found.groups()
    spec = PathFinder.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not places:
        raise ConfigError(f"{where}: the base {base!r} needs the package {package}, which is not installed.")
    for place in places:
        for folder in (Path(place) / ".mim" / "configs", Path(place).parent / "configs"):
            if (folder / relative).is_file():
                return (folder / relative).resolve()
    raise ConfigError(f"{where}: {package} is installed in {places[0]}, but has no config {relative!r}.")
