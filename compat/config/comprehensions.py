"""Comprehensions, generators and the targets they bind."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

from mmbridge.compat.config.bounds import check_length, check_order
from mmbridge.compat.config.expressions import HANDLERS, Expressions
from mmbridge.compat.config.scope import SHADOW
from mmbridge.compat.config.values import OPAQUE, UndecidedError


class Comprehensions(Expressions):
    """Expressions that bind names of their own for a while."""

    def generated(self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp) -> list[Any]:
        """The items of a generator expression or a comprehension, in order."""
        result: list[Any] = []
        self._comprehend(node.generators, lambda: result.append(self.value(node.elt)))
        return result

    def _set_comp(self, node: ast.SetComp) -> set[Any]:
        return self.hashed(self.generated(node))

    def _dict_comp(self, node: ast.DictComp) -> dict[Any, Any]:
        result: dict[Any, Any] = {}

        def put() -> None:
            key = self.key(node.key)
            result[key] = self.value(node.value)

        self._comprehend(node.generators, put)
        return result

    def _comprehend(self, generators: list[ast.comprehension], emit: Callable[[], None]) -> None:
        self.risky = True
        if any(generator.is_async for generator in generators):
            raise UndecidedError("an asynchronous comprehension")
        first = self.iterate(generators[0].iter)
        local = {part.id for g in generators for part in ast.walk(g.target) if isinstance(part, ast.Name)}
        order = list(self.names)
        shadow = f"{SHADOW}{len(order)}"
        hidden = [name for name in local if name in self.names]
        for name in hidden:  # out of sight, yet still a holder of its value
            self.names[name + shadow] = self.names.pop(name)
        try:
            self._loop(generators, 0, first, emit)
        finally:
            for name in local:
                self.names.pop(name, None)
            if hidden:  # back to their places: the order of the names is the order of the keys
                for name in hidden:
                    self.names[name] = self.names.pop(name + shadow)
                now = self.names
                self.names = {**{name: now[name] for name in order if name in now}, **now}

    def _loop(
        self, generators: list[ast.comprehension], depth: int, items: Iterable[Any], emit: Callable[[], None]
    ) -> None:
        generator = generators[depth]
        for item in items:
            self.spend(1)
            self.store(generator.target, item)
            if not all(self.known(test) for test in generator.ifs):
                continue
            if depth + 1 == len(generators):
                emit()
            else:
                self._loop(generators, depth + 1, self.iterate(generators[depth + 1].iter), emit)

    def store(self, target: ast.expr, value: Any) -> None:
        """Bind the names of ``target``; statements add the other kinds of target."""
        if target.__class__ is ast.Name:
            self.names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            self.unpack(target.elts, value)
        else:
            raise UndecidedError("an assignment to such a target is not worked out", target.lineno)

    def unpack(self, targets: list[ast.expr], value: Any) -> None:
        """Give each of ``targets`` its item of ``value``, as Python does, a starred one included."""
        if value.__class__ in OPAQUE:
            raise UndecidedError(value)
        check_length(value)
        check_order(value)
        items = list(value)
        starred = [index for index, target in enumerate(targets) if isinstance(target, ast.Starred)]
        if starred:
            before, after = starred[0], len(targets) - starred[0] - 1
            if len(items) < before + after:
                raise ValueError(f"not enough values to unpack (expected at least {before + after})")
            middle = items[before : len(items) - after]
            items = [*items[:before], middle, *items[len(items) - after :]]
        if len(items) != len(targets):
            raise ValueError(f"expected {len(targets)} values to unpack, got {len(items)}")
        for target, item in zip(targets, items, strict=True):
            self.store(target.value if isinstance(target, ast.Starred) else target, item)


HANDLERS.update(
    {
        ast.ListComp: Comprehensions.generated,
        ast.SetComp: Comprehensions._set_comp,
        ast.DictComp: Comprehensions._dict_comp,
    }
)
