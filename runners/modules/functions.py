"""Fill the ``weight`` and the ``bias`` of one module, where it has them.

MMCV 1.7.2, mmcv/cnn/utils/weight_init.py; the numbers come from torch.nn.init.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = [
    "bias_init_with_prob",
    "caffe2_xavier_init",
    "constant_init",
    "kaiming_init",
    "normal_init",
    "trunc_normal_",
    "trunc_normal_init",
    "uniform_init",
    "xavier_init",
]


def constant_init(module: nn.Module, val: float, bias: float = 0) -> None:
    """Fill the weight with ``val``."""
    _fill(module, lambda weight: nn.init.constant_(weight, val), bias)


def xavier_init(module: nn.Module, gain: float = 1, bias: float = 0, distribution: str = "normal") -> None:
    """Fill the weight by Glorot and Bengio's rule (2010); ``distribution`` is ``normal`` or ``uniform``."""
    draw = _choose(distribution, nn.init.xavier_normal_, nn.init.xavier_uniform_)
    _fill(module, lambda weight: draw(weight, gain=gain), bias)


def normal_init(module: nn.Module, mean: float = 0, std: float = 1, bias: float = 0) -> None:
    """Fill the weight from a normal distribution."""
    _fill(module, lambda weight: nn.init.normal_(weight, mean, std), bias)


def trunc_normal_init(
    module: nn.Module, mean: float = 0, std: float = 1, a: float = -2, b: float = 2, bias: float = 0
) -> None:
    """Fill the weight from a normal distribution restricted to ``[a, b]``, which are no multiples of std."""
    _fill(module, lambda weight: trunc_normal_(weight, mean, std, a, b), bias)


def uniform_init(module: nn.Module, a: float = 0, b: float = 1, bias: float = 0) -> None:
    """Fill the weight from the uniform distribution over ``[a, b)``."""
    _fill(module, lambda weight: nn.init.uniform_(weight, a, b), bias)


def kaiming_init(
    module: nn.Module,
    a: float = 0,
    mode: str = "fan_out",
    nonlinearity: str = "relu",
    bias: float = 0,
    distribution: str = "normal",
) -> None:
    """Fill the weight by He et al.'s rule (2015); ``distribution`` is ``normal`` or ``uniform``."""
    draw = _choose(distribution, nn.init.kaiming_normal_, nn.init.kaiming_uniform_)
    _fill(module, lambda weight: draw(weight, a=a, mode=mode, nonlinearity=nonlinearity), bias)


def caffe2_xavier_init(module: nn.Module, bias: float = 0) -> None:
    """Fill the weight as Caffe2's ``XavierFill`` does: uniform, by the number of inputs."""
    kaiming_init(module, a=1, mode="fan_in", nonlinearity="leaky_relu", bias=bias, distribution="uniform")


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0) -> Tensor:
    """Fill ``tensor`` from a normal distribution restricted to ``[a, b]``, in place.

    It inverts the distribution of one uniform number per element, as MMCV does; torch's function of that
    name draws others since it rejects what falls outside.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            f"mean={mean} is more than two std={std} outside [{a}, {b}]: the values may pile up at an end",
            stacklevel=2,
        )
    low, high = (1 + math.erf((edge - mean) / std / math.sqrt(2)) for edge in (a, b))  # twice the probability
    with torch.no_grad():
        tensor.uniform_(low - 1, high - 1).erfinv_()
        return tensor.mul_(std * math.sqrt(2)).add_(mean).clamp_(min=a, max=b)


def bias_init_with_prob(prior_prob: float) -> float:
    """The bias before a sigmoid that makes it give ``prior_prob``: ``-log((1 - p) / p)``."""
    return -math.log((1 - prior_prob) / prior_prob)


def _choose(distribution: str, normal: Callable[..., Tensor], uniform: Callable[..., Tensor]) -> Callable[..., Tensor]:
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"distribution must be 'normal' or 'uniform', found {distribution!r}")
    return normal if distribution == "normal" else uniform


def _fill(module: nn.Module, draw: Callable[[Tensor], object], bias: float) -> None:
    """Apply ``draw`` to the weight and set the bias; a module that has neither is left alone."""
    weight, bias_tensor = getattr(module, "weight", None), getattr(module, "bias", None)
    if weight is not None:
        draw(weight)
    if bias_tensor is not None:
        nn.init.constant_(bias_tensor, bias)
