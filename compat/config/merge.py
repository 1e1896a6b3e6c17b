"""How a config file's keys go over its bases' keys: MMCV's merge, on plain dicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.compat.config.values import OPAQUE, Undecided
from mmbridge.compat.errors import ConfigError

DELETE_KEY = "_delete_"
_MISSING = object()


def merge(child: Mapping[str, Any], base: Mapping[str, Any], *, where: str = "") -> dict[str, Any]:
    """``child`` over ``base``: dicts merge key by key, everything else replaces; base keys keep their places.

    A dict with a true ``_delete_`` replaces the base's value; where the base has no such key, ``_delete_``
    stays in the result as it was written, as in both engines. A dict over an Undecided gives that Undecided.
    Neither input changes; the result may share parts with both. ``where`` starts the error sentence.

    Raises ConfigError for a dict over a base value that is none. Source of the rule: MMCV 1.7.2,
    mmcv/utils/config.py.
    """
    return _merge(child, base, where, ())


def merge_options(
    options: Mapping[str, Any], base: Mapping[str, Any], *, allow_list_keys: bool = True
) -> dict[str, Any]:
    """``{'a.b': 1}`` merged into ``base`` by the rule of ``merge``; new paths are created.

    With ``allow_list_keys``, a number below a list names its item: a dict there is merged, anything else
    replaced. Raises ConfigError if the list has no such item or the key is no number.
    """
    nested: dict[str, Any] = {}
    for dotted, value in options.items():
        *parents, last = dotted.split(".")
        place = nested
        for parent in parents:
            below = place.get(parent)
            place[parent] = place = dict(below) if isinstance(below, dict) else {}
        place[last] = value
    return _merge(nested, base, "", (), allow_list_keys)


def _merge_list(child: dict[Any, Any], base: list[Any], where: str, path: tuple[str, ...]) -> list[Any]:
    merged = list(base)
    for key, value in child.items():
        name = ".".join((*path, str(key)))
        if not str(key).isdecimal():
            raise ConfigError(f"{name}: {'.'.join(path)} is a list; name one of its items by a number.")
        if int(key) >= len(merged):
            raise ConfigError(f"{name}: {'.'.join(path)} has {len(merged)} items; the last one is {len(merged) - 1}.")
        item = merged[int(key)]
        both = isinstance(value, dict) and isinstance(item, (dict, list))
        merged[int(key)] = _merge({"": value}, {"": item}, where, path, True)[""] if both else value
    return merged


def _merge(
    child: Mapping[str, Any],
    base: Mapping[str, Any],
    where: str,
    path: tuple[str, ...],
    lists: bool = False,
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
            merged[key] = _merge(_without_delete(value), below, where, (*path, str(key)), lists)
        elif lists and isinstance(below, list):
            merged[key] = _merge_list(value, below, where, (*path, str(key)))
        elif below.__class__ in OPAQUE:
            merged[key] = _unknown(below)
        else:
            raise ConfigError(_not_a_dict(where, ".".join((*path, str(key))), below))
    return merged


def _without_delete(value: dict[Any, Any]) -> dict[Any, Any]:
    if DELETE_KEY not in value:
        return value
    return {key: item for key, item in value.items() if key != DELETE_KEY}


def _unknown(value: Any) -> Undecided:
    if isinstance(value, Undecided):
        return value
    return Undecided("", value.line, f"{{{{_base_.{value.dotted}}}}} is not replaced yet")


def _not_a_dict(where: str, key: str, below: Any) -> str:
    start = f"{where}: " if where else ""
    return (
        f"{start}{key} is a dict here, but {type(below).__name__} in the base; "
        "write _delete_=True into the dict to replace the base's value."
    )
