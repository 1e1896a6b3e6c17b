"""The learning rate of YOLOX."""

from __future__ import annotations

from typing import Any

from mmbridge.runners.hooks.lr_updater import CosineAnnealingLrUpdaterHook
from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.hooks.value_updater import Values, each


@HOOKS.register_module()
class YOLOXLrUpdaterHook(CosineAnnealingLrUpdaterHook):  # type: ignore[valid-type, misc]
    """A quadratic warm-up, a cosine, and a constant end for the last ``num_last_epochs``.

    Counts iterations: ``by_epoch=False`` and ``warmup_by_epoch=True`` belong with it, in a run counted in epochs.
    MMDetection 2.28.2, mmdet/core/hook/yolox_lrupdater_hook.py.
    """

    def __init__(self, num_last_epochs: int, **kwargs: Any) -> None:
        self.num_last_epochs = num_last_epochs
        super().__init__(**kwargs)

    def get_warmup_lr(self, cur_iters: int) -> Values:
        """Quadratic from ``warmup_ratio / warmup_iters**2`` of the base rate, whatever the type of warm-up."""
        factor = self.warmup_ratio * pow((cur_iters + 1) / float(self.warmup_iters), 2)
        return each(self.base_lr, lambda base: base * factor)

    def get_lr(self, runner: Any, base_lr: float) -> float:
        """The cosine between warm-up and the last epochs, then its end."""
        last_iters = len(runner.data_loader) * self.num_last_epochs
        progress, horizon = (runner.epoch, runner.max_epochs) if self.by_epoch else (runner.iter, runner.max_iters)
        progress += 1
        target = base_lr * self.min_lr_ratio if self.min_lr_ratio is not None else self.min_lr
        if progress >= horizon - last_iters:
            return float(target)
        span = horizon - self.warmup_iters - last_iters
        return float(self.policy.value(progress - self.warmup_iters, span, base_lr, **self._bound))
