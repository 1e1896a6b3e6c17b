"""Loader, loop and third part set only in part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mmbridge.migrate.check.rule import Finding, Scope, check, one_file, with_base
from mmbridge.migrate.check.subject import Subject

_TRIPLES: Final = (
    ("train_dataloader", "train_cfg", "optim_wrapper"),
    ("val_dataloader", "val_cfg", "val_evaluator"),
    ("test_dataloader", "test_cfg", "test_evaluator"),
)
_LOADER: Final = "dict(batch_size=1, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dict(type='D'))"


@check(
    Scope.LEAF,
    examples=[
        one_file(
            f"val_dataloader = {_LOADER}\nval_evaluator = dict(type='Accuracy')\n",
            f"val_dataloader = {_LOADER}\nval_evaluator = dict(type='Accuracy')\nval_cfg = dict()\n",
        ),
        with_base(
            f"test_dataloader = {_LOADER}\ntest_evaluator = dict(type='Accuracy')\ntest_cfg = dict()\n",
            bad="test_dataloader = None\n",
            good="test_dataloader = None\ntest_evaluator = None\ntest_cfg = None\n",
        ),
    ],
)
def half_triple(subject: Subject) -> Iterator[Finding]:
    """MMEngine wants all or none of loader, loop and evaluator (for training: loader, loop and optim_wrapper).

    With one missing or None and another one set, the runner is not built.
    """
    for triple in _TRIPLES:
        present = [key for key in triple if subject.get(key) is not None]
        missing = [key for key in triple if key not in present]
        if present and missing:
            written = [subject.origin(key) for key in triple if key in subject.config]
            sentence = f"{' and '.join(present)} without {' and '.join(missing)}: the runner is not built"
            fix = f"set {' and '.join(missing)}, or all three to None"
            yield Finding(subject.whole(subject.last(*written)), sentence, fix)
