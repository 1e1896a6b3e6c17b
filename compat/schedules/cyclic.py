"""Up and down in cycles: policy ``cyclic``; MMEngine has no class of its own for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .arguments import ANNEALING, NUMBER, POSITIVE_INT, Argument, Kind
from .cosine import half_cosine
from .linear import line
from .record import Curve, Parameter, Policy

ANNEAL = {"cos": half_cosine, "linear": line}
"""The two ways of getting from one value to another."""


def ratio_pair(target_ratio: float | tuple[float, ...]) -> tuple[float, float]:
    """The ratios of the peak and of the end to the base; one number means the end is 100,000 times lower."""
    ratios = target_ratio if isinstance(target_ratio, tuple) else (target_ratio,)
    return (ratios[0], ratios[0] / 1e5) if len(ratios) == 1 else (ratios[0], ratios[1])


def cycle_lengths(horizon: int, cyclic_times: int, step_ratio_up: float) -> tuple[int, int]:
    """The iterations of one cycle and of its rising part; what remains of the run starts another cycle."""
    length = horizon // cyclic_times
    return length, int(step_ratio_up * length)


def cyclic(
    progress: int,
    horizon: int,
    base: float,
    target_ratio: float | tuple[float, ...],
    cyclic_times: int,
    step_ratio_up: float,
    anneal_strategy: str,
    gamma: float,
) -> float:
    """From ``base`` to the peak and down to the end of the cycle; ``gamma`` flattens the peak every cycle.

    Without a rising part the cycle starts at the peak, and ``gamma`` then acts on its end.
    Source: MMCV 1.7.2, mmcv/runner/hooks/lr_updater.py.
    """
    length, up = cycle_lengths(horizon, cyclic_times, step_ratio_up)
    peak, end = ratio_pair(target_ratio)
    cycle, position = divmod(progress, length)
    scale = gamma**cycle
    start, stop, first, last = (0, up, 1.0, peak) if position < up else (up, length, peak, end)
    if start == 0:
        last = 1 - scale + last * scale
    else:
        first = 1 - scale + first * scale
    return ANNEAL[anneal_strategy](base * first, base * last, (position - start) / (stop - start))


RATIO = Kind(
    "a float or a tuple of one or two numbers",
    lambda value: (
        isinstance(value, float)
        or (isinstance(value, tuple) and len(value) in (1, 2) and all(map(NUMBER.accepts, value)))
    ),
)
RISING = Kind("a number from 0 to below 1", lambda value: NUMBER.accepts(value) and 0 <= value < 1)


def _check(bound: Mapping[str, Any]) -> str:
    return "" if 0 < bound["gamma"] <= 1 else f"gamma: must be above 0 and at most 1, got {bound['gamma']!r}"


def _policy(parameter: Parameter, target_ratio: tuple[float, float]) -> Policy:
    arguments = (
        Argument("target_ratio", RATIO, target_ratio),
        Argument("cyclic_times", POSITIVE_INT, 1),
        Argument("step_ratio_up", RISING, 0.4),
        Argument("anneal_strategy", ANNEALING, "cos"),
        Argument("gamma", NUMBER, 1),
    )
    # MMCV checks gamma for the learning rate only.
    check = _check if parameter == "lr" else None
    return Policy("Cyclic", parameter, arguments, cyclic, iterations_only=True, check=check)


CYCLIC = Curve("cyclic", policies=(_policy("lr", (10, 1e-4)), _policy("momentum", (0.85 / 0.95, 1.0))))
