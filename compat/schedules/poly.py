"""Polynomial decay to a floor: policy ``poly`` and ``PolyLR``."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache

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


_SHARED = 16  # power functions kept for schedules that differ in base, floor or warm-up only; 8 bytes a step


@lru_cache(_SHARED)
def _heights(progresses: range, horizon: int, power: float) -> Sequence[float]:
    return array("d", [(1 - progress / horizon) ** power for progress in progresses])


def polys(progresses: Sequence[int], horizon: int, base: float, power: float, floor: float) -> list[float]:
    """`poly` at each of ``progresses``."""
    if not isinstance(progresses, range):
        return [poly(progress, horizon, base, power, floor) for progress in progresses]
    drop = base - floor
    return [drop * height + floor for height in _heights(progresses, horizon, power)]


@lru_cache(_SHARED)
def _factors(counts: range, span: float, power: float) -> Sequence[float]:
    return array("d", [(1 - 1 / (span - 1 - n + 1)) ** power for n in counts])


def poly_steps(counts: range, value: float, base: float, span: float, floor: float, power: float) -> list[float]:
    """`poly_step` over ``counts``, consecutive and none of them 0."""
    return [value := (value - floor) * factor + floor for factor in _factors(counts, span, power)]


POLY = Curve(
    "poly",
    policies=(
        Policy(
            "Poly",
            "lr",
            (Argument("power", NUMBER, 1.0), Argument("min_lr", NUMBER, 0.0, keyword="floor")),
            poly,
            values=polys,
        ),
    ),
    schedulers=(
        Scheduler(
            "Poly",
            (Argument("eta_min", NUMBER, 0, keyword="floor"), Argument("power", NUMBER, 1.0)),
            poly_step,
            values=poly_steps,
        ),
    ),
)
