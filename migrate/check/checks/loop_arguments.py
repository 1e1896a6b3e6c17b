"""``train_cfg`` with the length of the other loop, or of no loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mmbridge.migrate.check.rule import Finding, Scope, check, one_file, with_base
from mmbridge.migrate.check.subject import Subject

_FOREIGN: Final = {"EpochBasedTrainLoop": "max_iters", "IterBasedTrainLoop": "max_epochs"}


@check(
    Scope.RUN,
    examples=[
        with_base(
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12)\n",
            bad="train_cfg = dict(type='IterBasedTrainLoop', max_iters=90000, val_interval=10000)\n",
            good="train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=90000, val_interval=10000)\n",
        ),
        one_file("train_cfg = dict(max_epochs=12)\n", "train_cfg = dict(by_epoch=True, max_epochs=12)\n"),
    ],
)
def loop_arguments(subject: Subject) -> Iterator[Finding]:
    """``train_cfg`` must name its loop and give that loop's own arguments, or building the loop fails.

    A child that changes the loop inherits the base's ``max_epochs`` or ``max_iters`` unless it deletes them.
    """
    cfg = subject.get("train_cfg")
    if not isinstance(cfg, dict):
        return
    if "max_epochs" in cfg and "type" not in cfg and "by_epoch" not in cfg:
        sentence = "train_cfg has 'max_epochs', but neither 'type' nor 'by_epoch': MMEngine takes IterBasedTrainLoop"
        where = subject.origin("train_cfg", "max_epochs")
        yield Finding(where, f"{sentence}, which refuses it", "add type='EpochBasedTrainLoop'")
    foreign = _FOREIGN.get(str(cfg.get("type")))
    if foreign is not None and foreign in cfg:
        length = subject.origin("train_cfg", foreign)
        here = subject.last(subject.origin("train_cfg", "type"), length)
        beside = f" ({subject.at(length, here)})" if length != here else ""
        sentence = f"{cfg['type']} takes no {foreign!r}{beside}: building the loop fails"
        yield Finding(here, sentence, "replace the base's train_cfg with _delete_=True")
