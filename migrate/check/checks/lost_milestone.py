"""Milestones that the run or the scheduler's end never lets happen."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.check.rule import Finding, Scope, check, one_file, with_base
from mmbridge.migrate.check.subject import Subject


@check(
    Scope.RUN,
    examples=[
        one_file(
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=36)\n"
            "param_scheduler = [dict(type='MultiStepLR', begin=0, end=24, milestones=[28, 34])]\n",
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=36)\n"
            "param_scheduler = [dict(type='MultiStepLR', begin=0, end=36, milestones=[28, 34])]\n",
        ),
        with_base(
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=24)\n"
            "param_scheduler = [dict(type='MultiStepLR', milestones=[16, 22])]\n",
            bad="train_cfg = dict(max_epochs=12)\n",
            good="train_cfg = dict(max_epochs=12)\nparam_scheduler = [dict(type='MultiStepLR', milestones=[8, 11])]\n",
        ),
    ],
)
def lost_milestone(subject: Subject) -> Iterator[Finding]:
    """A milestone at or behind the scheduler's early ``end``, or behind the end of the run, does nothing.

    The learning rate stays higher than the config says. Milestones count from ``begin``.
    """
    loop = subject.loop
    if loop is None:
        return
    for entry in (entry for entries in subject.schedulers for entry in entries):
        milestones = entry.config.get("milestones")
        if not isinstance(milestones, (list, tuple)) or entry.unit != loop.unit:
            continue
        begin, end = entry.config.get("begin", 0), entry.config.get("end", loop.length)
        # One at the very end of the run changes nothing: customary, and no mistake.
        lost = [m for m in milestones if (end <= begin + m and end < loop.length) or begin + m > loop.length]
        if not lost:
            continue
        where = subject.origin(*entry.keys, "milestones")
        units = "epochs" if loop.unit == "epoch" else "iterations"
        if end < loop.length:
            why = f"the scheduler ends at {end} of {loop.length} {units}"
            fix = f"write end={loop.length}, or leave end out"
        else:
            length = subject.origin(*subject.length_keys)
            here = subject.last(where, length)
            beside = f" ({subject.at(length if here == where else where, here)})" if length != where else ""
            where, why, fix = here, f"the run has {loop.length} {units}{beside}", "move the milestones into the run"
        yield Finding(where, f"{entry.name}: milestones {lost} are never reached: {why}", fix)
