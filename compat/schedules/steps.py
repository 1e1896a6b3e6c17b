"""Steps: the value is multiplied by ``gamma`` at given moments."""

from __future__ import annotations

from collections.abc import Iterable

from .arguments import NUMBER, NUMBER_OR_NONE, NUMBERS, POSITIVE_INT, Argument, Kind
from .record import Curve, Parameter, Policy, Scheduler

STEP = Kind(
    "a positive integer or a list of positive integers",
    lambda value: POSITIVE_INT.accepts(value) or (isinstance(value, list) and all(map(POSITIVE_INT.accepts, value))),
)


def step(progress: int, horizon: int, base: float, step: int | list[int], gamma: float, floor: float | None) -> float:
    """``base * gamma ** k``, not below ``floor``; ``k`` counts whole intervals or the milestones passed.

    With a list, ``k`` is the place of the first milestone beyond ``progress``, so an unsorted list jumps.
    Source: MMCV 1.7.2, mmcv/runner/hooks/lr_updater.py.
    """
    if isinstance(step, int):
        passed = progress // step
    else:
        passed = next((k for k, milestone in enumerate(step) if progress < milestone), len(step))
    value = float(base * (gamma**passed))
    return value if floor is None else max(value, floor)


def step_moments(horizon: int, *, step: int | list[int], gamma: float, floor: float | None) -> Iterable[int]:
    """The start and every milestone."""
    return range(0, horizon, step) if isinstance(step, int) else (0, *step)


def interval_step(n: int, value: float, base: float, span: float, step_size: int, gamma: float) -> float:
    """Times ``gamma`` every ``step_size`` steps (MMEngine 0.10.7, param_scheduler.py)."""
    return value if n == 0 or n % step_size else value * gamma


def interval_moments(stop: int, span: float, *, step_size: int, gamma: float) -> Iterable[int]:
    """The multiples of the interval."""
    return range(step_size, stop, step_size)


def milestone_step(n: int, value: float, base: float, span: float, milestones: list[int], gamma: float) -> float:
    """Times ``gamma`` at every milestone, as often as it is listed."""
    return dropped(value, gamma, milestones.count(n))


def dropped(value: float, gamma: float, times: int) -> float:
    """``value`` as it was, or times ``gamma`` to the power of ``times`` (MMEngine 0.10.7, param_scheduler.py)."""
    return float(value * gamma**times) if times else value


def milestone_moments(stop: int, span: float, *, milestones: list[int], gamma: float) -> Iterable[int]:
    """The milestones that are whole numbers: no other is ever met."""
    return {int(milestone) for milestone in milestones if milestone == int(milestone)}


def _policy(parameter: Parameter, gamma: float) -> Policy:
    arguments = (
        Argument("step", STEP),
        Argument("gamma", NUMBER, gamma),
        Argument(f"min_{parameter}", NUMBER_OR_NONE, None, keyword="floor"),
    )
    return Policy("Step", parameter, arguments, step, step_moments)


STEPS = Curve(
    "step",
    policies=(_policy("lr", 0.1), _policy("momentum", 0.5)),
    schedulers=(
        Scheduler(
            "Step",
            (Argument("step_size", POSITIVE_INT), Argument("gamma", NUMBER, 0.1)),
            interval_step,
            interval_moments,
            in_epochs=("step_size",),
        ),
        Scheduler(
            "MultiStep",
            (Argument("milestones", NUMBERS), Argument("gamma", NUMBER, 0.1)),
            milestone_step,
            milestone_moments,
            in_epochs=("milestones",),
        ),
    ),
)
