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
    """MMEngine builds no dataloader without ``sampler``; ``shuffle`` alone is not enough."""
    for key, shuffle in (("train_dataloader", True), ("val_dataloader", False), ("test_dataloader", False)):
        loader = subject.get(key)
        if isinstance(loader, dict) and "dataset" in loader and "sampler" not in loader:
            fix = f"add sampler=dict(type='DefaultSampler', shuffle={shuffle})"
            yield Finding(subject.origin(key), f"{key} has no sampler: MMEngine cannot build it", fix)
