"""``_delete_`` where there is nothing to delete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mmbridge.compat.config.merge import DELETE_KEY
from mmbridge.migrate.dialect import AMBIGUOUS_KEYS, LEGACY_KEYS
from mmbridge.migrate.edit import Drop, Edit, Path
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.view import View

_KEYS: Final = (*sorted(LEGACY_KEYS | AMBIGUOUS_KEYS), "custom_hooks", "model", "train_cfg", "test_cfg")


@rule(
    reads=_KEYS,
    writes=(),
    examples=[
        Example(
            old="checkpoint_config = dict(_delete_=True, interval=5)\n",
            new="default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=5))\n",
        ),
        Example(old="model = dict(type='ToyDetector')\n", new="model = dict(type='ToyDetector')\n"),
    ],
)
def stale_delete(view: View) -> Iterator[Edit]:
    """A `_delete_` over nothing goes: both engines take it for an argument, and what is built then refuses it."""
    found: list[Path] = []
    for key in _KEYS:
        _find_marks(view.get(key), (key,), found)
    for path in found:
        yield Drop(path, "there is nothing to delete")


def _find_marks(value: Any, path: Path, found: list[Path]) -> None:
    if isinstance(value, dict):
        if DELETE_KEY in value:
            found.append((*path, DELETE_KEY))
    elif not isinstance(value, (list, tuple)):
        return
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, (dict, list, tuple)):
            _find_marks(item, (*path, key), found)
