"""``type`` beside ``by_epoch`` in ``train_cfg``."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.check.rule import Finding, Scope, check, one_file, with_base
from mmbridge.migrate.check.subject import Subject


@check(
    Scope.RUN,
    examples=[
        one_file(
            "train_cfg = dict(type='EpochBasedTrainLoop', by_epoch=True, max_epochs=12)\n",
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12)\n",
        ),
        with_base(
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12)\n",
            bad="train_cfg = dict(by_epoch=True, max_epochs=36)\n",
            good="train_cfg = dict(max_epochs=36)\n",
        ),
    ],
)
def train_cfg_mixed(subject: Subject) -> Iterator[Finding]:
    """``train_cfg`` names its loop by ``type`` or by ``by_epoch``; with both, MMEngine refuses to train.

    Mostly a base says one and a child the other.
    """
    cfg = subject.get("train_cfg")
    if isinstance(cfg, dict) and "type" in cfg and "by_epoch" in cfg and "Loop" in str(cfg["type"]):
        kind, unit = subject.origin("train_cfg", "type"), subject.origin("train_cfg", "by_epoch")
        here = subject.last(kind, unit)
        key, other, there = ("type", "by_epoch", unit) if here == kind else ("by_epoch", "type", kind)
        sentence = f"train_cfg has {key!r} and also {other!r} ({subject.at(there, here)}): building the loop fails"
        yield Finding(here, sentence, "remove one of them, best by_epoch")
