"""What a list of bound schedulers does to a parameter, step by step."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import Any, TypeAlias

from mmbridge.compat.errors import ConfigError

from .bound_scheduler import BoundScheduler
from .record import SchedulerValue, in_order
from .series import Loop

_Rule: TypeAlias = tuple[SchedulerValue, tuple[Any, ...]]
"""What a scheduler does to the value at each step, and the arguments it always has."""


class Group:
    """One parameter group while the run is played: its value, and the base each scheduler saw when built.

    Raises:
        ConfigError: the first scheduler does not start at the beginning, or two write their heights into the group.
    """

    __slots__ = ("arguments", "bases", "value")

    def __init__(self, base: float, arguments: list[dict[str, Any]], schedulers: Sequence[BoundScheduler]) -> None:
        self.value = base
        self.arguments = arguments
        self.bases: list[float] = []
        initial: float | None = None
        heights: list[Any] = []
        for bound, chosen in zip(schedulers, arguments, strict=True):
            if bound.scheduler.initial:
                heights.append([chosen[name] for name in ("eta_max", "div_factor", "final_div_factor")])
                if heights[-1] != heights[0]:
                    raise ConfigError(f"{bound.where}: would replace the eta_max of the one cycle before; keep one.")
            if bound.scheduler.initial and bound.last_step == -1:
                initial = bound.scheduler.initial(**chosen)
            elif initial is None and bound.last_step >= 0:
                raise ConfigError(
                    f"{bound.where}.last_step: the first scheduler must start at -1, got {bound.last_step}."
                )
            # The first scheduler records the value it finds; later ones read that record.
            initial = base if initial is None else initial
            self.bases.append(initial)


@dataclass(frozen=True, slots=True)
class _Steps:
    """Steps in order: at which iteration, by which scheduler, and how many it made before."""

    times: Sequence[int]
    indexes: Iterable[int]
    counts: Sequence[int]


def play(
    schedulers: Sequence[BoundScheduler], groups: Sequence[Group], loop: Loop, epoch_length: int
) -> tuple[Sequence[int], tuple[list[float], ...]]:
    """The iterations at which anything may change, and the values that each group has from there on.

    Raises:
        ConfigError: a scheduler has no value at some step.
    """
    if not schedulers:
        return [0], tuple([group.value] for group in groups)
    together, alone, index = _steps(schedulers, loop, epoch_length)
    last = [k for k, (time, after) in enumerate(pairwise([*together.times, -1])) if time != after]
    starts = [together.times[k] for k in last]
    untouched = [] if starts and starts[0] == 0 else [0]
    columns = []
    for group in groups:
        rules = list(map(_rule, schedulers, group.bases, group.arguments))
        written = _one_by_one(schedulers, rules, together, group.value)
        column = [*(group.value for _ in untouched), *(written[k] for k in last)]
        columns.append(column + _on_its_own(schedulers, rules, index, alone, column[-1]))
    starts = untouched + starts
    iterations = loop.iterations(epoch_length)
    if len(starts) + len(alone.times) == iterations:
        return range(iterations), tuple(columns)
    return [*starts, *alone.times], tuple(columns)


def _steps(schedulers: Sequence[BoundScheduler], loop: Loop, epoch_length: int) -> tuple[_Steps, _Steps, int]:
    """The steps that all make, then those that one makes when the others are done, and which one that is.

    At one iteration those counted in iterations come first. The first steps all happen when the list is built,
    so there the unit makes no difference.
    """
    every = [_moments(bound, loop, epoch_length) for bound in schedulers]
    ends = [times[-1] if times else -1 for times, _ in every]
    longest = ends.index(max(ends))
    done = max(ends[:longest] + ends[longest + 1 :], default=-1)
    heads = [bisect_right(times, done) for times, _ in every]
    heads[longest] += 1  # its very first step is like no other
    together = sorted(
        (time, bound.by_epoch and time > 0, index, count)
        for index, (bound, (times, counts), head) in enumerate(zip(schedulers, every, heads, strict=True))
        for time, count in zip(times[:head], counts[:head], strict=True)
    )
    times, counts = (part[heads[longest] :] for part in every[longest])
    return (
        _Steps([step[0] for step in together], [step[2] for step in together], [step[3] for step in together]),
        _Steps(times, repeat(longest), counts),
        longest,
    )


def _moments(bound: BoundScheduler, loop: Loop, epoch_length: int) -> tuple[Sequence[int], Sequence[int]]:
    """When a scheduler steps, in iterations, and which of its steps each one is; a loop by iteration is one epoch."""
    if not bound.by_epoch:
        return bound.steps(loop.iterations(epoch_length))
    steps, counts = bound.steps(loop.length if loop.unit == "epoch" else 1)
    return [step * epoch_length for step in steps], counts


def _rule(bound: BoundScheduler, base: float, arguments: Mapping[str, Any]) -> _Rule:
    value = bound.scheduler.value
    return value, (base, bound.end - bound.begin, *in_order(value, arguments))


def _on_its_own(
    schedulers: Sequence[BoundScheduler], rules: Sequence[_Rule], index: int, steps: _Steps, value: float
) -> list[float]:
    """What every step leaves in the group where only one scheduler steps, none of them its first."""
    values = schedulers[index].scheduler.values
    if values and steps.counts:
        with suppress(ArithmeticError, TypeError):  # one by one tells where
            return values(steps.counts, value, *rules[index][1])
    return _one_by_one(schedulers, rules, steps, value)


def _one_by_one(
    schedulers: Sequence[BoundScheduler], rules: Sequence[_Rule], steps: _Steps, value: float
) -> list[float]:
    """What every step leaves in the group."""
    index = 0
    written: list[float] = []
    write = written.append
    try:
        for index, n in zip(steps.indexes, steps.counts, strict=False):
            rule, fixed = rules[index]
            value = rule(n, value, *fixed)
            write(value)
    except ConfigError as error:
        raise ConfigError(f"{schedulers[index].where}.{error}") from None
    except (ArithmeticError, TypeError, ValueError) as error:
        where = f"{schedulers[index].where}: iteration {steps.times[len(written)]}"
        raise ConfigError(f"{where}: the scheduler has no value: {error}.") from error
    if isinstance(value, complex):
        raise ConfigError("param_scheduler: a negative number to a fractional power is complex.")
    return written
