"""Where the expressions and comments of a config stand in its source: paths to LibCST nodes."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import libcst as cst
from mmbridge.migrate.edit import Path

Whitespace: TypeAlias = cst.BaseParenthesizableWhitespace
_Line: TypeAlias = cst.SimpleStatementLine | cst.BaseCompoundStatement
_Node = TypeVar("_Node", bound=cst.CSTNode)


@dataclass(frozen=True, slots=True)
class Entry:
    """One value in the source with the comments that describe it: lines above, and the end of its line."""

    value: cst.BaseExpression
    leading: tuple[str, ...] = ()
    trailing: str | None = None


@dataclass(slots=True)
class Statement:
    """One top-level line; ``keys`` are the names it binds or mutates, ``reads`` those its code looks at."""

    line: cst.SimpleStatementLine | cst.BaseCompoundStatement
    keys: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()

    @property
    def target(self) -> str | None:
        """The name, where the statement is a plain ``name = value``."""
        return None if self._assign is None else self.keys[0]

    @property
    def value(self) -> cst.BaseExpression:
        """The expression of a plain ``name = value``."""
        assert self._assign is not None
        return self._assign.value

    @property
    def _assign(self) -> cst.Assign | None:
        if not isinstance(self.line, cst.SimpleStatementLine) or len(self.line.body) != 1:
            return None
        small = self.line.body[0]
        plain = (
            isinstance(small, cst.Assign) and len(small.targets) == 1 and isinstance(small.targets[0].target, cst.Name)
        )
        return small if plain and isinstance(small, cst.Assign) else None


@dataclass
class Source:
    """A parsed config file: its top-level statements and the expression behind every path of its own keys."""

    module: cst.Module
    statements: list[Statement]
    _children: dict[int, dict[str | int, Entry] | None] = field(default_factory=dict)

    @classmethod
    def parse(
        cls, text: str, tree: ast.Module, bindings: dict[str, tuple[int, ...]], *, split: frozenset[str]
    ) -> Source:
        """Parse ``text``; ``tree`` and ``bindings`` are what static evaluation knows of it already.

        Statements that share a line by semicolons get lines of their own if one of them binds a key of ``split``.
        """
        module = cst.parse_module(text)
        by_line: dict[int, set[str]] = {}
        for key, numbers in bindings.items():
            for number in numbers:
                by_line.setdefault(number, set()).add(key)
        statements = []
        for line, nodes, shared in _lines(module, tree.body, split):
            bound = _targets(nodes)
            if not (shared and isinstance(nodes[0], ast.Assign)):
                bound = bound.union(*(by_line.get(node.lineno, ()) for node in nodes))
            statements.append(Statement(line, tuple(sorted(bound)), _reads(nodes)))
        return cls(module, statements)

    @cached_property
    def plain(self) -> dict[str, Statement]:
        """The names bound exactly once, by a plain assignment."""
        counts: dict[str, int] = {}
        for statement in self.statements:
            for key in statement.keys:
                counts[key] = counts.get(key, 0) + 1
        return {s.target: s for s in self.statements if s.target is not None and counts[s.target] == 1}

    def entry(self, path: Path) -> Entry | None:
        """The expression written at ``path``; None where no expression of its own stands there."""
        statement = self.plain.get(str(path[0]))
        if statement is None:
            return None
        entry = Entry(statement.value)
        for step in path[1:]:
            found = self.children(entry.value)
            if found is None or step not in found:
                return None
            entry = found[step]
        return entry

    def children(self, node: cst.BaseExpression) -> dict[str | int, Entry] | None:
        """The parts of a ``dict()`` call or a dict, list or tuple display; None for other expressions."""
        if id(node) not in self._children:
            self._children[id(node)] = children(node)
        return self._children[id(node)]

    def code(self, node: cst.CSTNode) -> str:
        """The text of ``node`` as it stands in the file."""
        return self.module.code_for_node(node)


def children(node: cst.BaseExpression) -> dict[str | int, Entry] | None:
    """The parts of ``node`` by key or index, each with its comments; unpacked parts are left out."""
    if isinstance(node, cst.Call):
        if not (isinstance(node.func, cst.Name) and node.func.value == "dict"):
            return None
        return _entries(
            node.whitespace_before_args,
            [(a.keyword.value if a.keyword else None, a.value, a.comma, a.whitespace_after_arg) for a in node.args],
        )
    if isinstance(node, cst.Dict):
        return _entries(
            node.lbrace.whitespace_after,
            [
                (_key(e.key), e.value, e.comma, node.rbrace.whitespace_before)
                if isinstance(e, cst.DictElement)
                else (None, e.value, e.comma, node.rbrace.whitespace_before)
                for e in node.elements
            ],
        )
    if isinstance(node, cst.List):
        return _indexed(node.lbracket.whitespace_after, node.elements, node.rbracket.whitespace_before)
    if isinstance(node, cst.Tuple) and node.lpar:
        return _indexed(node.lpar[0].whitespace_after, node.elements, node.rpar[0].whitespace_before)
    return None


_Part: TypeAlias = tuple[str | int | None, cst.BaseExpression, "cst.Comma | cst.MaybeSentinel", Whitespace]


def _indexed(
    opening: Whitespace, elements: Sequence[cst.BaseElement], closing: Whitespace
) -> dict[str | int, Entry] | None:
    if any(isinstance(element, cst.StarredElement) for element in elements):
        return None
    return _entries(opening, [(i, e.value, e.comma, closing) for i, e in enumerate(elements)])


def _entries(opening: Whitespace, parts: list[_Part]) -> dict[str | int, Entry]:
    found: dict[str | int, Entry] = {}
    first, above = _comments(opening)
    above = [*([first] if first else []), *above]
    for key, value, comma, after in parts:
        spaces = [comma.whitespace_before, comma.whitespace_after] if isinstance(comma, cst.Comma) else [after]
        trailing: str | None = None
        below: list[str] = []
        for space in spaces:
            end, lines = _comments(space)
            trailing = trailing or end
            below += lines
        if key is not None:
            found[key] = Entry(value, tuple(above), trailing)
        above = below
    return found


def _comments(space: Whitespace) -> tuple[str | None, list[str]]:
    """The comment that ends the line where ``space`` begins, and the comment lines below it."""
    if not isinstance(space, cst.ParenthesizedWhitespace):
        return None, []
    end = space.first_line.comment
    return end.value if end else None, [line.comment.value for line in space.empty_lines if line.comment]


def _key(node: cst.BaseExpression) -> str | int | None:
    if isinstance(node, cst.SimpleString):
        value = node.evaluated_value
        return value if isinstance(value, str) else None
    return int(node.value) if isinstance(node, cst.Integer) else None


def comments_of(text: str) -> list[str]:
    """The comments in a piece of source, in order."""
    if "#" not in text:
        return []
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def names_in(node: cst.CSTNode) -> frozenset[str]:
    """The names an expression reads; keywords and attributes are none."""
    found: set[str] = set()
    node.visit(_Names(found))
    return frozenset(found)


def private_names(node: _Node, names: frozenset[str]) -> _Node:
    """``node`` with ``names`` spelled with two leading underscores; keywords and attributes stay."""
    renamed: Any = node.visit(_Private(names))
    return renamed  # type: ignore[no-any-return]


class _Names(cst.CSTVisitor):
    def __init__(self, found: set[str]) -> None:
        super().__init__()
        self.found = found

    def visit_Name(self, node: cst.Name) -> None:  # noqa: N802 (LibCST's naming, here and below)
        self.found.add(node.value)

    def visit_Attribute(self, node: cst.Attribute) -> bool:  # noqa: N802
        node.value.visit(self)
        return False

    def visit_Arg(self, node: cst.Arg) -> bool:  # noqa: N802
        node.value.visit(self)
        return False


class _Private(cst.CSTTransformer):
    def __init__(self, names: frozenset[str]) -> None:
        super().__init__()
        self.names = names

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:  # noqa: N802
        old = original_node.value in self.names
        return updated_node.with_changes(value=f"__{updated_node.value}") if old else updated_node

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:  # noqa: N802
        return updated_node.with_changes(keyword=original_node.keyword)

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.Attribute:  # noqa: N802
        return updated_node.with_changes(attr=original_node.attr)


def _lines(
    module: cst.Module, nodes: list[ast.stmt], split: frozenset[str]
) -> Iterator[tuple[_Line, list[ast.stmt], bool]]:
    """The module's lines, each with the ``ast`` statements on it, and whether it was taken out of a shared line."""
    rest = iter(nodes)
    for line in module.body:
        small = line.body if isinstance(line, cst.SimpleStatementLine) else ()
        here = [next(rest) for _ in small] or [next(rest)]
        if len(here) == 1 or not split & _targets(here) or not isinstance(line, cst.SimpleStatementLine):
            yield line, here, False
            continue
        for i, node in enumerate(here):
            alone = cst.SimpleStatementLine([line.body[i].with_changes(semicolon=cst.MaybeSentinel.DEFAULT)])
            if i == 0:
                alone = alone.with_changes(leading_lines=line.leading_lines)
            if i == len(here) - 1:
                alone = alone.with_changes(trailing_whitespace=line.trailing_whitespace)
            yield alone, [node], True


def _targets(nodes: list[ast.stmt]) -> set[str]:
    assigned = (target for node in nodes if isinstance(node, ast.Assign) for target in node.targets)
    return {target.id for target in assigned if isinstance(target, ast.Name)}


def _reads(nodes: list[ast.stmt]) -> frozenset[str]:
    every = (node for statement in nodes for node in ast.walk(statement))
    return frozenset(node.id for node in every if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
