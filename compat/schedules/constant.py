"""A constant: policy ``fixed``; and the factor that MMEngine holds over ``[begin, end)``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .arguments import UNIT_NUMBER, Argument
from .record import Curve, Policy, Scheduler


def fixed(progress: int, horizon: int, base: float) -> float:
    """``base``, always (MMCV 1.7.2, mmcv/runner/hooks/lr_updater.py)."""
    return base


def constant_step(n: int, value: float, base: float, span: float, factor: float) -> float:
    """Times ``factor`` at the first step, divided by it again at step ``span - 1``, which may never come.

    Source: MMEngine 0.10.7, mmengine/optim/scheduler/param_scheduler.py.
    """
    if n == 0:
        return value * factor
    return value * (1.0 / factor) if n == span - 1 else value


def constant_moments(stop: int, span: float, **_: Any) -> Iterable[int]:
    """The first step and the step that restores."""
    return (0, int(span) - 1)


CONSTANT = Curve(
    "constant",
    policies=(Policy("Fixed", "lr", (), fixed, moments=lambda horizon: (0,)),),
    schedulers=(Scheduler("Constant", (Argument("factor", UNIT_NUMBER, 1.0 / 3),), constant_step, constant_moments),),
)
