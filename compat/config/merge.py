"""How a config file's keys go over its bases' keys: MMCV's merge, on plain dicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.compat.config.values import OPAQUE, BaseRef, Undecided
from mmbridge.compat.errors import ConfigError

DELETE_KEY = "_delete_"
_MISSING = object()


def merge(child: Mapping[str, Any], base: Mapping[str, Any], *, where: str = "") -> dict[str, Any]:
    """``child`` over ``base``: dicts merge key by key, everything else replaces; base keys keep their places.

    A dict with a true ``_delete_`` replaces the base's value; where the base has no such key, ``_delete_`` stays
    in the result as it was written, as in both engines. A dict over an Undecided gives that Undecided.
    Neither input changes; the result may share parts with both. ``where`` starts the error sentence.

    Raises ConfigError for a dict over a base value that is none. Source of the rule: MMCV 1.7.2,
    mmcv/utils/config.py.
    """
    return _merge(child, base, where, ())


def _merge(
    child: Mapping[str, Any], base: Mapping[str, Any], where: str, path: tuple[str, ...]
) -> dict[str, Any]:
    merged = dict(base)
    for key, value in child.items():
        below = merged.get(key, _MISSING) if isinstance(value, dict) else _MISSING
        if below is _MISSING:
            merged[key] = value
            continue
        delete = value.get(DELETE_KEY, False)
        if delete.__class__ in OPAQUE:
            merged[key] = _unknown(delete)
        elif delete:
            merged[key] = _without_delete(value)
        elif isinstance(below, dict):
            merged[key] = _merge(_without_delete(value), below, where, (*path, str(key)))
        elif below.__class__ in OPAQUE:
            merged[key] = _unknown(below)
        else:
            raise ConfigError(_not_a_dict(where, ".".join((*path, str(key))), below))
    return merged


def _without_delete(value: dict[Any, Any]) -> dict[Any, Any]:
    if DELETE_KEY not in value:
        return value
    return {key: item for key, item in value.items() if key != DELETE_KEY}


def _unknown(value: Undecided | BaseRef) -> Undecided:
    if isinstance(value, Undecided):
        return value
    return Undecided("", value.line, f"{{{{_base_.{value.dotted}}}}} is not replaced yet")


def _not_a_dict(where: str, key: str, below: Any) -> str:
    start = f"{where}: " if where else ""
    return (
        f"{start}{key} is a dict here, but {type(below).__name__} in the base; "
        "write _delete_=True into the dict to replace the base's value."
    )
