"""The optimizer hooks for mixed precision, on torch's own gradient scaler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.runners.fp16 import wrap_fp16_model
from mmbridge.runners.fp16.grad_scaler import grad_scaler
from mmbridge.runners.hooks.optimizer import GradientCumulativeOptimizerHook, OptimizerHook
from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.optim.unrecorded import clear_grads


@HOOKS.register_module()
class Fp16OptimizerHook(OptimizerHook):
    """As OptimizerHook, with the loss scaled; the scaler's state is kept in ``meta['fp16']['loss_scaler']``.

    ``loss_scale`` is ``'dynamic'``, a number (a fixed scale) or the arguments of torch's scaler.
    ``coalesce``, ``bucket_size_mb`` and ``distributed`` are taken and not used: torch's data parallel does
    that work. MMCV 1.7.2, mmcv/runner/hooks/optimizer.py.
    """

    def __init__(
        self,
        grad_clip: Mapping[str, Any] | None = None,
        coalesce: bool = True,
        bucket_size_mb: int = -1,
        loss_scale: float | str | Mapping[str, Any] = 512.0,
        distributed: bool = True,
    ) -> None:
        super().__init__(grad_clip)
        self.coalesce, self.bucket_size_mb, self.distributed = coalesce, bucket_size_mb, distributed
        self._fixed_scale: float | None = None
        if loss_scale == "dynamic":
            self.loss_scaler = grad_scaler()
        elif isinstance(loss_scale, (int, float)) and not isinstance(loss_scale, bool):
            self._fixed_scale = float(loss_scale)
            self.loss_scaler = grad_scaler(init_scale=self._fixed_scale)
        elif isinstance(loss_scale, Mapping):
            self.loss_scaler = grad_scaler(**loss_scale)
        else:
            raise ValueError(f'loss_scale must be a number, a dict, or "dynamic", got {loss_scale!r}')

    def before_run(self, runner: Any) -> None:
        """Switch the model's own mixed precision on; go on with a resumed scaler."""
        wrap_fp16_model(runner.model)
        resumed = (runner.meta or {}).get("fp16", {}).get("loss_scaler")
        if resumed:
            self.loss_scaler.load_state_dict(resumed)

    def after_train_iter(self, runner: Any) -> None:
        """Clear gradients, go backward on the scaled loss, unscale, clip, step, adapt the scale."""
        runner.model.zero_grad()
        clear_grads(runner.optimizer)
        self.loss_scaler.scale(runner.outputs["loss"]).backward()
        self._step(runner)

    def _step(self, runner: Any) -> None:
        self.loss_scaler.unscale_(runner.optimizer)
        self._clip_and_log(runner)
        self.loss_scaler.step(runner.optimizer)
        self.loss_scaler.update(self._fixed_scale)
        if runner.meta is None:
            runner.meta = {}
        runner.meta.setdefault("fp16", {})["loss_scaler"] = self.loss_scaler.state_dict()


@HOOKS.register_module()
class GradientCumulativeFp16OptimizerHook(GradientCumulativeOptimizerHook, Fp16OptimizerHook):
    """As GradientCumulativeOptimizerHook, with the loss scaled as by Fp16OptimizerHook."""

    def after_train_iter(self, runner: Any) -> None:
        """Go backward on the loss's scaled share; step and clear gradients where a step is due."""
        if not self._begun:
            self._begin(runner)
        loss = runner.outputs["loss"] / self._get_loss_factor(runner)
        self.loss_scaler.scale(loss).backward()
        if self._is_due(runner):
            self._step(runner)
            runner.model.zero_grad()
            clear_grads(runner.optimizer)
