"""Giving cached GPU memory back."""

from __future__ import annotations

from typing import Any

import torch
from mmbridge.compat.hook import EngineHook, takes
from mmbridge.runners.loop.registry import HOOKS


@HOOKS.register_module()
class EmptyCacheHook(EngineHook):
    """Calls ``torch.cuda.empty_cache`` before epochs, after epochs, after iterations, as asked, in every mode."""

    def __init__(self, before_epoch: bool = False, after_epoch: bool = True, after_iter: bool = False) -> None:
        self._do_before_epoch = before_epoch
        self._do_after_epoch = after_epoch
        self._do_after_iter = after_iter

    def _before_epoch(self, runner: Any, mode: str = "train") -> None:
        """Empty the cache if asked to."""
        if self._do_before_epoch:
            torch.cuda.empty_cache()

    def _after_epoch(self, runner: Any, mode: str = "train") -> None:
        """Empty the cache if asked to."""
        if self._do_after_epoch:
            torch.cuda.empty_cache()

    @takes()
    def _after_iter(
        self, runner: Any, batch_idx: int = 0, data_batch: Any = None, outputs: Any = None, mode: str = "train"
    ) -> None:
        """Empty the cache if asked to."""
        if self._do_after_iter:
            torch.cuda.empty_cache()
