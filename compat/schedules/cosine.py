"""Cosine annealing to a floor: ``CosineAnnealing``, ``FlatCosineAnnealing`` and ``CosineAnnealingLR``."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi

from .arguments import NUMBER_OR_NONE, UNIT_FLOAT, Argument
from .floor import ETA_MIN, at_most_one_floor, exactly_one_floor, floor_arguments, floor_of
from .record import Curve, Policy, Scheduler


def half_cosine(start: float, end: float, factor: float, weight: float = 1.0) -> float:
    """From ``end + weight * (start - end)`` at factor 0 to ``end`` at factor 1 along half a cosine.

    Source: MMCV 1.7.2, mmcv/runner/hooks/lr_updater.py.
    """
    return end + 0.5 * weight * (start - end) * (cos(pi * factor) + 1)


def cosine(progress: int, horizon: int, base: float, floor: float | None, floor_ratio: float | None) -> float:
    """Half a cosine from ``base`` to the floor, which it reaches after the run."""
    return half_cosine(base, floor_of(base, floor, floor_ratio), progress / horizon)


def flat_start(horizon: int, start_percent: float) -> int:
    """The progress at which a flat cosine begins to fall; halves round to even."""
    return round(horizon * start_percent)


def flat_cosine(
    progress: int,
    horizon: int,
    base: float,
    start_percent: float,
    floor: float | None,
    floor_ratio: float | None,
) -> float:
    """``base`` for the first part of the run, then half a cosine to the floor."""
    start = flat_start(horizon, start_percent)
    if progress < start:
        return base
    return half_cosine(base, floor_of(base, floor, floor_ratio), (progress - start) / (horizon - start))


def cosine_step(
    n: int,
    value: float,
    base: float,
    span: float,
    T_max: float | None,  # noqa: N803
    floor: float | None,
    floor_ratio: float | None,
) -> float:
    """Scale the distance to the floor by the ratio of neighbouring cosines; past ``T_max`` it rises again.

    Source: MMEngine 0.10.7, mmengine/optim/scheduler/param_scheduler.py.
    """
    if n == 0:
        return value
    period = T_max or span
    bottom = floor_of(base, floor, floor_ratio)
    if (n - 1 - period) % (2 * period) == 0:
        return value + (base - bottom) * (1 - cos(pi / period)) / 2
    return (1 + cos(pi * n / period)) / (1 + cos(pi * (n - 1) / period)) * (value - bottom) + bottom


def cosine_steps(
    counts: Sequence[int],
    value: float,
    base: float,
    span: float,
    T_max: float | None,  # noqa: N803
    floor: float | None,
    floor_ratio: float | None,
) -> list[float]:
    """`cosine_step` over ``counts``, consecutive and none of them 0."""
    period = T_max or span
    bottom = floor_of(base, floor, floor_ratio)
    written = []
    height = 1 + cos(pi * (counts[0] - 1) / period)
    for n in counts:
        before, height = height, 1 + cos(pi * n / period)
        if (n - 1 - period) % (2 * period) == 0:
            value += (base - bottom) * (1 - cos(pi / period)) / 2
        else:
            value = height / before * (value - bottom) + bottom
        written.append(value)
    return written


_START = Argument("start_percent", UNIT_FLOAT, 0.75)

COSINE = Curve(
    "cosine",
    policies=(
        Policy("CosineAnnealing", "lr", floor_arguments("lr"), cosine, check=exactly_one_floor),
        Policy("CosineAnnealing", "momentum", floor_arguments("momentum"), cosine, check=exactly_one_floor),
    ),
    schedulers=(
        Scheduler(
            "CosineAnnealing",
            (Argument("T_max", NUMBER_OR_NONE, None), *ETA_MIN),
            cosine_step,
            in_epochs=("T_max",),
            check=at_most_one_floor,
            values=cosine_steps,
        ),
    ),
)
FLAT_COSINE = Curve(
    "flat cosine",
    policies=(
        Policy(
            "FlatCosineAnnealing",
            "lr",
            (_START, *floor_arguments("lr")),
            flat_cosine,
            check=exactly_one_floor,
        ),
    ),
)
