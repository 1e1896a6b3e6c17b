"""Dataloaders without a sampler."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.check.rule import Finding, Scope, check, one_file
from mmbridge.migrate.check.subject import Subject

_REST = "test_cfg = dict()\ntest_evaluator = dict(type='Accuracy')\n"


@check(
    Scope.LEAF,
    examples=[
        one_file(
            f"{_REST}test_dataloader = dict(batch_size=1, dataset=dict(type='D'))\n",
            f"{_REST}test_dataloader = dict(\n"
            "    batch_size=1, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dict(type='D'))\n",
        ),
    ],
)
def no_sampler(subject: Subject) -> Iterator[Finding]:
    """Without ``sampler`` the data comes in order, and whole to every process of a distributed run.

    In MMCV 1.x the train script chose the sampler; in MMEngine the config does.
    """
    for key, shuffle in (("train_dataloader", True), ("val_dataloader", False), ("test_dataloader", False)):
        loader = subject.get(key)
        if isinstance(loader, dict) and "dataset" in loader and not loader.keys() & {"sampler", "batch_sampler"}:
            order = "in order and " if shuffle and not loader.get("shuffle") else ""
            sentence = f"{key} has no sampler: the data comes {order}whole to every process"
            yield Finding(subject.origin(key), sentence, f"add sampler=dict(type='DefaultSampler', shuffle={shuffle})")
