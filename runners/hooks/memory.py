"""Giving cached GPU memory back."""

from __future__ import annotations

from typing import Any

import torch
from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.hooks.registry import HOOKS


@HOOKS.register_module()
class EmptyCacheHook(LegacyHook):
    """Calls ``torch.cuda.empty_cache`` before epochs, after epochs, after iterations, as asked."""

    def __init__(self, before_epoch: bool = False, after_epoch: bool = True, after_iter: bool = False) -> None:
        self._before_epoch = before_epoch
        self._after_epoch = after_epoch
        self._after_iter = after_iter

    def before_epoch(self, runner: Any) -> None:
        """Empty the cache if asked to."""
        if self._before_epoch:
            torch.cuda.empty_cache()

    def after_epoch(self, runner: Any) -> None:
        """Empty the cache if asked to."""
        if self._after_epoch:
            torch.cuda.empty_cache()

    def after_iter(self, runner: Any) -> None:
        """Empty the cache if asked to."""
        if self._after_iter:
            torch.cuda.empty_cache()
