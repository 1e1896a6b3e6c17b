"""Loops by iteration that validate at an interval nobody wrote."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.check.rule import Finding, Scope, check, one_file
from mmbridge.migrate.check.subject import Subject

_VAL = (
    "val_cfg = dict()\nval_evaluator = dict(type='Accuracy')\n"
    "val_dataloader = dict(batch_size=1, sampler=dict(type='DefaultSampler'), dataset=dict(type='D'))\n"
    "optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01))\n"
    "train_dataloader = dict(batch_size=1, sampler=dict(type='InfiniteSampler'), dataset=dict(type='D'))\n"
)


@check(
    Scope.RUN,
    examples=[
        one_file(
            _VAL + "train_cfg = dict(type='IterBasedTrainLoop', max_iters=80000)\n",
            _VAL + "train_cfg = dict(type='IterBasedTrainLoop', max_iters=80000, val_interval=8000)\n",
        ),
    ],
)
def implicit_val_interval(subject: Subject) -> Iterator[Finding]:
    """An IterBasedTrainLoop without ``val_interval`` validates every 1,000 iterations.

    In MMCV 1.x the interval was in ``evaluation``, where it is easily left behind.
    """
    loop, cfg = subject.loop, subject.get("train_cfg")
    if loop is None or loop.unit != "iter" or "val_interval" in cfg or subject.get("val_dataloader") is None:
        return
    where = subject.origin(*subject.length_keys)
    sentence = f"no val_interval: the loop validates every 1000 of {loop.length} iterations"
    yield Finding(where, sentence, "write val_interval")
