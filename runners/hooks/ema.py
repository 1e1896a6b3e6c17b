"""An exponential moving average of the weights, kept in the model and swapped in for validation."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.state_dict import unwrapped
from torch import Tensor


@torch.no_grad()
def swap(pairs: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Let the two tensors of each pair change their values."""
    for tensor, other in pairs:
        kept = tensor.clone()
        tensor.copy_(other)
        other.copy_(kept)


class WeightAverage(LegacyHook):
    """Base: averages live in buffers ``ema_<name>`` of the model; at each epoch's ends weights and
    averages swap.

    From after_train_epoch to before_train_epoch the model holds the averages and the buffers the weights,
    for the hooks that run later at those points. A run counted in iterations never swaps. ``resume_from``
    resumes once the buffers exist.
    """

    def __init__(self, momentum: float, interval: int, resume_from: str | None) -> None:
        if not isinstance(interval, int) or interval < 1:
            raise ValueError(f"{type(self).__name__}: interval must be a positive integer, found {interval!r}")
        if not 0 < momentum < 1:
            raise ValueError(f"{type(self).__name__}: momentum must be in range (0, 1), found {momentum!r}")
        self.interval = interval
        self.checkpoint = resume_from
        self._pairs: list[tuple[Tensor, Tensor]] = []

    def averaged(self, model: torch.nn.Module) -> list[tuple[str, Tensor]]:
        """The tensors to average, with their names."""
        return list(model.named_parameters(recurse=True))

    def before_run(self, runner: Any) -> None:
        """Add the buffers, as copies of the weights; resume again if asked to."""
        model = unwrapped(runner.model)
        self._pairs = []
        for name, tensor in self.averaged(model):
            buffer = f"ema_{name.replace('.', '_')}"
            model.register_buffer(buffer, tensor.data.clone())
            self._pairs.append((tensor, model.get_buffer(buffer)))
        if self.checkpoint is not None:
            runner.resume(self.checkpoint)
            if getattr(runner, "resumed_within_epoch", False):
                self._swap()  # saved before the epoch's end had swapped; the beginning of the epoch will swap back

    def before_train_epoch(self, runner: Any) -> None:
        """The weights come back into the model."""
        self._swap()

    def after_train_epoch(self, runner: Any) -> None:
        """The averages go into the model."""
        self._swap()

    def _swap(self) -> None:
        swap(self._pairs)


@HOOKS.register_module()
class EMAHook(WeightAverage):
    """Every ``interval`` iterations, ``ema = (1 - m) * ema + m * weight`` for each parameter, buffers not.

    ``m = min(momentum ** interval, (1 + iter) / (warm_up + iter))``. MMCV 1.7.2, mmcv/runner/hooks/ema.py.
    """

    def __init__(
        self, momentum: float = 0.0002, interval: int = 1, warm_up: int = 100, resume_from: str | None = None
    ) -> None:
        super().__init__(momentum, interval, resume_from)
        self.momentum = momentum**interval
        self.warm_up = warm_up

    def after_train_iter(self, runner: Any) -> None:
        """Move the averages at the iterations 0, ``interval``, 2 * ``interval``, ..."""
        if runner.iter % self.interval:
            return
        momentum = min(self.momentum, (1 + runner.iter) / (self.warm_up + runner.iter))
        for tensor, average in self._pairs:
            average.mul_(1 - momentum).add_(tensor.data, alpha=momentum)


class ModelAverage(WeightAverage):
    """Averages buffers too, unless ``skip_buffers``; counters such as ``num_batches_tracked`` are only
    swapped.

    MMDetection 2.28.2, mmdet/core/hook/ema.py.
    """

    def __init__(
        self,
        momentum: float = 0.0002,
        interval: int = 1,
        skip_buffers: bool = False,
        resume_from: str | None = None,
    ) -> None:
        super().__init__(momentum, interval, resume_from)
        self.momentum = momentum
        self.skip_buffers = skip_buffers

    def averaged(self, model: torch.nn.Module) -> list[tuple[str, Tensor]]:
        """The tensors of the state dict, or the parameters alone."""
        if self.skip_buffers:
            return super().averaged(model)
        return [*super().averaged(model), *model.named_buffers(recurse=True)]

    def momentum_at(self, iteration: int) -> float:
        """The weight of the new value at ``iteration`` (from 0)."""
        raise NotImplementedError

    def after_train_iter(self, runner: Any) -> None:
        """Move the averages after every ``interval`` iterations."""
        if (runner.iter + 1) % self.interval:
            return
        momentum = self.momentum_at(runner.iter)
        for tensor, average in self._pairs:
            if average.dtype.is_floating_point:
                average.mul_(1 - momentum).add_(tensor.data, alpha=momentum)


@HOOKS.register_module()
class ExpMomentumEMAHook(ModelAverage):
    """``m = (1 - momentum) * exp(-(1 + iter) / total_iter) + momentum``."""

    def __init__(self, total_iter: int = 2000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.total_iter = total_iter

    def momentum_at(self, iteration: int) -> float:
        """From 1 down to ``momentum``."""
        return (1 - self.momentum) * math.exp(-(1 + iteration) / self.total_iter) + self.momentum


@HOOKS.register_module()
class LinearMomentumEMAHook(ModelAverage):
    """``m = min(momentum ** interval, (1 + iter) / (warm_up + iter))``."""

    def __init__(self, warm_up: int = 100, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.warm_up = warm_up

    def momentum_at(self, iteration: int) -> float:
        """From ``1 / warm_up`` up to ``momentum ** interval``."""
        return min(self.momentum**self.interval, (1 + iteration) / (self.warm_up + iteration))
