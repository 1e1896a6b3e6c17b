"""Dicts to draw, of which some keys are always there and others may be."""

from __future__ import annotations

from typing import Any

from hypothesis.strategies import SearchStrategy, fixed_dictionaries, just

Drawn = dict[str, Any]


def some(required: Drawn, optional: Drawn | None = None) -> SearchStrategy[Drawn]:
    """Dicts with all the keys of ``required`` and any of ``optional``; a value is a strategy, or itself."""
    return fixed_dictionaries(_strategies(required), optional=_strategies(optional or {}))


def _strategies(values: Drawn) -> dict[str, SearchStrategy[Any]]:
    return {key: value if isinstance(value, SearchStrategy) else just(value) for key, value in values.items()}
