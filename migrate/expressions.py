"""The expressions behind references: what to print for an old value at a new place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import libcst as cst
from mmbridge.migrate.apply_dict import lookup
from mmbridge.migrate.edit import Ref, refs
from mmbridge.migrate.render import Piece, Renderer, Style, no_reference
from mmbridge.migrate.source import Entry, Source, code_of, names_in, private_names

_PRAGMA = re.compile(r"#\s*(yapf|fmt|isort|noqa|pylint|type):?")


@dataclass
class Expressions:
    """Finds the text of each reference of one file; ``helpers`` live on under a private name."""

    source: Source
    values: Mapping[str, Any]
    helpers: frozenset[str]
    style: Style

    def place(self, template: Any, anchor: str | None) -> int:
        """The index of the old statement at which a new one stands: its anchor's, or later if a name needs it.

        Without an anchor the statement stands at the end.
        """
        needed = [self._last[anchor]] if anchor is not None else [len(self.source.statements)]
        for ref in refs(template):
            key = str(ref.path[0])
            if key in self.helpers:
                needed.append(self._last[key])
                continue
            entry = self.source.entry(ref.path)
            at = self._last.get(key, 0)
            for name in self._names(entry, key) if entry is not None else ():
                bound = [i for i in self._bound.get(name, ()) if i < at]
                needed += bound[-1:]
        return max(needed)

    def pieces(self, place: int, anchor: str | None) -> Callable[[Ref], Piece]:
        """The function that gives the text of a reference in the statement at ``place``."""

        def piece(ref: Ref) -> Piece:
            return self._piece(ref, place, anchor)

        return piece

    def _piece(self, ref: Ref, place: int, anchor: str | None) -> Piece:
        key = str(ref.path[0])
        if key in self.helpers:
            return Piece(f"__{key}" + _subscripts(ref.path[1:]))
        entry = self.source.entry(ref.path)
        if entry is None or self._rebound(entry, key, place):
            return Piece(self._reached(ref, place))
        leading, trailing = entry.leading, entry.trailing
        if len(ref.path) == 1:
            leading, trailing = self._heading(key, anchor)
        return Piece(self._code(entry.value), leading, trailing)

    def _reached(self, ref: Ref, place: int) -> str:
        """An expression for a value without one of its own: through a variable, else a literal."""
        key = str(ref.path[0])
        for cut in range(len(ref.path) - 1, 0, -1):
            entry = self.source.entry(ref.path[:cut])
            reachable = entry is not None and isinstance(entry.value, (cst.Name, cst.Subscript))
            if entry is not None and reachable and not self._rebound(entry, key, place):
                return self._code(entry.value) + _subscripts(ref.path[cut:])
        return Renderer(self.style, no_reference).literal_of(lookup(self.values, ref.path))

    def _code(self, node: cst.BaseExpression) -> str:
        if self.helpers and self.helpers & names_in(node):
            node = private_names(node, self.helpers)
        return code_of(node)

    def _rebound(self, entry: Entry, key: str, place: int) -> bool:
        """Whether a name in the expression means something else at ``place`` than where it was written."""
        low, high = sorted((self._last.get(key, 0), place))
        return any(low < i <= high for name in self._names(entry, key) for i in self._bound.get(name, ()))

    def _names(self, entry: Entry, key: str) -> frozenset[str]:
        """The names of this file that the expression reads."""
        if not self.source.plain[key].reads & self._bound.keys():
            return frozenset()
        return names_in(entry.value)

    def _heading(self, key: str, anchor: str | None) -> tuple[tuple[str, ...], str | None]:
        """The comments of a whole statement that becomes an entry of another one."""
        statement = self.source.plain[key]
        above = () if key == anchor else tuple(c for c in statement.heading if not _PRAGMA.match(c))
        return above, statement.trailing

    @cached_property
    def _bound(self) -> dict[str, list[int]]:
        """Name -> the indices of the statements that bind or mutate it."""
        bound: dict[str, list[int]] = {}
        for i, statement in enumerate(self.source.statements):
            for key in statement.keys:
                bound.setdefault(key, []).append(i)
        return bound

    @cached_property
    def _last(self) -> dict[str, int]:
        return {key: indices[-1] for key, indices in self._bound.items()}


def _subscripts(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step!r}]" for step in path)
