"""The source level: edits and an old file give the text of the new file, comments kept.

Untouched statements stay byte for byte. A new statement takes the place of the old one it is made of
(``layout.PLACES``), expressions move as they were written, and a comment goes with the value it describes or
stays where it stood.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import libcst as cst

from mmbridge.compat.config import StaticFile
from mmbridge.migrate.apply_dict import MISSING, lookup, open_ref, plan
from mmbridge.migrate.edit import Edit, Ref, refs
from mmbridge.migrate.layout import PLACES, TOP_ORDER
from mmbridge.migrate.render import Piece, Renderer, Style
from mmbridge.migrate.source import Source, Statement

_PRAGMA = re.compile(r"#\s*(yapf|fmt|isort|noqa|pylint|type):?")
_COMMENT = re.compile(r"#.*")


def apply_source(file: StaticFile, edits: Sequence[Edit], *, remarks: Mapping[str, Sequence[str]] | None = None) -> str:
    """The text of ``file`` after ``edits``: evaluating it gives what `apply_dict` makes of its values.

    ``remarks`` are comment lines to set above the statements that an old key becomes. Raises NotExpressible
    when a value can neither be moved as an expression nor written as a literal.
    """
    template = plan(file.values, edits)
    changed = {key for key in file.values if template.get(key) != Ref((key,))}
    fresh = [key for key in template if template[key] != Ref((key,))]
    if not changed and not fresh:
        return file.text
    source = Source.parse(file.text, file.tree, file.bindings)
    return _Rewrite(file, source, template, changed, fresh, remarks or {}).text()


@dataclass
class _Rewrite:
    """One rewriting of one file."""

    file: StaticFile
    source: Source
    template: dict[str, Any]
    changed: set[str]
    fresh: list[str]
    remarks: Mapping[str, Sequence[str]]
    helpers: set[str] = field(default_factory=set)
    claimed: dict[str, str] = field(default_factory=dict)  # statement key -> new key its heading went into

    def text(self) -> str:
        self.helpers = self._helpers()
        places = self._places()
        rendered: dict[int, list[tuple[str, str]]] = {}
        for key in sorted(self.fresh, key=_customary):
            at = places[key]
            anchor = self._anchor_key(key)
            renderer = Renderer(Style.of(self.file.text), lambda ref, anchor=anchor: self._piece(ref, anchor))
            rendered.setdefault(at, []).append((key, renderer.statement(key, self.template[key])))
        return self._assemble(rendered)

    # --- what stays as a helper -------------------------------------------------------------------------------

    def _helpers(self) -> set[str]:
        """Changed keys whose statements must stay, under a private name: built by code, or read by other code."""
        helpers = {key for key in self.changed if key not in self.source.plain}
        for statement in self.source.statements:
            if not set(statement.keys) & self.changed or statement.target is None:
                helpers |= statement.reads & self.changed
            else:
                helpers |= (statement.reads & self.changed) - {statement.target}
        used = {ref.path[0] for key in self.fresh for ref in refs(self.template[key])}
        read = set().union(*(s.reads for s in self.source.statements))
        return {key for key in helpers if key in used or key in read}

    # --- where new statements go ------------------------------------------------------------------------------

    def _anchor_key(self, key: str) -> str | None:
        candidates = [key, *PLACES.get(key, ())] if key in self.file.values else list(PLACES.get(key, ()))
        return next((old for old in candidates if old in self.changed), None)

    def _places(self) -> dict[str, int]:
        """New key -> index of the statement whose place it takes, or after which it goes."""
        last = {key: i for i, s in enumerate(self.source.statements) for key in s.keys}
        places: dict[str, int] = {}
        for key in self.fresh:
            anchor = self._anchor_key(key)
            needed = [last[anchor]] if anchor in last else []
            for ref in refs(self.template[key]):
                old = str(ref.path[0])
                names = {old} if old in self.helpers else self._names(ref)
                needed += [last[name] for name in names if name in last]
            places[key] = max(needed, default=len(self.source.statements))
        return places

    def _names(self, ref: Ref) -> set[str]:
        entry = self.source.entry(ref.path)
        if entry is None:
            return set()
        return {node.id for node in ast.walk(ast.parse(self.source.code(entry.value).strip(), mode="eval")) if isinstance(node, ast.Name)}

    # --- expressions ------------------------------------------------------------------------------------------

    def _piece(self, ref: Ref, anchor: str | None) -> Piece:
        """The text behind ``ref``, and the comments that travel with it."""
        key = str(ref.path[0])
        if key in self.helpers:
            return Piece(f"__{key}" + "".join(f"[{step!r}]" for step in ref.path[1:]))
        entry = self.source.entry(ref.path)
        if entry is not None:
            leading, trailing = entry.leading, entry.trailing
            if len(ref.path) == 1:
                leading, trailing = self._heading(key, anchor)
            return Piece(self.source.code(entry.value), leading, trailing)
        return Piece(self._reached(ref))

    def _heading(self, key: str, anchor: str | None) -> tuple[tuple[str, ...], str | None]:
        """The comments of a whole statement that becomes an entry of another one."""
        line = self.source.plain[key].line
        assert isinstance(line, cst.SimpleStatementLine)
        end = line.trailing_whitespace.comment
        above = () if key == anchor else tuple(c for c in _block_above(line) if not _PRAGMA.match(c))
        return above, end.value if end else None

    def _reached(self, ref: Ref) -> str:
        """An expression for a value without one of its own: through a variable, else a literal."""
        for cut in range(len(ref.path) - 1, 0, -1):
            entry = self.source.entry(ref.path[:cut])
            if entry is not None and isinstance(entry.value, (cst.Name, cst.Subscript)):
                return self.source.code(entry.value) + "".join(f"[{step!r}]" for step in ref.path[cut:])
        value = lookup(self.file.values, ref.path)
        return _literal(value, Renderer(Style.of(self.file.text), lambda inner: Piece(_unexpected(inner))))

    # --- putting it together ----------------------------------------------------------------------------------

    def _assemble(self, rendered: dict[int, list[tuple[str, str]]]) -> str:
        kept_comments = Counter(c for pairs in rendered.values() for _, text in pairs for c in comments_of(text))
        body: list[cst.BaseStatement] = []
        carried: list[cst.EmptyLine] = []  # lines of removed statements, waiting for the next one
        for i, statement in enumerate([*self.source.statements, None]):
            new = rendered.get(i, [])
            remarks: list[str] = []
            if statement is not None:
                old, carried, remarks = self._old_statement(statement, carried, kept_comments, replaced=bool(new))
                body += old
            for j, (key, text) in enumerate(new):
                lines = _parse(text, self.source.module)
                leading = [*carried, *(_comment_line(r) for r in self._remarks_for(key, remarks))] if j == 0 else [
                    _comment_line(r) for r in self._remarks_for(key, [])
                ]
                carried = []
                body.append(lines.with_changes(leading_lines=[*leading, *lines.leading_lines]))
        module = self.source.module
        footer = [*carried, *module.footer]
        return _finish(module, body, footer)

    def _remarks_for(self, key: str, extra: list[str]) -> list[str]:
        said = [r for old in (key, *PLACES.get(key, ())) for r in self.remarks.get(old, ()) if self._anchor_key(key) == old]
        return [*said, *extra]

    def _old_statement(
        self, statement: Statement, carried: list[cst.EmptyLine], kept: Counter[str], *, replaced: bool
    ) -> tuple[list[cst.BaseStatement], list[cst.EmptyLine], list[str]]:
        """What remains of an old statement: itself, itself under a private name, or only its comments."""
        gone = set(statement.keys) & self.changed
        line = statement.line
        if not gone or statement.target is None or gone & self.helpers:
            if gone or statement.reads & self.helpers:
                line = _renamed(line, self.helpers)
            return [line.with_changes(leading_lines=[*carried, *line.leading_lines])], [], []
        assert isinstance(line, cst.SimpleStatementLine)
        lines = [x for x in line.leading_lines if x.comment is None or not _take(kept, x.comment.value)]
        inside = [c for c in comments_of(self.source.code(line.with_changes(leading_lines=[]))) if not _take(kept, c)]
        lines += [_comment_line(comment) for comment in inside]
        if not replaced and not any(x.comment for x in lines):
            lines = lines[:1] if not any(x.comment is None for x in carried) else []
        return [], [*carried, *lines], []


def comments_of(text: str) -> Iterator[str]:
    """The comments in a piece of source, in order."""
    module = cst.parse_module(text if text.endswith("\n") else text + "\n")

    class Collect(cst.CSTVisitor):
        def __init__(self) -> None:
            self.found: list[str] = []

        def visit_Comment(self, node: cst.Comment) -> None:  # noqa: N802 (LibCST's naming)
            self.found.append(node.value)

    if "#" not in text:
        return iter(())
    collect = Collect()
    module.visit(collect)
    return iter(collect.found)


def _take(kept: Counter[str], comment: str) -> bool:
    """Whether the new statements hold ``comment``; each one counts once."""
    if kept[comment] <= 0:
        return False
    kept[comment] -= 1
    return True


def _customary(key: str) -> tuple[int, str]:
    return (TOP_ORDER.index(key), "") if key in TOP_ORDER else (len(TOP_ORDER), key)


def _block_above(line: cst.SimpleStatementLine) -> list[str]:
    block: list[str] = []
    for empty in reversed(line.leading_lines):
        if empty.comment is None:
            break
        block.insert(0, empty.comment.value)
    return block


def _comment_line(text: str) -> cst.EmptyLine:
    return cst.EmptyLine(indent=False, comment=cst.Comment(text))


def _parse(text: str, module: cst.Module) -> cst.SimpleStatementLine:
    line = cst.parse_statement(text.replace("\n", module.default_newline), config=module.config_for_parsing)
    assert isinstance(line, cst.SimpleStatementLine)
    return line


class _Rename(cst.CSTTransformer):
    def __init__(self, names: set[str]) -> None:
        self.names = names

    def visit_Arg(self, node: cst.Arg) -> bool:  # noqa: N802
        return True

    def leave_Name(self, original: cst.Name, updated: cst.Name) -> cst.Name:  # noqa: N802
        return updated.with_changes(value=f"__{updated.value}") if original.value in self.names else updated

    def leave_Arg(self, original: cst.Arg, updated: cst.Arg) -> cst.Arg:  # noqa: N802
        return updated.with_changes(keyword=original.keyword)

    def leave_Attribute(self, original: cst.Attribute, updated: cst.Attribute) -> cst.Attribute:  # noqa: N802
        return updated.with_changes(attr=original.attr)


def _renamed(line: Any, names: set[str]) -> Any:
    return line.visit(_Rename(names))


def _literal(value: Any, renderer: Renderer) -> str:
    return renderer.statement("x", value).removeprefix("x = ")


def _unexpected(ref: Ref) -> str:
    raise AssertionError(f"a value holds a reference: {ref}")


def _finish(module: cst.Module, body: list[cst.BaseStatement], footer: list[cst.EmptyLine]) -> str:
    text: str = module.with_changes(body=body, footer=footer).code
    return text
