"""Modules that carry the description of their own initial values, as MMEngine understands it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from mmbridge.runners import modules as legacy
from mmbridge.runners.loop.model.run_log import run_logger
from mmbridge.runners.loop.model.weight_init import initialize
from mmbridge.runners.loop.model.wrapping import is_model_wrapper
from mmbridge.runners.modules.module import initialize_child


class BaseModule(legacy.BaseModule):
    """``nn.Module`` with an ``init_cfg`` that ``init_weights`` applies: its own, its children's, then Pretrained.

    So a loaded file has the last word, and among the others the innermost. A child that is initialised already, and
    the wrapper around one, are left alone. MMEngine 0.10.7, mmengine/model/base_module.py.
    """

    @property
    def is_init(self) -> bool:
        """Whether ``init_weights`` has run; it may be set, so that it will or will not run."""
        return self._is_init

    @is_init.setter
    def is_init(self, value: bool) -> None:
        self._is_init = value

    def _initialize(self) -> None:
        if self.init_cfg:
            self._logger().debug("initialize %s with init_cfg %s", type(self).__name__, self.init_cfg)
        cfgs = [self.init_cfg] if isinstance(self.init_cfg, Mapping) else self.init_cfg or []
        initialize(self, [cfg for cfg in cfgs if not _loads(cfg)])
        for child in self.children():
            wrapped = is_model_wrapper(child) and not hasattr(child, "init_weights")
            inner: Any = child.module if wrapped else child
            if not getattr(inner, "is_init", False):
                initialize_child(inner)
        initialize(self, [cfg for cfg in cfgs if _loads(cfg)])
        self._is_init = True

    def _tell_repeated(self, message: str) -> None:
        self._logger().warning(message)

    def _logger(self) -> logging.Logger:
        return run_logger()


def _loads(cfg: Any) -> bool:
    """Whether ``cfg`` is the one of an initializer that reads a file."""
    kind = cfg["type"] if isinstance(cfg, Mapping) else None
    return kind == "Pretrained" or (isinstance(kind, type) and issubclass(kind, legacy.PretrainedInit))


class Sequential(BaseModule, legacy.Sequential):
    """``nn.Sequential`` with an ``init_cfg``."""


class ModuleList(BaseModule, legacy.ModuleList):
    """``nn.ModuleList`` with an ``init_cfg``."""


class ModuleDict(BaseModule, legacy.ModuleDict):
    """``nn.ModuleDict`` with an ``init_cfg``."""
