"""Apply an ``init_cfg`` to a module."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from mmbridge.compat.registry import Registry, build_from_cfg
from mmbridge.runners.modules.initializers import INITIALIZERS
from torch import nn


def initialize(module: nn.Module, init_cfg: Mapping[str, Any] | list[Any], registry: Registry = INITIALIZERS) -> None:
    """Fill ``module`` as ``init_cfg`` says: a dict, or a list of them applied in order; it is not changed.

    A dict names an initializer of ``registry`` (``type``), what it fills (``layer``) and its arguments. Its
    ``override`` (a dict or a list) fills the attribute ``name`` wholly, by its own ``type`` or, with nothing but
    ``name``, by the outer dict's. Raises TypeError for wrong types, ValueError for an override without ``name`` or
    ``type``, RuntimeError where ``module`` has no attribute of that name. MMCV 1.7.2,
    mmcv/cnn/utils/weight_init.py.
    """
    for cfg in _as_list(init_cfg, "init_cfg"):
        outer = copy.deepcopy(dict(cfg))
        override = outer.pop("override", None)
        build_from_cfg(outer, registry)(module)
        if override is not None:
            for inner in _as_list(override, "override"):
                _override(module, copy.deepcopy(dict(inner)), outer, registry)


def _override(module: nn.Module, inner: dict[str, Any], outer: dict[str, Any], registry: Registry) -> None:
    name = inner.pop("name", None)
    if name is None:
        raise ValueError(f"init_cfg.override must hold the key 'name', found {inner}")
    if inner and "type" not in inner:
        raise ValueError(f"init_cfg.override of {name!r} must hold the key 'type' or 'name' alone, found {inner}")
    if not hasattr(module, name):
        raise RuntimeError(
            f"init_cfg.override: {type(module).__name__} has no attribute {name!r}, "
            f"found {', '.join(key for key, _ in module.named_children())}"
        )
    initializer = build_from_cfg(inner or outer, registry)
    initializer.wholemodule = True
    initializer(getattr(module, name))


def _as_list(value: Any, label: str) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    for each in values:
        if not isinstance(each, Mapping):
            raise TypeError(f"{label} must be a dict or a list of dicts, found {type(each).__name__}")
    return values
