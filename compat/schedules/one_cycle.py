"""The one-cycle curve: policy ``OneCycle`` for both parameters and ``OneCycleLR``."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi

from mmbridge.compat.errors import ConfigError

from .arguments import (
    ANNEALING,
    ANY_BOOL,
    NUMBER,
    NUMBER_PER_GROUP,
    POSITIVE_INT_OR_NONE,
    UNIT_FLOAT,
    Argument,
    Kind,
)
from .cyclic import ANNEAL
from .record import Curve, Policy, Scheduler

Phase = tuple[float, float, float]
"""Last step of the phase, value at its start, value at its end."""


def phase_ends(total: float, pct_start: float, three_phase: bool) -> tuple[float, ...]:
    """The last step of every phase; they may be fractional."""
    rise = float(pct_start * total) - 1
    return (rise, float(2 * pct_start * total) - 2, total - 1) if three_phase else (rise, total - 1)


def phase_at(step: int, ends: Sequence[float]) -> tuple[int, float]:
    """The index of the phase that holds ``step`` and how far it has come, 0 to 1; the last phase is open."""
    start = 0.0
    for index, end in enumerate(ends):
        if step <= end or index == len(ends) - 1:
            return index, (step - start) / (end - start)
        start = end
    raise ConfigError("OneCycle: has no phase.")


def one_cycle(
    progress: int,
    horizon: int,
    base: float,
    max_lr: float,
    total_steps: int | None,
    pct_start: float,
    anneal_strategy: str,
    div_factor: float,
    final_div_factor: float,
    three_phase: bool,
) -> float:
    """From ``max_lr / div_factor`` to ``max_lr`` and down to the first value over ``final_div_factor``.

    The group's own learning rate plays no part. Source: MMCV 1.7.2, mmcv/runner/hooks/lr_updater.py.

    Raises:
        ConfigError: ``total_steps`` is less than the run has iterations.
    """
    total = horizon if total_steps is None else total_steps
    if total < horizon:
        raise ConfigError(f"total_steps: must be at least the run's {horizon} iterations, got {total}.")
    low = max_lr / div_factor
    heights = (1, div_factor, 1, 1 / final_div_factor) if three_phase else (1, div_factor, 1 / final_div_factor)
    index, fraction = phase_at(progress, phase_ends(total, pct_start, three_phase))
    return ANNEAL[anneal_strategy](low * heights[index], low * heights[index + 1], fraction)


def one_cycle_momentum(
    progress: int,
    horizon: int,
    base: float,
    base_momentum: float,
    max_momentum: float,
    pct_start: float,
    anneal_strategy: str,
    three_phase: bool,
) -> float:
    """From ``max_momentum`` down to ``base_momentum`` and back; a third phase stays at the maximum.

    Source: MMCV 1.7.2, mmcv/runner/hooks/momentum_updater.py.
    """
    high, low = max_momentum, base_momentum
    values = (high, low, high, high) if three_phase else (high, low, high)
    index, fraction = phase_at(progress, phase_ends(horizon, pct_start, three_phase))
    return ANNEAL[anneal_strategy](values[index], values[index + 1], fraction)


def annealed(strategy: str, start: float, end: float, fraction: float) -> float:
    """From ``start`` at fraction 0 to ``end`` at 1, ``cos`` or ``linear`` (MMEngine 0.10.7, param_scheduler.py).

    The curves of the old dialect with their operations in another order, which the last bit shows.
    """
    if strategy == "cos":
        return end + (start - end) / 2.0 * (cos(pi * fraction) + 1)
    return (end - start) * fraction + start


def one_cycle_step(
    n: int,
    value: float,
    base: float,
    span: float,
    eta_max: float,
    total_steps: int | None,
    pct_start: float,
    anneal_strategy: str,
    div_factor: float,
    final_div_factor: float,
    three_phase: bool,
) -> float:
    """The old curve's value at step ``n``, whatever stood there (MMEngine 0.10.7, param_scheduler.py).

    Raises:
        ConfigError: the step lies beyond ``total_steps``.
    """
    total = span if total_steps is None else total_steps
    if n > total:
        raise ConfigError(f"total_steps: {total} steps are given, but the run reaches step {n}.")
    low = eta_max / div_factor
    last = low / final_div_factor
    values = (low, eta_max, low, last) if three_phase else (low, eta_max, last)
    index, fraction = phase_at(n, phase_ends(total, pct_start, three_phase))
    return annealed(anneal_strategy, values[index], values[index + 1], fraction)


def initial_value(*, eta_max: float, div_factor: float, **_: object) -> float:
    """The initial learning rate that the scheduler's constructor writes into the group."""
    return eta_max / div_factor


_MOMENTUM = Kind(
    "a float, or a list with one number per parameter group",
    lambda value: isinstance(value, float) or (isinstance(value, list) and all(map(NUMBER.accepts, value))),
)
_SHAPE = (Argument("pct_start", UNIT_FLOAT, 0.3), Argument("anneal_strategy", ANNEALING, "cos"))
_THREE_PHASE = Argument("three_phase", ANY_BOOL, False)
_TAIL = (
    Argument("total_steps", POSITIVE_INT_OR_NONE, None),
    *_SHAPE,
    Argument("div_factor", NUMBER, 25.0),
    Argument("final_div_factor", NUMBER, 1e4),
    _THREE_PHASE,
)

ONE_CYCLE = Curve(
    "one cycle",
    policies=(
        Policy(
            "OneCycle",
            "lr",
            (Argument("max_lr", NUMBER_PER_GROUP, per_group=True), *_TAIL),
            one_cycle,
            iterations_only=True,
        ),
        Policy(
            "OneCycle",
            "momentum",
            (
                Argument("base_momentum", _MOMENTUM, 0.85, per_group=True),
                Argument("max_momentum", _MOMENTUM, 0.95, per_group=True),
                *_SHAPE,
                _THREE_PHASE,
            ),
            one_cycle_momentum,
            iterations_only=True,
        ),
    ),
    schedulers=(
        Scheduler(
            "OneCycle",
            (Argument("eta_max", NUMBER_PER_GROUP, 0, per_group=True), *_TAIL),
            one_cycle_step,
            in_epochs=("total_steps",),
            parameters=("lr",),
            initial=initial_value,
        ),
    ),
)
