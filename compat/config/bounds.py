"""How large a config may grow while it is read, and the checks of a value that operations need."""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterable, ValuesView
from typing import Any

from mmbridge.compat.config.values import OPAQUE, UndecidedError

ITEMS = 100_000
CHARACTERS = 1_000_000
BITS = 100_000
STEPS = 1_000_000
DEPTH = 100

SCALARS = frozenset((str, int, float, bool, complex, type(None), bytes, type(...)))
HASHED_ALIKE = frozenset((int, float, bool, complex))  # the others hash differently from run to run
ITERATION = (list, tuple, dict, set, frozenset, str, range)
_WIDE = re.compile(r"\d{5,}")


def opaque_part(value: Any, seen: set[int] | None = None) -> Any:
    """The first Undecided or BaseRef inside ``value``, or None."""
    kind = value.__class__
    if kind in OPAQUE:
        return value
    if kind in SCALARS or kind is range:
        return None
    seen = set() if seen is None else seen
    if id(value) in seen:
        return None
    seen.add(id(value))
    if isinstance(value, dict):
        children: Iterable[Any] = value.values()
    elif isinstance(value, (list, tuple, ValuesView, ItemsView)):
        children = value
    else:
        return None
    for child in children:
        found = opaque_part(child, seen)
        if found is not None:
            return found
    return None


def measure(value: Any, *, as_text: bool = False, depth: int = 0) -> int:
    """The number of values in ``value``, shared ones counted as often as met; bounded.

    With ``as_text`` also refuses what prints differently from run to run: sets of strings and iterators.
    """
    kind = value.__class__
    if kind in SCALARS or kind in OPAQUE:
        return 1
    if depth > DEPTH:
        raise UndecidedError("the value is nested too deeply, or holds itself")
    if isinstance(value, dict):
        parts: Iterable[Any] = value.values()
    elif isinstance(value, (list, tuple)):
        parts = value
    elif isinstance(value, (set, frozenset)):
        if as_text:
            check_order(value)
        return 1 + len(value)
    elif value.__class__ is range:
        return 1
    else:
        raise UndecidedError(f"a {kind.__name__} object, which is no plain value")
    total = 1
    for part in parts:
        total += measure(part, as_text=as_text, depth=depth + 1)
        if total > ITEMS:
            raise UndecidedError("the value is too large to be worked out")
    return total


def check_order(value: Any) -> None:
    """Stop if iterating over ``value`` gives another order in another run: a set of strings does."""
    if isinstance(value, (set, frozenset)) and len(value) > 1:
        for item in value:
            if item.__class__ not in HASHED_ALIKE:
                raise UndecidedError("the order of this set differs from run to run")


def check_count(number: int) -> None:
    """Stop if a list or a dict would get more items than the bound."""
    if number > ITEMS:
        raise UndecidedError(f"more than {ITEMS:,} items")


def check_length(value: Any) -> None:
    """Stop if ``value`` has more items or characters than the bounds."""
    if isinstance(value, ITERATION) and len(value) > (CHARACTERS if isinstance(value, str) else ITEMS):
        raise UndecidedError(f"more than {ITEMS:,} items or {CHARACTERS:,} characters")


def check_format(spec: str) -> None:
    """Stop if a format asks for an absurd width or precision."""
    if _WIDE.search(spec):
        raise UndecidedError("a format with an absurd width")
