"""Polynomial decay to a floor: policy ``poly`` and ``PolyLR``."""

from __future__ import annotations

from .arguments import NUMBER, Argument
from .record import Curve, Policy, Scheduler


def poly(progress: int, horizon: int, base: float, power: float, floor: float) -> float:
    """``(base - floor) * (1 - progress / horizon) ** power + floor``: reaches the floor after the run.

    Source: MMCV 1.7.2, mmcv/runner/hooks/lr_updater.py.
    """
    return float((base - floor) * (1 - progress / horizon) ** power + floor)


def poly_step(n: int, value: float, base: float, span: float, floor: float, power: float) -> float:
    """Shrink the distance to the floor so that it is zero at step ``span - 1``.

    Source: MMEngine 0.10.7, mmengine/optim/scheduler/param_scheduler.py.
    """
    if n == 0:
        return value
    shrunk: float = (value - floor) * (1 - 1 / (span - 1 - n + 1)) ** power + floor
    return shrunk


POLY = Curve(
    "poly",
    policies=(
        Policy(
            "Poly",
            "lr",
            (Argument("power", NUMBER, 1.0), Argument("min_lr", NUMBER, 0.0, keyword="floor")),
            poly,
        ),
    ),
    schedulers=(
        Scheduler(
            "Poly",
            (Argument("eta_min", NUMBER, 0, keyword="floor"), Argument("power", NUMBER, 1.0)),
            poly_step,
        ),
    ),
)
