"""Schedulers that MMEngine refuses."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.check.rule import Finding, Scope, check, one_file
from mmbridge.migrate.check.subject import Subject


@check(
    Scope.RUN,
    examples=[
        one_file(
            "param_scheduler = [dict(type='PolyLR', power=0.9, min_lr=1e-4, by_epoch=False, begin=0, end=80000)]\n",
            "param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=1e-4, by_epoch=False, begin=0, end=80000)]\n",
        ),
        one_file(
            "param_scheduler = [dict(type='MultiStepLR', milestone=[8, 11], begin=0, end=12)]\n",
            "param_scheduler = [dict(type='MultiStepLR', milestones=[8, 11], begin=0, end=12)]\n",
        ),
    ],
)
def bad_scheduler(subject: Subject) -> Iterator[Finding]:
    """A scheduler of MMEngine with an argument it does not take, a bad value, or ``end`` not above ``begin``.

    MMEngine says so only after the model and the data are built.
    """
    for keys, sentence in subject.refused.items():
        if "policy" not in subject.get(*keys):
            yield Finding(subject.origin(*keys), sentence)
