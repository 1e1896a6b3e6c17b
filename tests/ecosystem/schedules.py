"""The schedules of the public trees: every distinct one, with the old config, the new one and a file that has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import trees
from mmbridge.compat.schedules import Deviation, Loop, Series, deviation, legacy_series, modern_series
from mmbridge.migrate.prove import Proof
from mmbridge.migrate.view import View

EPOCH_LENGTHS = (7, 500, 7330)
"""Iterations per epoch that schedules are compared at: hardly any, a small data set's, COCO's at 16 images."""

EXACT = 1e-12
"""Relative; the engines' own steps round by some 1e-16 each, and there are up to 300,000 of them."""


@dataclass(frozen=True)
class Schedule:
    """A learning rate over a run, before and after; ``bases`` are the rates of the parameter groups."""

    file: str
    old: Mapping[str, Any]
    new: Sequence[Mapping[str, Any]]
    loop: Loop
    bases: tuple[float, ...]
    proof: Proof

    @property
    def combination(self) -> tuple[Any, ...]:
        """Policy, warm-up, unit and length."""
        warmup = (self.old.get("warmup"), self.old.get("warmup_by_epoch", False))
        return (self.old["policy"], *warmup, self.old.get("by_epoch"), self.loop.unit, self.loop.length)

    def old_series(self, epoch_length: int) -> Series:
        """What MMCV's formula gives."""
        return legacy_series(self.old, loop=self.loop, epoch_length=epoch_length, bases=self.bases)

    def new_series(self, epoch_length: int) -> Series:
        """What MMEngine's schedulers give."""
        return modern_series(self.new, loop=self.loop, epoch_length=epoch_length, bases=self.bases)

    def deviation(self, epoch_length: int) -> Deviation:
        """How far the two lie apart."""
        return deviation(self.old_series(epoch_length), self.new_series(epoch_length))

    def deviations(self) -> dict[int, float]:
        """The largest relative deviation for each epoch length; a run counted in iterations has only one."""
        lengths = EPOCH_LENGTHS if self.loop.unit == "epoch" else EPOCH_LENGTHS[:1]
        return {length: self.deviation(length).relative for length in lengths}


def distinct(name: str) -> list[Schedule]:
    """The schedules of one tree that differ in anything; those left for a person are not among them."""
    found: dict[str, Schedule] = {}
    for schedule in _all(trees.converted(name)):
        what = (schedule.old, schedule.new, schedule.loop, schedule.bases)
        found.setdefault(repr(what), schedule)
    return list(found.values())


def one_per_combination(schedules: Sequence[Schedule]) -> list[Schedule]:
    """The first schedule of every combination of policy, warm-up, unit and length."""
    found: dict[tuple[Any, ...], Schedule] = {}
    for schedule in schedules:
        found.setdefault(schedule.combination, schedule)
    return list(found.values())


def _all(tree: trees.ConvertedTree) -> Iterator[Schedule]:
    for name, file in tree.runnable.items():
        proof = file.report.proof
        if proof is None or not proof.iterations:
            continue
        target = tree.tree.target(file.path)
        run, optimizer = View(target.config).run, target.config.get("optimizer") or {}
        rate = optimizer.get("lr", 0.1)
        bases = (rate, rate / 10) if optimizer.get("paramwise_cfg") else (rate,)
        new = target.value.get("param_scheduler", [])
        yield Schedule(name, target.config["lr_config"], new, Loop(run.unit, run.length), bases, proof)
