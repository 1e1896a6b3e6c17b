"""From a config to an optimizer in its wrapper."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any

from mmbridge.runners.loop.optim.wrapper import OptimWrapper
from mmbridge.runners.loop.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS
from torch import nn


def build_optim_wrapper(model: nn.Module, cfg: Mapping[str, Any]) -> OptimWrapper:
    """The wrapper for ``model`` that ``cfg`` describes; ``cfg`` is not changed.

    ``constructor`` names the class that builds it (DefaultOptimWrapperConstructor), ``paramwise_cfg`` its rules,
    ``optimizer`` the optimizer, ``type`` the wrapper (OptimWrapper); every other key goes to the wrapper. A constructor
    of MMCV 1.x, one that takes ``optimizer_cfg``, builds the optimizer alone.
    """
    settings = copy.deepcopy(dict(cfg))
    kind = settings.pop("constructor", "DefaultOptimWrapperConstructor")
    rules = {"type": kind, "paramwise_cfg": settings.pop("paramwise_cfg", None)}
    wrapper: OptimWrapper
    if _of_legacy(kind):
        optimizer_cfg = settings.pop("optimizer", None)
        optimizer = OPTIM_WRAPPER_CONSTRUCTORS.build({**rules, "optimizer_cfg": optimizer_cfg})(model)
        wrapper = OPTIM_WRAPPERS.build({"type": "OptimWrapper", **settings}, default_args={"optimizer": optimizer})
    else:
        wrapper = OPTIM_WRAPPER_CONSTRUCTORS.build({**rules, "optim_wrapper_cfg": settings})(model)
    return wrapper


def _of_legacy(kind: Any) -> bool:
    """Whether ``kind``, a constructor or its registered name, is one of MMCV 1.x."""
    found = OPTIM_WRAPPER_CONSTRUCTORS.get(kind) if isinstance(kind, str) else kind
    if not callable(found):
        return False
    try:
        return "optimizer_cfg" in inspect.signature(found).parameters
    except ValueError:  # a callable of C
        return False
