"""One old schedule to be arranged: what is known about it, and how its schedulers are written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mmbridge.compat.schedules import BoundPolicy, Loop, Parameter

Schedulers = list[dict[str, Any]]
Style = Literal["builtin", "closed-form", "upstream"]


class NoHonestForm(Exception):
    """Nothing MMEngine has comes close enough; the text says why."""


@dataclass(slots=True)
class Case:
    """A policy with its loop. ``base`` is None and ``epoch_length`` is None where the config does not tell.

    ``notes`` collects what a person should know.
    """

    bound: BoundPolicy
    loop: Loop
    base: float | None
    equal_bases: bool
    epoch_length: int | None
    upstream: bool
    notes: list[str] = field(default_factory=list)

    @property
    def parameter(self) -> Parameter:
        """What the schedule drives."""
        return self.bound.policy.parameter

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The policy's arguments, defaults filled in."""
        return self.bound.arguments

    @property
    def converted(self) -> bool:
        """Whether a policy by iteration runs in a loop counted in epochs."""
        return self.loop.unit == "epoch" and not self.bound.by_epoch

    @property
    def iterations(self) -> int | None:
        """The length of the run, where it is known."""
        if self.loop.unit == "iter":
            return self.loop.length
        return None if self.epoch_length is None else self.loop.iterations(self.epoch_length)

    @property
    def shared_base(self) -> float | None:
        """The one initial value of all groups, None where it is unknown or groups differ."""
        return self.base if self.equal_bases and self.base else None

    def scheduler(self, stem: str, arguments: Mapping[str, Any], frame: Mapping[str, Any]) -> dict[str, Any]:
        """One scheduler in MMEngine's key order: type, the curve's arguments, then unit, begin and end."""
        suffix = "LR" if self.parameter == "lr" else "Momentum"
        return {"type": stem + suffix, **arguments, **frame}

    def say(self, note: str) -> None:
        """Keep a note once."""
        if note not in self.notes:
            self.notes.append(note)

    def whole_run(self, extra: int = 0) -> dict[str, Any]:
        """Unit, begin and end of a scheduler over the run and ``extra`` steps more, in the policy's unit."""
        if not self.converted:
            return {"by_epoch": self.bound.by_epoch, "begin": 0, "end": self.loop.length + extra}
        if extra and not self.upstream:
            # Without an end the runner puts the run's last iteration there, so the extra steps go before it.
            self.say("begin=-1 lets the curve arrive after the last iteration, as MMCV's does")
            return {"by_epoch": False, "begin": -extra}
        return converted_frame(0, self.loop.length)

    def open_end(self) -> dict[str, Any]:
        """The frame of a scheduler that needs no end; it is written where it is the run's own length."""
        if self.converted:
            return {"by_epoch": False, "begin": 0}
        return self.whole_run()

    def epochs_end(self, epochs: int) -> float:
        """``epochs`` and one iteration, counted in epochs; just ``epochs`` where their length is unknown."""
        if self.upstream or self.epoch_length is None:
            return epochs
        return one_iteration_beyond(epochs, self.epoch_length)


def converted_frame(begin: float, end: float) -> dict[str, Any]:
    """A frame in epochs that MMEngine turns into iterations."""
    return {"by_epoch": True, "begin": begin, "end": end, "convert_to_iter_based": True}


def iteration_frame(end: float, begin: float = 0) -> dict[str, Any]:
    """A frame in iterations."""
    return {"by_epoch": False, "begin": begin, "end": end}


def one_iteration_beyond(epochs: int, epoch_length: int) -> float:
    """The shortest decimal ``x`` whose ``int(x * epoch_length)`` is one iteration past ``epochs``."""
    if epoch_length == 1:
        return epochs + 1
    for digits in range(1, 17):
        step = -(-(10**digits) // epoch_length)
        for tenths in (step, step + 1):
            end = float(f"{epochs}.{tenths:0{digits}d}") if tenths < 10**digits else float(epochs + 1)
            if int(end * epoch_length) == epochs * epoch_length + 1:
                return end
    return epochs + 1.5 / epoch_length
