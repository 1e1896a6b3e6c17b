"""Top-level ``train_cfg`` and ``test_cfg`` of the model, whose names MMEngine gives to the loops."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.compat.config import Undecided
from mmbridge.migrate.edit import Drop, Edit, Move
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.rules.undecided import undecided
from mmbridge.migrate.view import View


@rule(
    reads=("train_cfg", "test_cfg", "model"),
    writes=("model",),
    examples=[
        Example(
            old="model = dict(type='ToyClassifier')\ntrain_cfg = dict(mixup=0.2)\ntest_cfg = None\n",
            new="model = dict(type='ToyClassifier', train_cfg=dict(mixup=0.2))\n",
        ),
        Example(
            old="model = dict(type='ToyDetector', train_cfg=dict(rpn=None))\n",
            new="model = dict(type='ToyDetector', train_cfg=dict(rpn=None))\n",
        ),
    ],
)
def model_cfg(view: View) -> Iterator[Edit]:
    """Model settings at the top level move into `model`, as the 1.x builders did: MMEngine reads loops there."""
    for key in ("train_cfg", "test_cfg"):
        if not view.has(key):
            continue
        if isinstance(view.get("model"), Undecided):
            yield from undecided(view, ("model",))
        elif not view.get(key):
            yield Drop((key,), "an empty model setting; the name now belongs to the loop")
        elif view.has("model", key):
            yield Drop((key,), f"model.{key} is set as well and wins", warn=True)
        else:
            yield Move((key,), ("model", key))
