"""The source level: edits and an old file give the text of the new file, comments kept.

Untouched statements stay byte for byte. A new statement takes the place of the old one it is made of
(``layout.PLACES``), expressions move as they were written, and a comment goes with the value it describes or
stays where it stood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import libcst as cst
from mmbridge.compat.config import StaticFile
from mmbridge.migrate.apply_dict import plan
from mmbridge.migrate.edit import Edit, Ref, refs
from mmbridge.migrate.expressions import Expressions
from mmbridge.migrate.layout import PLACES, TOP_ORDER
from mmbridge.migrate.render import Renderer, Style
from mmbridge.migrate.source import Source, Statement, comments_of, private_names


def apply_source(
    file: StaticFile,
    edits: Sequence[Edit],
    *,
    text: str | None = None,
    remarks: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """The text of ``file`` after ``edits``: evaluating it gives what `apply_dict` makes of its values.

    ``text`` is the file's text with its own line ends, where they differ from ``file.text``. ``remarks`` are
    comment lines to set above the statements that an old key becomes. Raises NotExpressible when a value can
    neither be moved as an expression nor written as a literal.
    """
    text = file.text if text is None else text
    template = plan(file.values, edits)
    changed = frozenset(key for key in file.values if template.get(key) != Ref((key,)))
    fresh = {key: value for key, value in template.items() if value != Ref((key,))}
    if not changed and not fresh:
        return text
    source = Source.parse(text, file.tree, file.bindings, split=changed)
    return _Rewrite(file, source, fresh, changed, remarks or {}).text()


@dataclass
class _Rewrite:
    """One rewriting of one file: ``fresh`` are the new statements, ``changed`` the old keys that go."""

    file: StaticFile
    source: Source
    fresh: Mapping[str, Any]
    changed: frozenset[str]
    remarks: Mapping[str, Sequence[str]]

    def text(self) -> str:
        style = Style.of(self.source.module.code)
        expressions = Expressions(self.source, self.file.values, self.helpers, style)
        rendered: dict[int, list[tuple[str, str]]] = {}
        for key in sorted(self.fresh, key=_customary):
            anchor = self._anchor(key)
            place = expressions.place(self.fresh[key], anchor)
            pieces = expressions.pieces(place, anchor)
            rendered.setdefault(place, []).append((key, Renderer(style, pieces).statement(key, self.fresh[key])))
        return self._assemble(rendered)

    @cached_property
    def helpers(self) -> frozenset[str]:
        """Changed keys whose statements stay, under a private name: built by code, or read by other code.

        Neither engine takes a name with two leading underscores for a config key.
        """
        built = {key for key in self.changed if key not in self.source.plain}
        read = {
            name
            for statement in self.source.statements
            for name in statement.reads & self.changed
            if statement.target != name
        }
        used = {ref.path[0] for template in self.fresh.values() for ref in refs(template)}
        return frozenset(key for key in built | read if key in built or key in used or key in read)

    def _anchor(self, key: str) -> str | None:
        """The old key whose place the new one takes."""
        candidates = [key, *PLACES.get(key, ())] if key in self.file.values else PLACES.get(key, ())
        return next((old for old in candidates if old in self.changed), None)

    def _assemble(self, rendered: dict[int, list[tuple[str, str]]]) -> str:
        moved = Counter(c for pairs in rendered.values() for _, text in pairs for c in comments_of(text))
        remarks = self._placed_remarks()
        body: list[cst.BaseStatement] = []
        carried: list[cst.EmptyLine] = []  # lines of removed statements, waiting for the next one
        for i, statement in enumerate([*self.source.statements, None]):
            if statement is not None:
                kept, carried = self._old(statement, carried, moved, remarks, replaced=i in rendered)
                body += kept
            for key, text in rendered.get(i, ()):
                said = [_comment_line(remark) for remark in remarks.get(key, ())]
                body.append(self._parsed(text).with_changes(leading_lines=[*carried, *said]))
                carried = []
        module = self.source.module
        code: str = module.with_changes(body=body, footer=_joined(carried, module.footer)).code
        return code

    def _parsed(self, text: str) -> cst.SimpleStatementLine:
        module = self.source.module
        line = cst.parse_statement(text.replace("\n", module.default_newline), config=module.config_for_parsing)
        assert isinstance(line, cst.SimpleStatementLine)
        return line

    def _placed_remarks(self) -> dict[str, list[str]]:
        """Remark lines by the statement they stand above: the first new one made of the old key, or the old one."""
        placed: dict[str, list[str]] = {}
        for old, remarks in self.remarks.items():
            made = [key for key in sorted(self.fresh, key=_customary) if old in (key, *PLACES.get(key, ()))]
            first = next((key for key in made if PLACES.get(key, (key,))[0] == old), made[0] if made else old)
            placed.setdefault(first, []).extend(remarks)
        return placed

    def _old(
        self,
        statement: Statement,
        carried: list[cst.EmptyLine],
        moved: Counter[str],
        remarks: Mapping[str, Sequence[str]],
        *,
        replaced: bool,
    ) -> tuple[list[cst.BaseStatement], list[cst.EmptyLine]]:
        """What remains of an old statement: itself, itself under a private name, or only its comments."""
        line = statement.line
        if statement.target not in self.changed or statement.target in self.helpers:
            if self.helpers & (statement.reads | set(statement.keys)):
                line = private_names(line, self.helpers)
            said = [_comment_line(remark) for key in statement.keys for remark in remarks.get(key, ())]
            if carried or said:
                line = line.with_changes(leading_lines=[*_joined(carried, line.leading_lines), *said])
            return [line], []
        assert isinstance(line, cst.SimpleStatementLine)
        lines = [x for x in line.leading_lines if x.comment is None or not _take(moved, x.comment.value)]
        code = self.source.code(line.with_changes(leading_lines=[]))
        lines += [_comment_line(comment) for comment in comments_of(code) if not _take(moved, comment)]
        if not replaced and not any(x.comment for x in lines):
            lines = lines[:1]
        return [], _joined(carried, lines)


def _joined(above: Sequence[cst.EmptyLine], below: Sequence[cst.EmptyLine]) -> list[cst.EmptyLine]:
    """Two runs of blank and comment lines; blank lines that meet where a statement went become one run."""
    above = list(above)
    if below and below[0].comment is None:
        while above and above[-1].comment is None:
            above.pop()
    return [*above, *below]


def _take(moved: Counter[str], comment: str) -> bool:
    """Whether the new statements hold ``comment``; each one counts once."""
    if moved[comment] <= 0:
        return False
    moved[comment] -= 1
    return True


def _customary(key: str) -> tuple[int, str]:
    return (TOP_ORDER.index(key), "") if key in TOP_ORDER else (len(TOP_ORDER), key)


def _comment_line(text: str) -> cst.EmptyLine:
    return cst.EmptyLine(indent=False, comment=cst.Comment(text))
