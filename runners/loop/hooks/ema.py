"""An average of the weights beside the model: validated, tested and saved in its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.compat.hook import EngineHook, takes
from mmbridge.runners.checkpoint import STRIP_WRAPPER
from mmbridge.runners.hooks.ema import swap
from mmbridge.runners.loop.registry import HOOKS, MODELS
from mmbridge.runners.state_dict import load_state_dict, revised, unwrapped, weights_to_cpu
from torch import Tensor, nn

_MODULE = "module."


@HOOKS.register_module()
class EMAHook(EngineHook):
    """Keeps an average of the model's weights, updated after each iteration from ``begin_iter`` or ``begin_epoch`` on.

    ``ema_type`` names an averaged model of the registry ``MODELS``, other arguments are its own. Before the beginning
    (counted from 1) the average is a copy of the model. Validation and test use it: weights change places for so long.
    A checkpoint holds the average as ``state_dict`` and the weights that are trained as ``ema_state_dict``; resuming
    puts both back, loading without resuming begins the average with what was loaded. ``strict_load`` concerns the
    average. Raises ValueError where both beginnings are given, or one is negative or after the run's end. MMEngine
    0.10.7, mmengine/hooks/ema_hook.py.
    """

    def __init__(
        self,
        ema_type: str = "ExponentialMovingAverage",
        strict_load: bool = False,
        begin_iter: int = 0,
        begin_epoch: int = 0,
        **kwargs: Any,
    ) -> None:
        if begin_iter < 0 or begin_epoch < 0:
            raise ValueError(
                f"EMAHook: begin_iter and begin_epoch must be at least 0, found {begin_iter} and {begin_epoch}"
            )
        if begin_iter and begin_epoch:
            raise ValueError(
                f"EMAHook: begin_iter={begin_iter} and begin_epoch={begin_epoch} are two beginnings; keep one"
            )
        self.strict_load = strict_load
        self.ema_cfg = {"type": ema_type, **kwargs}
        self.begin_iter = begin_iter
        self.begin_epoch = begin_epoch
        self.enabled_by_epoch = begin_epoch > 0
        self.src_model: nn.Module | None = None
        self.ema_model: Any = None

    def before_run(self, runner: Any) -> None:
        """Make the average, a copy of the model, unless there is one of this model from an earlier run."""
        model = unwrapped(runner.model)
        if model is not self.src_model:
            self.src_model = model
            self.ema_model = MODELS.build(self.ema_cfg, default_args={"model": model})

    def before_train(self, runner: Any) -> None:
        """Raise ValueError if the beginning is after the end."""
        unit, last = ("epoch", runner.max_epochs) if self.enabled_by_epoch else ("iter", runner.max_iters)
        begin = self.begin_epoch if self.enabled_by_epoch else self.begin_iter
        if begin > last:
            raise ValueError(f"EMAHook: begin_{unit}={begin} is after the end of the run, max_{unit}s={last}")

    @takes()
    def after_train_iter(self, runner: Any, batch_idx: int = 0, data_batch: Any = None, outputs: Any = None) -> None:
        """Update the average; before the beginning, copy the model."""
        assert self.src_model is not None
        if self._ema_started(runner):
            self.ema_model.update_parameters(self.src_model)
            return
        source = self.src_model.state_dict()
        for name, averaged in self.ema_model.module.state_dict().items():
            averaged.copy_(source[name])

    def _ema_started(self, runner: Any) -> bool:
        if self.enabled_by_epoch:
            return bool(runner.epoch + 1 >= self.begin_epoch)
        return bool(runner.iter + 1 >= self.begin_iter)

    def before_val_epoch(self, runner: Any) -> None:
        """The average goes into the model."""
        self._swap_ema_parameters()

    def after_val_epoch(self, runner: Any, metrics: Mapping[str, Any] | None = None) -> None:
        """The weights come back."""
        self._swap_ema_parameters()

    def before_test_epoch(self, runner: Any) -> None:
        """The average goes into the model."""
        self._swap_ema_parameters()

    def after_test_epoch(self, runner: Any, metrics: Mapping[str, Any] | None = None) -> None:
        """The weights come back."""
        self._swap_ema_parameters()

    def _swap_ema_parameters(self) -> None:
        assert self.src_model is not None
        averaged = self.ema_model.module
        pairs: list[tuple[Tensor, Tensor]] = [*zip(averaged.parameters(), self.src_model.parameters(), strict=True)]
        if self.ema_model.update_buffers:
            pairs += zip(averaged.buffers(), self.src_model.buffers(), strict=True)
        swap(pairs)

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Add the average, and let it and the weights change places."""
        checkpoint["ema_state_dict"] = weights_to_cpu(self.ema_model.state_dict())
        self._swap_ema_state_dict(checkpoint)

    def after_load_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Resuming: take both back. Else begin the average with the loaded weights."""
        self.before_run(runner)  # where somebody loads before the run begins
        if runner._resume and "ema_state_dict" in checkpoint:
            self._swap_ema_state_dict(checkpoint)
            self.ema_model.load_state_dict(checkpoint["ema_state_dict"], strict=self.strict_load)
            return
        if runner._resume:
            runner.logger.warning(
                "EMAHook: the checkpoint has no ema_state_dict; the average begins with its state_dict"
            )
        weights = revised(checkpoint.get("state_dict", checkpoint), STRIP_WRAPPER)
        load_state_dict(self.ema_model.module, weights, self.strict_load, runner.logger)

    def _swap_ema_state_dict(self, checkpoint: dict[str, Any]) -> None:
        """In ``checkpoint`` the average and the weights change places."""
        weights, averages = checkpoint["state_dict"], checkpoint["ema_state_dict"]
        for key in averages:
            name = key[len(_MODULE) :]
            if key.startswith(_MODULE) and name in weights:
                averages[key], weights[name] = weights[name], averages[key]
