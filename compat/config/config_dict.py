"""ConfigDict: a dict whose keys are also attributes."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

_NONE: Any = object()


class ConfigDict(dict[Any, Any]):
    """A dict with attribute access; a missing name is an error, never a new empty dict.

    Plain dicts become ConfigDicts when they are put in, also inside lists and tuples. ``update`` merges
    nested dicts into nested dicts, as in both MMCV 1.x and MMEngine; lists are replaced as a whole.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, to_config(value))

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'") from None

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(dict, name):
            raise AttributeError(f"'{name}' is a method of every dict; write [{name!r}] to set the key")
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'") from None

    def get(self, key: Any, default: Any = None) -> Any:
        """As dict's; ``default`` may be named."""
        return super().get(key, default)

    def pop(self, key: Any, default: Any = _NONE) -> Any:
        """As dict's, so KeyError without ``default``, which may be named."""
        return super().pop(key) if default is _NONE else super().pop(key, default)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """As dict's, but a dict put in becomes a ConfigDict."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Merge: a dict over a dict is merged key by key, everything else is replaced."""
        for key, value in dict(*args, **kwargs).items():
            mine = self.get(key)
            if isinstance(value, Mapping) and isinstance(mine, ConfigDict):
                mine.update(value)
            else:
                self[key] = value

    def copy(self) -> ConfigDict:
        """A new ConfigDict that shares its values with this one."""
        return copy.copy(self)

    def __copy__(self) -> ConfigDict:
        other = type(self)()
        for key, value in self.items():
            dict.__setitem__(other, key, value)
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> ConfigDict:
        other = type(self)()
        memo[id(self)] = other
        for key, value in self.items():
            dict.__setitem__(other, copy.deepcopy(key, memo), copy.deepcopy(value, memo))
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (), None, None, iter(self.items()))

    def __or__(self, other: Any) -> ConfigDict:
        merged = self.copy()
        for key, value in other.items():
            merged[key] = value
        return merged

    def __ior__(self, other: Any) -> ConfigDict:
        for key, value in dict(other).items():
            self[key] = value
        return self

    @classmethod
    def fromkeys(cls, keys: Iterable[Any], value: Any = None) -> ConfigDict:
        """A ConfigDict with the same value under every key."""
        return cls(dict.fromkeys(keys, value))

    def to_dict(self) -> dict[Any, Any]:
        """The same values in plain dicts."""
        plain: dict[Any, Any] = to_plain(self)
        return plain


def to_config(value: Any) -> Any:
    """``value`` with every plain dict in it, also inside lists and tuples, as a ConfigDict."""
    kind = value.__class__
    if kind is dict:
        return ConfigDict(value)
    if kind is list:
        return [to_config(item) for item in value]
    if kind is tuple:
        return tuple(to_config(item) for item in value)
    return value


def to_plain(value: Any, _done: dict[int, Any] | None = None) -> Any:
    """``value`` with plain dicts in place of ConfigDicts; what was one object stays one object."""
    done = {} if _done is None else _done
    kind = value.__class__
    if kind not in (dict, list, tuple, ConfigDict):
        return value
    if id(value) in done:
        return done[id(value)]
    if isinstance(value, dict):
        plain: Any = {}
        done[id(value)] = plain
        for key, item in value.items():
            plain[key] = to_plain(item, done)
    elif kind is list:
        plain = []
        done[id(value)] = plain
        plain.extend(to_plain(item, done) for item in value)
    else:
        plain = tuple(to_plain(item, done) for item in value)
        done[id(value)] = plain
    return plain
