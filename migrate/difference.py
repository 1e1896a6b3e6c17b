"""What one file must say so that, over its converted bases, it resolves to its converted self."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmbridge.compat.config import BaseRef, Undecided, merge
from mmbridge.compat.errors import ConfigError
from mmbridge.migrate.apply_dict import MISSING, lookup, materialise, open_ref
from mmbridge.migrate.edit import Path, Ref, refs
from mmbridge.migrate.layout import MEANS_ABSENT

DELETE_KEY = "_delete_"


@dataclass(frozen=True, slots=True)
class Difference:
    """Own keys of one file, as templates whose references point into the file itself.

    ``config`` is the old config merged with its bases and ``own`` what the file itself says, with its
    ``{{_base_.x}}`` filled from the *new* bases: what no longer stands there is not taken over as written.
    ``written`` is the same unfilled: below a ``{{_base_.x}}`` there is nothing to refer to.
    """

    config: Mapping[str, Any]
    own: Mapping[str, Any]
    written: Mapping[str, Any]

    def of(self, template: Any, base: Any, dst: Path) -> Any:
        """The smallest template that over ``base`` gives ``template``, or MISSING if ``base`` alone does.

        What the file says itself is kept even where the base says the same.
        """
        if isinstance(template, Ref):
            value, mine = lookup(self.config, template.path), self._mine(template.path)
            if mine is MISSING and same(base, value):
                return MISSING
            if mine is not MISSING and same(_over(mine, base), value):
                return template
            if not isinstance(value, dict):
                return self._whole(template)
            template = open_ref(template, self.config)
        if isinstance(template, dict):
            return self._of_dict(template, base, dst)
        touched = any(lookup(self.own, ref.path) is not MISSING for ref in refs(template))
        if not touched and same(materialise(template, self.config), base):
            return MISSING
        return self._whole(template)

    def _of_dict(self, template: dict[Any, Any], base: Any, dst: Path) -> Any:
        if base is MISSING:
            return self._whole(template)
        gone = [key for key in base if key not in template] if isinstance(base, dict) else [dst]
        if not isinstance(base, dict) or any((*dst, key) not in MEANS_ABSENT for key in gone):
            whole = self._whole(template)
            return {DELETE_KEY: True, **(whole if isinstance(whole, dict) else open_ref(whole, self.own))}
        parts = {key: self.of(value, base.get(key, MISSING), (*dst, key)) for key, value in template.items()}
        parts = {key: part for key, part in parts.items() if part is not MISSING}
        for path in ((*dst, key) for key in gone):
            if not same(base[path[-1]], MEANS_ABSENT[path]):
                parts[path[-1]] = MEANS_ABSENT[path]
        return parts or MISSING

    def _mine(self, path: Path) -> Any:
        """What the file itself says at ``path``, or MISSING; parts of a ``{{_base_.x}}`` are not its own."""
        return MISSING if lookup(self.written, path) is MISSING else lookup(self.own, path)

    def _whole(self, template: Any) -> Any:
        """``template`` in full: references where the file has the very value, literals elsewhere."""
        if isinstance(template, Ref):
            value = lookup(self.config, template.path)
            if same(self._mine(template.path), value):
                return template
            if not isinstance(value, dict):
                return value
            template = open_ref(template, self.config)
        if isinstance(template, dict):
            return {key: self._whole(value) for key, value in template.items()}
        if isinstance(template, (list, tuple)):
            return type(template)(self._whole(value) for value in template)
        return template


def same(left: Any, right: Any) -> bool:
    """Equality that tells True from 1 and 1 from 1.0, as the text of a config does.

    What stands for an unknown value is equal to what stands for the same one, on whatever line.
    """
    if left is right:
        return True
    if left.__class__ is not right.__class__:
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(map(same, left.values(), map(right.__getitem__, left)))
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, (Undecided, BaseRef)):
        return _identity(left) == _identity(right)
    return bool(left == right)


def _identity(unknown: Undecided | BaseRef) -> str:
    return unknown.reason if isinstance(unknown, Undecided) else unknown.dotted


def fill(value: Any, bases: Mapping[str, Any]) -> Any:
    """``value`` with each ``{{_base_.x}}`` replaced by what ``bases`` hold, or left where they hold nothing."""
    if isinstance(value, BaseRef):
        found = lookup(bases, tuple(value.dotted.split(".")))
        return value if found is MISSING else found
    if isinstance(value, dict):
        return {key: fill(item, bases) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(fill(item, bases) for item in value)
    return value


def _over(mine: Any, base: Any) -> Any:
    """What ``mine`` becomes over ``base`` when files are merged; MISSING if it cannot be merged."""
    if base is MISSING or not isinstance(mine, dict):
        return mine
    try:
        return merge({"value": mine}, {"value": base})["value"]
    except ConfigError:
        return MISSING
