"""One optimizer for each of several parts of a model, as GANs have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.compat.errors import ConfigError
from mmbridge.compat.registry import nearest
from mmbridge.runners.loop.optim.build import build_optim_wrapper
from mmbridge.runners.loop.optim.wrapper_dict import OptimWrapperDict
from mmbridge.runners.loop.registry import OPTIM_WRAPPER_CONSTRUCTORS
from mmbridge.runners.state_dict import unwrapped
from torch import nn


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MultiOptimWrapperConstructor:
    """Builds an OptimWrapperDict: ``optim_wrapper_cfg`` maps names of the model's parts to their wrappers' settings.

    ``dict(constructor='MultiOptimWrapperConstructor', generator=dict(optimizer=...), discriminator=dict(...))``; a part
    of a part is written with a dot. ``paramwise_cfg`` holds for the parts that have none of their own. Raises
    ConfigError for a name that the model has no part of. The name and the form are MMagic's.
    """

    def __init__(self, optim_wrapper_cfg: Mapping[str, Any], paramwise_cfg: Mapping[str, Any] | None = None) -> None:
        self.optim_wrapper_cfg = {name: cfg for name, cfg in optim_wrapper_cfg.items() if name != "type"}
        self.paramwise_cfg = paramwise_cfg

    def __call__(self, module: nn.Module) -> OptimWrapperDict:
        """The wrappers of ``module``, in the order of the settings."""
        parts = dict(unwrapped(module).named_modules())
        wrappers = {}
        for name, cfg in self.optim_wrapper_cfg.items():
            if name not in parts:
                close = nearest(name, [each for each in parts if each])
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise ConfigError(f"optim_wrapper.{name}: the model has no part of this name{hint}")
            wrappers[name] = build_optim_wrapper(parts[name], {"paramwise_cfg": self.paramwise_cfg, **cfg})
        return OptimWrapperDict(**wrappers)
