"""A module that knows how it wants to be initialised."""

from __future__ import annotations

import copy
import logging
import warnings
from abc import ABCMeta
from typing import Any

from mmbridge.runners.dist import master_only
from mmbridge.runners.modules.initialize import initialize
from mmbridge.runners.modules.provenance import dump_init_info, tracked, update_init_info
from torch import nn

LOGGER = logging.getLogger("mmbridge")


class BaseModule(nn.Module, metaclass=ABCMeta):
    """``nn.Module`` with an ``init_cfg`` (see :func:`initialize`) that ``init_weights`` applies.

    A module's own ``init_cfg`` comes first, then its children, so the innermost has the last word.
    MMCV 1.7.2, mmcv/runner/base_module.py.
    """

    def __init__(self, init_cfg: Any = None) -> None:
        super().__init__()
        self._is_init = False
        self.init_cfg = copy.deepcopy(init_cfg)

    @property
    def is_init(self) -> bool:
        """Whether ``init_weights`` has run."""
        return self._is_init

    def init_weights(self) -> None:
        """Fill the parameters of this module and of its children that have an ``init_weights``; once.

        A second call changes nothing and warns. A ``Pretrained`` init_cfg leaves the children alone, and a
        second call loads it again.
        """
        with tracked(self) as outermost:
            if self._is_init:
                self._tell_repeated(f"init_weights of {type(self).__name__} has been called more than once")
            else:
                self._initialize()
            if outermost:
                self._dump_init_info()

    def _initialize(self) -> None:
        if self.init_cfg:
            self._logger().info("initialize %s with init_cfg %s", type(self).__name__, self.init_cfg)
            initialize(self, self.init_cfg)
            if isinstance(self.init_cfg, dict) and self.init_cfg["type"] == "Pretrained":
                return  # the children's init_weights would overwrite what was loaded
        for child in self.children():
            initialize_child(child)
        self._is_init = True

    def _tell_repeated(self, message: str) -> None:
        warnings.warn(message, stacklevel=3)

    @master_only
    def _dump_init_info(self) -> None:
        dump_init_info(self, self._logger())

    def _logger(self) -> logging.Logger:
        return LOGGER

    def __repr__(self) -> str:
        text = super().__repr__()
        return f"{text}\ninit_cfg={self.init_cfg}" if self.init_cfg else text


def initialize_child(child: nn.Module) -> None:
    """Call the ``init_weights`` of a module, if it has one, and note what it has changed."""
    init_weights = getattr(child, "init_weights", None)
    if init_weights is not None:
        init_weights()
        update_init_info(child, f"set by init_weights of {type(child).__name__}")
