"""Persistent workers without workers."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.check.rule import Finding, Scope, check, with_base
from mmbridge.migrate.check.subject import Subject


@check(
    Scope.RUN,
    examples=[
        with_base(
            "test_cfg = dict()\ntest_evaluator = dict(type='Accuracy')\n"
            "test_dataloader = dict(batch_size=1, num_workers=2, persistent_workers=True,\n"
            "    sampler=dict(type='DefaultSampler', shuffle=False), dataset=dict(type='D'))\n",
            bad="test_dataloader = dict(num_workers=0)\n",
            good="test_dataloader = dict(num_workers=0, persistent_workers=False)\n",
        ),
    ],
)
def persistent_workers(subject: Subject) -> Iterator[Finding]:
    """``persistent_workers=True`` with ``num_workers=0``: torch refuses to build the loader."""
    for key in ("train_dataloader", "val_dataloader", "test_dataloader"):
        loader = subject.get(key)
        if isinstance(loader, dict) and loader.get("persistent_workers") is True and loader.get("num_workers", 0) == 0:
            workers = [subject.origin(key, name) for name in ("persistent_workers", "num_workers") if name in loader]
            sentence = f"{key} has persistent_workers=True but no workers: torch refuses it"
            yield Finding(subject.last(*workers), sentence, "write persistent_workers=False or num_workers above 0")
