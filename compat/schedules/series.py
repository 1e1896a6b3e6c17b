"""The values of one parameter over a run, and how far two runs' values lie apart."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import merge
from itertools import pairwise
from math import inf, isnan
from operator import sub, truediv
from typing import Literal

from mmbridge.compat.errors import ConfigError

from .record import Parameter


@dataclass(frozen=True, slots=True)
class Loop:
    """How long training lasts: ``length`` epochs or iterations.

    Raises:
        ConfigError: the length is not a positive integer.
    """

    unit: Literal["epoch", "iter"]
    length: int

    def __post_init__(self) -> None:
        if not isinstance(self.length, int) or self.length <= 0:
            key = "max_epochs" if self.unit == "epoch" else "max_iters"
            raise ConfigError(f"{key}: must be a positive integer, got {self.length!r}.")

    def iterations(self, epoch_length: int) -> int:
        """The iterations of the run, ``epoch_length`` of them to an epoch."""
        return self.length * epoch_length if self.unit == "epoch" else self.length


@dataclass(frozen=True, slots=True)
class Run:
    """Iterations ``start`` to before ``stop``, during which no group changes; one value per group."""

    start: int
    stop: int
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """The value of ``parameter`` that every group uses at every iteration, stored run by run.

    ``starts`` are the iterations at which something changes, the first one 0. ``columns`` hold a value per
    start; ``column_of`` says which column each group reads, so that equal groups share one.
    """

    parameter: Parameter
    iterations: int
    starts: Sequence[int]
    columns: tuple[Sequence[float], ...]
    column_of: tuple[int, ...]

    @property
    def groups(self) -> int:
        """How many parameter groups there are."""
        return len(self.column_of)

    @property
    def runs(self) -> Iterator[Run]:
        """The runs in order; their number is that of changes, not of iterations."""
        for index, (start, stop) in enumerate(pairwise([*self.starts, self.iterations])):
            yield Run(start, stop, tuple(self.columns[column][index] for column in self.column_of))

    def at(self, iteration: int, group: int = 0) -> float:
        """The value that ``group`` uses at ``iteration``, both counted from 0.

        Raises:
            IndexError: the run has no such iteration.
        """
        if not 0 <= iteration < self.iterations:
            raise IndexError(f"iteration {iteration} of {self.iterations}")
        return self.columns[self.column_of[group]][bisect_right(self.starts, iteration) - 1]

    def values(self, group: int = 0) -> list[float]:
        """The value at every iteration, written out."""
        column = self.columns[self.column_of[group]]
        expanded: list[float] = []
        for value, (start, stop) in zip(column, pairwise([*self.starts, self.iterations]), strict=True):
            expanded += [value] * (stop - start)
        return expanded


@dataclass(frozen=True, slots=True)
class Deviation:
    """Where two series lie furthest apart, relative to the old value; falsy when they are equal.

    ``relative`` is infinite where the old value is 0 and the new one is not.
    """

    relative: float = 0.0
    iteration: int = 0
    group: int = 0
    old: float = 0.0
    new: float = 0.0

    def __bool__(self) -> bool:
        return self.relative > 0


def deviation(old: Series, new: Series) -> Deviation:
    """The largest relative deviation over all iterations and groups; the first place where it occurs.

    Raises:
        ConfigError: the two runs differ in iterations or groups.
    """
    if (old.iterations, old.groups) != (new.iterations, new.groups):
        raise ConfigError(
            f"{old.parameter}: cannot compare {old.iterations} iterations of {old.groups} groups"
            f" with {new.iterations} of {new.groups}."
        )
    worst = Deviation(old=old.at(0), new=new.at(0))
    seen = set()
    for group, pair in enumerate(zip(old.column_of, new.column_of, strict=True)):
        if pair not in seen:
            seen.add(pair)
            found = _column_deviation(old, new, group)
            if found.relative > worst.relative:
                worst = found
    return worst


def _column_deviation(old: Series, new: Series, group: int) -> Deviation:
    a, b = old.columns[old.column_of[group]], new.columns[new.column_of[group]]
    starts = old.starts
    if old.starts != new.starts:
        starts, a, b = _aligned(old.starts, a, new.starts, b)
    relatives = _relatives(a, b)
    worst = max(relatives)
    if isnan(sum(relatives)):  # max alone may pass over a nan
        worst = next(relative for relative in relatives if isnan(relative))
    if not worst:
        return Deviation(0.0, 0, group, a[0], b[0])
    at = relatives.index(worst)
    return Deviation(inf if isnan(worst) else worst, starts[at], group, a[at], b[at])


def _relatives(old: Sequence[float], new: Sequence[float]) -> list[float]:
    """``abs(new - old) / abs(old)``, 0 where both are equal and infinite where only the old value is 0."""
    with suppress(ZeroDivisionError):
        quotients = list(map(abs, map(truediv, map(sub, new, old), old)))
        if not isnan(sum(quotients)):
            return quotients
    return [0.0 if x == y else abs(y - x) / abs(x) if x else inf for x, y in zip(old, new, strict=True)]


def _aligned(
    a_starts: Sequence[int], a: Sequence[float], b_starts: Sequence[int], b: Sequence[float]
) -> tuple[list[int], list[float], list[float]]:
    """Both columns with one value at every iteration at which either of them starts a run."""
    pairs = list(_paired_runs(a_starts, b_starts))
    return [start for start, _, _ in pairs], [a[i] for _, i, _ in pairs], [b[j] for _, _, j in pairs]


def _paired_runs(a: Sequence[int], b: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Every iteration at which either side starts a run, with the index of the run both are in."""
    i = j = -1
    for start in merge(a, b):
        if i + 1 < len(a) and a[i + 1] == start:
            i += 1
        if j + 1 < len(b) and b[j + 1] == start:
            j += 1
        if i >= 0 and j >= 0:
            yield start, i, j
