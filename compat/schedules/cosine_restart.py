"""Cosine annealing with restarts: policy ``CosineRestart`` and ``CosineRestartLR``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, pi
from typing import Any

from mmbridge.compat.errors import ConfigError

from .arguments import NUMBERS, POSITIVE_INTS, Argument
from .cosine import half_cosine
from .floor import ETA_MIN, exactly_one_floor, floor_arguments, floor_of
from .record import Curve, Policy, Scheduler


def period_at(progress: int, periods: Sequence[int]) -> tuple[int, int] | None:
    """The index of the period that holds ``progress`` and where it starts; None past the last one."""
    start = 0
    for index, period in enumerate(periods):
        if progress < start + period:
            return index, start
        start += period
    return None


def cosine_restart(
    progress: int,
    horizon: int,
    base: float,
    periods: Sequence[int],
    restart_weights: Sequence[float],
    floor: float | None,
    floor_ratio: float | None,
) -> float:
    """Half a cosine to the floor in every period; the height above the floor is weighted per period.

    Source: MMCV 1.7.2, mmcv/runner/hooks/lr_updater.py.

    Raises:
        ConfigError: the run is longer than all periods together, where MMCV stops.
    """
    found = period_at(progress, periods)
    if found is None:
        raise ConfigError(f"periods: {list(periods)} cover {sum(periods)} steps, the run has {horizon}.")
    index, start = found
    bottom = floor_of(base, floor, floor_ratio)
    return half_cosine(base, bottom, min((progress - start) / periods[index], 1), restart_weights[index])


def restart_step(
    n: int,
    value: float,
    base: float,
    span: float,
    periods: Sequence[int],
    restart_weights: Sequence[float],
    floor: float | None,
    floor_ratio: float | None,
) -> float:
    """``base * weight`` at every restart, whatever stood there; between restarts as cosine annealing.

    Past the last period the value stays. Source: MMEngine 0.10.7, param_scheduler.py.
    """
    found = period_at(n, periods)
    if found is None:
        return value
    index, start = found
    step, period = n - start, periods[index]
    if step == 0:
        return base * restart_weights[index]
    bottom = floor_of(base, floor, floor_ratio)
    return (1 + cos(pi * step / period)) / (1 + cos(pi * (step - 1) / period)) * (value - bottom) + bottom


def _check(bound: Mapping[str, Any]) -> str:
    periods, weights = bound["periods"], bound["restart_weights"]
    if len(periods) != len(weights):
        return f"has {len(periods)} periods and {len(weights)} restart_weights; there must be one for each"
    return exactly_one_floor(bound)


COSINE_RESTART = Curve(
    "cosine restart",
    policies=(
        Policy(
            "CosineRestart",
            "lr",
            (
                Argument("periods", POSITIVE_INTS),
                Argument("restart_weights", NUMBERS, (1,)),
                *floor_arguments("lr"),
            ),
            cosine_restart,
            check=_check,
        ),
    ),
    schedulers=(
        Scheduler(
            "CosineRestart",
            (Argument("periods", POSITIVE_INTS), Argument("restart_weights", NUMBERS, (1,)), *ETA_MIN),
            restart_step,
            in_epochs=("periods",),
            check=_check,
        ),
    ),
)
