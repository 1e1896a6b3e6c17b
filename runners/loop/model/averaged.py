"""Averages of a model's weights over training.

MMEngine 0.10.7, mmengine/model/averaged_model.py.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from mmbridge.runners.loop.model.run_log import run_logger
from mmbridge.runners.loop.registry import MODELS
from torch import Tensor, nn


class BaseAveragedModel(nn.Module):
    """A copy of ``model``, in ``module``, whose parameters become an average: subclasses define ``avg_func``.

    The first update copies, then every ``interval`` updates (iterations, usually) what is of floating point is
    averaged. Buffers are copied at every update, or averaged like parameters with ``update_buffers``. ``device``:
    where the copy is kept; None means where the model is. Raises ValueError for an interval below 1.
    """

    steps: Tensor

    def __init__(
        self,
        model: nn.Module,
        interval: int = 1,
        device: torch.device | str | None = None,
        update_buffers: bool = False,
    ) -> None:
        super().__init__()
        if interval < 1:
            raise ValueError(f"interval of {type(self).__name__} must be at least 1, found {interval}")
        self.module = copy.deepcopy(model).requires_grad_(False)
        if device is not None:
            self.module = self.module.to(device)
        self.interval = interval
        self.register_buffer("steps", torch.tensor(0, dtype=torch.long, device=device))
        self.update_buffers = update_buffers

    @property
    def avg_parameters(self) -> dict[str, Tensor]:
        """What is averaged, by name: the parameters, and the stored buffers with ``update_buffers``."""
        return self._averaged(self.module)

    def _averaged(self, model: nn.Module) -> dict[str, Tensor]:
        return model.state_dict() if self.update_buffers else dict(model.named_parameters())

    def avg_func(self, averaged_param: Tensor, source_param: Tensor, steps: int) -> None:
        """Change ``averaged_param`` in place after ``steps`` updates; ``source_param`` is the model's."""
        raise NotImplementedError(f"{type(self).__name__} must define avg_func(averaged_param, source_param, steps)")

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the averaged model."""
        return self.module(*args, **kwargs)

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take the values that ``model`` has now into the average."""
        steps = int(self.steps)
        if steps % self.interval == 0:
            self._average(self._averaged(model), steps)
        if not self.update_buffers:
            for averaged, source in zip(self.module.buffers(), model.buffers(), strict=False):
                averaged.copy_(source)
        self.steps += 1

    def _average(self, sources: Mapping[str, Tensor], steps: int) -> None:
        for name, averaged in self.avg_parameters.items():
            if steps == 0:
                averaged.copy_(sources[name])
            elif averaged.is_floating_point():
                self.avg_func(averaged.detach(), sources[name].detach().to(averaged.device), steps)


@MODELS.register_module()
class StochasticWeightAverage(BaseAveragedModel):
    """The plain mean of the values at all updates (Izmailov et al., 2018)."""

    def avg_func(self, averaged_param: Tensor, source_param: Tensor, steps: int) -> None:
        """Move toward the model's value by one over the number of values."""
        averaged_param.add_(source_param - averaged_param, alpha=1 / float(steps // self.interval + 1))


@MODELS.register_module()
class ExponentialMovingAverage(BaseAveragedModel):
    """``average = (1 - momentum) * average + momentum * value``: ``momentum`` is the weight of the new value.

    Raises ValueError unless it is between 0 and 1; above 0.5 a warning is logged.
    """

    def __init__(
        self,
        model: nn.Module,
        momentum: float = 0.0002,
        interval: int = 1,
        device: torch.device | str | None = None,
        update_buffers: bool = False,
    ) -> None:
        super().__init__(model, interval, device, update_buffers)
        if not 0.0 < momentum < 1.0:
            raise ValueError(f"momentum of {type(self).__name__} must be between 0 and 1, found {momentum}")
        if momentum > 0.5:
            run_logger().warning(
                "%s: momentum=%s is the weight of the new value, which is usually small; did you mean %s?",
                *(type(self).__name__, momentum, round(1 - momentum, 12)),
            )
        self.momentum = momentum

    def avg_func(self, averaged_param: Tensor, source_param: Tensor, steps: int) -> None:
        """Move toward the model's value by ``momentum``."""
        averaged_param.lerp_(source_param, self.momentum)


@MODELS.register_module()
class MomentumAnnealingEMA(ExponentialMovingAverage):
    """The exponential average with a momentum that falls: ``max(momentum, gamma / (gamma + steps))``.

    Raises ValueError for a ``gamma`` (updates) of 0 or less.
    """

    def __init__(
        self,
        model: nn.Module,
        momentum: float = 0.0002,
        gamma: int = 100,
        interval: int = 1,
        device: torch.device | str | None = None,
        update_buffers: bool = False,
    ) -> None:
        super().__init__(model, momentum, interval, device, update_buffers)
        if gamma <= 0:
            raise ValueError(f"gamma of {type(self).__name__} must be greater than 0, found {gamma}")
        self.gamma = gamma

    def avg_func(self, averaged_param: Tensor, source_param: Tensor, steps: int) -> None:
        """Move toward the model's value by the momentum of this step."""
        averaged_param.lerp_(source_param, max(self.momentum, self.gamma / (self.gamma + steps)))
