"""From a config to an optimizer in its wrapper."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from mmbridge.runners.loop.optim.wrapper import OptimWrapper
from mmbridge.runners.loop.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


def build_optim_wrapper(model: nn.Module, cfg: Mapping[str, Any]) -> OptimWrapper:
    """The wrapper for ``model`` that ``cfg`` describes; ``cfg`` is not changed.

    ``constructor`` names the class that builds it (DefaultOptimWrapperConstructor), ``paramwise_cfg`` its rules,
    ``optimizer`` the optimizer, ``type`` the wrapper (OptimWrapper); every other key goes to the wrapper.
    """
    settings = copy.deepcopy(dict(cfg))
    constructor = OPTIM_WRAPPER_CONSTRUCTORS.build(
        {
            "type": settings.pop("constructor", "DefaultOptimWrapperConstructor"),
            "paramwise_cfg": settings.pop("paramwise_cfg", None),
            "optim_wrapper_cfg": settings,
        }
    )
    wrapper: OptimWrapper = constructor(model)
    return wrapper
