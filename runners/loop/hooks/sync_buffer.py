"""Equal buffers in all processes."""

from __future__ import annotations

from typing import Any

from mmbridge.compat.hook import EngineHook
from mmbridge.runners.dist import allreduce_params
from mmbridge.runners.loop.registry import HOOKS


@HOOKS.register_module()
class SyncBuffersHook(EngineHook):
    """Sets every buffer (batch norm statistics) to the processes' mean, after each epoch of training.

    A validation in the middle of an epoch does so before it. MMEngine 0.10.7, mmengine/hooks/sync_buffer_hook.py.
    """

    def __init__(self) -> None:
        self.called_in_train = False

    def before_val_epoch(self, runner: Any) -> None:
        """Average the buffers, unless the epoch's end has just done it."""
        if not self.called_in_train:
            allreduce_params(runner.model.buffers())
        self.called_in_train = False

    def after_train_epoch(self, runner: Any) -> None:
        """Average the buffers."""
        allreduce_params(runner.model.buffers())
        self.called_in_train = True
