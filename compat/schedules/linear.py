"""Straight lines: policy ``LinearAnnealing`` and ``LinearLR``."""

from __future__ import annotations

from .arguments import UNIT_NUMBER, Argument
from .floor import exactly_one_floor, floor_arguments, floor_of
from .record import Curve, Parameter, Policy, Scheduler


def line(start: float, end: float, factor: float) -> float:
    """From ``start`` at factor 0 to ``end`` at factor 1."""
    return start + (end - start) * factor


def linear_annealing(progress: int, horizon: int, base: float, floor: float | None, floor_ratio: float | None) -> float:
    """A line from ``base`` to the floor, which it reaches after the run.

    Source: MMCV 1.7.2, mmcv/runner/hooks/lr_updater.py.
    """
    return line(base, floor_of(base, floor, floor_ratio), progress / horizon)


def linear_step(n: int, value: float, base: float, span: float, start_factor: float, end_factor: float) -> float:
    """The factor moves from ``start_factor`` at the first step to ``end_factor`` at step ``span - 1``.

    Source: MMEngine 0.10.7, mmengine/optim/scheduler/param_scheduler.py.
    """
    if n == 0:
        return value * start_factor
    rise = end_factor - start_factor
    return value * (1.0 + rise / ((span - 1) * start_factor + (n - 1) * rise))


def _policy(parameter: Parameter) -> Policy:
    return Policy("LinearAnnealing", parameter, floor_arguments(parameter), linear_annealing, check=exactly_one_floor)


LINEAR = Curve(
    "linear",
    policies=(_policy("lr"), _policy("momentum")),
    schedulers=(
        Scheduler(
            "Linear",
            (Argument("start_factor", UNIT_NUMBER, 1.0 / 3), Argument("end_factor", UNIT_NUMBER, 1.0)),
            linear_step,
        ),
    ),
)
