"""Exponential decay: policy ``exp`` and ``ExponentialLR``."""

from __future__ import annotations

from .arguments import NUMBER, Argument
from .record import Curve, Policy, Scheduler


def exponential(progress: int, horizon: int, base: float, gamma: float) -> float:
    """``base * gamma ** progress`` (MMCV 1.7.2, mmcv/runner/hooks/lr_updater.py)."""
    return float(base * gamma**progress)


def exponential_step(n: int, value: float, base: float, span: float, gamma: float) -> float:
    """Times ``gamma`` at every step but the first (MMEngine 0.10.7, param_scheduler.py)."""
    return value * gamma if n else value


EXPONENTIAL = Curve(
    "exponential",
    policies=(Policy("Exp", "lr", (Argument("gamma", NUMBER),), exponential),),
    schedulers=(Scheduler("Exponential", (Argument("gamma", NUMBER),), exponential_step),),
)
