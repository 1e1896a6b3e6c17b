"""Arguments of the wrapper left inside the optimizer."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.check.rule import Finding, Scope, check, one_file
from mmbridge.migrate.check.subject import Subject


@check(
    Scope.RUN,
    examples=[
        one_file(
            "optim_wrapper = dict(\n    type='OptimWrapper',\n"
            "    optimizer=dict(type='AdamW', lr=1e-4, paramwise_cfg=dict(norm_decay_mult=0.0)))\n"
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12)\ntrain_dataloader = dict(\n"
            "    batch_size=2, sampler=dict(type='DefaultSampler', shuffle=True), dataset=dict(type='D'))\n",
            "optim_wrapper = dict(\n    type='OptimWrapper',\n"
            "    optimizer=dict(type='AdamW', lr=1e-4), paramwise_cfg=dict(norm_decay_mult=0.0))\n"
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12)\ntrain_dataloader = dict(\n"
            "    batch_size=2, sampler=dict(type='DefaultSampler', shuffle=True), dataset=dict(type='D'))\n",
        ),
    ],
)
def inner_optimizer(subject: Subject) -> Iterator[Finding]:
    """``paramwise_cfg`` and ``constructor`` belong into ``optim_wrapper``; inside its ``optimizer`` they fail.

    In MMCV 1.x both stood in ``optimizer``.
    """
    optimizer = subject.get("optim_wrapper", "optimizer")
    for name in ("paramwise_cfg", "constructor"):
        if isinstance(optimizer, dict) and name in optimizer:
            sentence = f"{name!r} stands inside optim_wrapper.optimizer: the optimizer takes no such argument"
            where = subject.origin("optim_wrapper", "optimizer", name)
            yield Finding(where, sentence, "move it one level up, into optim_wrapper")
