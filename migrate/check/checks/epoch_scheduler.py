"""Schedulers by epoch in a loop by iteration."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.check.rule import Finding, Scope, check, one_file
from mmbridge.migrate.check.subject import Subject


@check(
    Scope.RUN,
    examples=[
        one_file(
            "train_cfg = dict(type='IterBasedTrainLoop', max_iters=90000, val_interval=10000)\n"
            "param_scheduler = dict(type='MultiStepLR', milestones=[60000, 80000])\n",
            "train_cfg = dict(type='IterBasedTrainLoop', max_iters=90000, val_interval=10000)\n"
            "param_scheduler = dict(type='MultiStepLR', milestones=[60000, 80000], by_epoch=False)\n",
        ),
    ],
)
def epoch_scheduler(subject: Subject) -> Iterator[Finding]:
    """A scheduler with ``by_epoch=True``, MMEngine's default, in an IterBasedTrainLoop does nothing.

    Such a loop is one long epoch, so the scheduler steps once, after training.
    """
    if subject.loop is None or subject.loop.unit != "iter":
        return
    for entry in (entry for entries in subject.schedulers for entry in entries):
        if entry.by_epoch and not entry.converted and not entry.rule.metric_driven:
            said = "" if "by_epoch" in entry.config else " (by default)"
            where = subject.last(subject.origin(*entry.keys), subject.loop_origin)
            sentence = f"{entry.name} has by_epoch=True{said}, but the loop counts iterations: it never steps"
            yield Finding(where, sentence, "write by_epoch=False and all numbers in iterations")
