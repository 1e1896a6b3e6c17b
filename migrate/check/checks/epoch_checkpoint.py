"""Checkpoints by epoch in a loop by iteration."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.check.rule import Finding, Scope, check, one_file
from mmbridge.migrate.check.subject import Subject


@check(
    Scope.RUN,
    examples=[
        one_file(
            "train_cfg = dict(type='IterBasedTrainLoop', max_iters=80000, val_interval=8000)\n"
            "default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=8000))\n",
            "train_cfg = dict(type='IterBasedTrainLoop', max_iters=80000, val_interval=8000)\n"
            "default_hooks = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=8000))\n",
        ),
    ],
)
def epoch_checkpoint(subject: Subject) -> Iterator[Finding]:
    """CheckpointHook with ``by_epoch=True``, its default, in an IterBasedTrainLoop saves only when training ends.

    Such a loop is one long epoch.
    """
    loop, hook = subject.loop, subject.get("default_hooks", "checkpoint")
    if loop is None or loop.unit != "iter" or not isinstance(hook, dict) or hook.get("type") != "CheckpointHook":
        return
    if hook.get("by_epoch", True) is True and hook.get("interval", -1) != -1:
        said = "" if "by_epoch" in hook else " (by default)"
        name = "by_epoch" if said == "" else "type"
        where = subject.last(subject.origin("default_hooks", "checkpoint", name), subject.loop_origin)
        sentence = f"CheckpointHook has by_epoch=True{said}, but the loop counts iterations: it saves only at the end"
        yield Finding(where, sentence, "write by_epoch=False, and interval in iterations")
