"""Equal buffers in all processes."""

from __future__ import annotations

from typing import Any

from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.dist import allreduce_params
from mmbridge.runners.hooks.registry import HOOKS


@HOOKS.register_module()
class SyncBuffersHook(LegacyHook):
    """After each epoch, train or val, sets every buffer (batch norm statistics) to the processes' mean."""

    def __init__(self, distributed: bool = True) -> None:
        self.distributed = distributed

    def after_epoch(self, runner: Any) -> None:
        """Average the buffers."""
        if self.distributed:
            allreduce_params(runner.model.buffers())
