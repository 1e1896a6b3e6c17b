"""One scheduler of the new dialect, read from its config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from .record import Scheduler


@dataclass(frozen=True, slots=True)
class BoundScheduler:
    """One scheduler as the runner builds it: defaults filled in, epochs converted where asked.

    ``begin``, ``end`` and all arguments are in the scheduler's own unit: epochs if ``by_epoch``.
    """

    scheduler: Scheduler
    arguments: Mapping[str, Any]
    begin: float
    end: float
    by_epoch: bool
    last_step: int
    where: str

    def steps(self, available: int) -> tuple[Sequence[int], Sequence[int]]:
        """The runner's steps below ``available`` that may change the value, and beside them each one's n."""
        first = max(0, ceil(self.begin))
        stop = min(available, ceil(self.end))
        shift = self.last_step + 1 - first
        moments = self.scheduler.moments
        if moments is None:
            return range(first, stop), range(first + shift, stop + shift)
        found = set(moments(stop + shift, self.end - self.begin, **self.arguments))
        counts = sorted(n for n in found if first <= n - shift < stop)
        return [n - shift for n in counts], counts
