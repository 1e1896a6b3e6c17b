"""Cosine annealing that comes back up."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.check.rule import Finding, Scope, check, one_file
from mmbridge.migrate.check.subject import Subject


@check(
    Scope.RUN,
    examples=[
        one_file(
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100)\n"
            "param_scheduler = [dict(type='CosineAnnealingLR', T_max=60, begin=0, end=100)]\n",
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100)\n"
            "param_scheduler = [dict(type='CosineAnnealingLR', T_max=100, begin=0, end=100)]\n",
        ),
    ],
)
def rising_cosine(subject: Subject) -> Iterator[Finding]:
    """``T_max`` shorter than ``end - begin``: after ``T_max`` steps the learning rate rises again."""
    loop = subject.loop
    if loop is None:
        return
    for entry in (entry for entries in subject.schedulers for entry in entries):
        if entry.rule.stem != "CosineAnnealing" or entry.unit != loop.unit:
            continue
        begin, period = entry.config.get("begin", 0), entry.config.get("T_max")
        end = min(entry.config.get("end", loop.length), loop.length)
        if period is not None and begin + period < end:
            sentence = f"{entry.name}: T_max={period} is over at {begin + period}, then the curve rises until {end}"
            where = subject.origin(*entry.keys, "T_max")
            yield Finding(where, sentence, f"write end={begin + period} or T_max={end - begin}")
