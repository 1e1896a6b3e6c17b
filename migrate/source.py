"""Where the statements, expressions and comments of a config stand in its source.

Statements are found by their lines. Only those that change are parsed by LibCST, one by one: a config is mostly
statements that stay, and parsing a file to print it as it was is what costs.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeAlias, TypeVar

import libcst as cst
from mmbridge.compat.config import StaticFile
from mmbridge.migrate.edit import Path

Whitespace: TypeAlias = cst.BaseParenthesizableWhitespace
_Node = TypeVar("_Node", bound=cst.CSTNode)

_MODULE = cst.Module([])
_KEPT = 4096  # files that share their bases share many a statement, too; the same text gives the same nodes


@dataclass(frozen=True, slots=True)
class Entry:
    """One value in the source with the comments that describe it: lines above, and the end of its line."""

    value: cst.BaseExpression
    leading: tuple[str, ...] = ()
    trailing: str | None = None


@dataclass
class Statement:
    """One top-level statement: its lines, and the blank and comment lines above it.

    ``keys`` are the names it binds or mutates, ``reads`` those its code looks at, ``target`` the one name of a
    plain ``name = value``.
    """

    leading: list[str]
    lines: list[str]
    keys: frozenset[str]
    reads: frozenset[str]
    target: str | None

    @cached_property
    def line(self) -> cst.SimpleStatementLine | cst.BaseCompoundStatement:
        """The statement's syntax tree."""
        return _parsed("\n".join(self.lines) + "\n")

    @property
    def value(self) -> cst.BaseExpression:
        """The expression of a plain ``name = value``."""
        assert isinstance(self.line, cst.SimpleStatementLine)
        assign = self.line.body[0]
        assert isinstance(assign, (cst.Assign, cst.AnnAssign)) and assign.value is not None
        return assign.value

    @property
    def heading(self) -> list[str]:
        """The comment lines directly above."""
        block: list[str] = []
        for line in reversed(self.leading):
            if not line.strip():
                break
            block.insert(0, line.strip())
        return block

    @property
    def trailing(self) -> str | None:
        """The comment at the end of the last line."""
        if "#" not in self.lines[-1] or not isinstance(self.line, cst.SimpleStatementLine):
            return None
        comment = self.line.trailing_whitespace.comment
        return comment.value if comment else None


@dataclass
class Source:
    """A config file by statements, with the expression behind every path of its own keys."""

    statements: list[Statement]
    footer: list[str]

    @classmethod
    def of(cls, file: StaticFile, *, split: frozenset[str]) -> Source:
        """The statements of ``file``.

        Those that share a line by semicolons get lines of their own if one of them binds a key of ``split``.
        """
        by_line: dict[int, set[str]] = {}
        for key, numbers in file.bindings.items():
            for number in numbers:
                by_line.setdefault(number, set()).add(key)
        lines = file.text.split("\n")
        statements: list[Statement] = []
        end = 0
        for nodes in _sharing_lines(file.tree.body):
            first, last = _first_line(nodes[0]) - 1, nodes[-1].end_lineno or nodes[-1].lineno
            leading, whole, end = lines[end:first], lines[first:last], last
            bound = frozenset().union(_targets(nodes), *(by_line.get(node.lineno, ()) for node in nodes))
            if len(nodes) == 1 or not split & bound:
                target = _plain_target(nodes[0]) if len(nodes) == 1 else None
                statements.append(Statement(leading, whole, bound, _reads(nodes), target))
            else:
                statements += _taken_apart(nodes, leading, whole, file.text, bound)
        return cls(statements, lines[end:])

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
            found = _parts(entry.value)
            if found is None or step not in found:
                return None
            entry = found[step]
        return entry


@lru_cache(_KEPT)
def _parsed(text: str) -> cst.SimpleStatementLine | cst.BaseCompoundStatement:
    return cst.parse_statement(text)


@lru_cache(_KEPT)
def code_of(node: cst.CSTNode) -> str:
    """The text of a part of a file as it stands there."""
    return _MODULE.code_for_node(node)


def comments_of(text: str) -> list[str]:
    """The comments in a piece of source, in order."""
    if "#" not in text:
        return []
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


@lru_cache(_KEPT)
def names_in(node: cst.CSTNode) -> frozenset[str]:
    """The names an expression reads; keywords and attributes are none."""
    if isinstance(node, (cst.SimpleString, cst.Integer, cst.Float)):
        return frozenset()
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


# --- the parts of an expression, with their comments ----------------------------------------------------------------

_Part: TypeAlias = tuple[str | int | None, cst.BaseExpression, "cst.Comma | cst.MaybeSentinel", Whitespace]


@lru_cache(_KEPT)
def _parts(node: cst.BaseExpression) -> dict[str | int, Entry] | None:
    """The parts of a ``dict()`` call or a dict, list or tuple display by key or index, each with its comments.

    Unpacked parts are left out. None for other expressions.
    """
    if isinstance(node, cst.Call):
        if not (isinstance(node.func, cst.Name) and node.func.value == "dict"):
            return None
        arguments: list[_Part] = [
            (a.keyword.value if a.keyword else None, a.value, a.comma, a.whitespace_after_arg) for a in node.args
        ]
        return _entries(node.whitespace_before_args, arguments)
    if isinstance(node, cst.Dict):
        closing = node.rbrace.whitespace_before
        items: list[_Part] = [
            (_key(e.key) if isinstance(e, cst.DictElement) else None, e.value, e.comma, closing) for e in node.elements
        ]
        return _entries(node.lbrace.whitespace_after, items)
    if isinstance(node, cst.List):
        return _indexed(node.lbracket.whitespace_after, node.elements, node.rbracket.whitespace_before)
    if isinstance(node, cst.Tuple) and node.lpar:
        return _indexed(node.lpar[0].whitespace_after, node.elements, node.rpar[0].whitespace_before)
    return None


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


# --- statements by their lines --------------------------------------------------------------------------------------


def _sharing_lines(body: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """The statements, those together that have a line in common."""
    together: list[ast.stmt] = []
    for node in body:
        if together and node.lineno > (together[-1].end_lineno or 0):
            yield together
            together = []
        together.append(node)
    if together:
        yield together


def _taken_apart(
    nodes: list[ast.stmt], leading: list[str], whole: list[str], text: str, bound: frozenset[str]
) -> Iterator[Statement]:
    """Statements that share lines, each on lines of its own; the comment at the end stays with the last."""
    for i, node in enumerate(nodes):
        code = ast.get_source_segment(text, node) or ""
        if node is nodes[-1]:
            code += "".join(f"  {comment}" for comment in comments_of("\n".join(whole))[-1:])
        target = _plain_target(node)
        keys = frozenset((target,)) if target is not None else bound
        yield Statement(leading if i == 0 else [], code.split("\n"), keys, _reads([node]), target)


def _first_line(node: ast.stmt) -> int:
    decorators: Iterable[ast.expr] = getattr(node, "decorator_list", ())
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _plain_target(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return None


def _targets(nodes: list[ast.stmt]) -> set[str]:
    assigned = (target for node in nodes if isinstance(node, ast.Assign) for target in node.targets)
    return {target.id for target in assigned if isinstance(target, ast.Name)}


def _reads(nodes: list[ast.stmt]) -> frozenset[str]:
    every = (node for statement in nodes for node in ast.walk(statement))
    return frozenset(node.id for node in every if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
