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

from mmbridge.compat.config import StaticFile
from mmbridge.migrate.apply_dict import plan
from mmbridge.migrate.backends import backend_comment
from mmbridge.migrate.edit import Edit, Ref
from mmbridge.migrate.expressions import Expressions
from mmbridge.migrate.layout import PLACES, TOP_ORDER
from mmbridge.migrate.lines import with_line_ends_of
from mmbridge.migrate.render import Renderer, Style
from mmbridge.migrate.source import Source, Statement, code_of, comments_of, private_names

_BACKENDS = ("visualizer", "vis_backends")


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
    template = plan(file.values, edits)
    changed = frozenset(key for key in file.values if template.get(key) != Ref((key,)))
    fresh = {key: value for key, value in template.items() if value != Ref((key,))}
    if not changed and not fresh:
        return file.text if text is None else text
    source = Source.of(file, split=changed)
    lines = _Rewrite(file, source, fresh, changed, remarks or {}).lines()
    return with_line_ends_of(file.text if text is None else text, lines)


@dataclass
class _Rewrite:
    """One rewriting of one file: ``fresh`` are the new statements, ``changed`` the old keys that go."""

    file: StaticFile
    source: Source
    fresh: Mapping[str, Any]
    changed: frozenset[str]
    remarks: Mapping[str, Sequence[str]]

    def lines(self) -> list[str]:
        style = Style.of(self.file.text)
        expressions = Expressions(self.source, self.file.values, self.helpers, style)
        rendered: dict[int, list[tuple[str, str]]] = {}
        for key in sorted(self.fresh, key=_customary):
            anchor = self._anchor(key)
            place = expressions.place(self.fresh[key], anchor)
            renderer = Renderer(style, expressions.pieces(place, anchor), {_BACKENDS: self.backends_left_out})
            rendered.setdefault(place, []).append((key, renderer.statement(key, self.fresh[key])))
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
        return frozenset(built | read)

    @cached_property
    def backends_left_out(self) -> list[str]:
        """The commented-out logger hooks, as comments for the list of backends."""
        hooks = self.source.plain.get("log_config")
        if hooks is None or "log_config" not in self.changed - self.helpers:
            return []
        comments = comments_of("\n".join(hooks.lines))
        return [said for comment in comments if (said := backend_comment(comment)) != comment]

    def _anchor(self, key: str) -> str | None:
        """The old key whose place the new one takes."""
        candidates = [key, *PLACES.get(key, ())] if key in self.file.values else PLACES.get(key, ())
        return next((old for old in candidates if old in self.changed), None)

    def _assemble(self, rendered: dict[int, list[tuple[str, str]]]) -> list[str]:
        moved = Counter(c for pairs in rendered.values() for _, text in pairs for c in comments_of(text))
        remarks = self._placed_remarks()
        lines: list[str] = []
        carried: list[str] = []  # blank and comment lines of removed statements, waiting for the next one
        for i, statement in enumerate([*self.source.statements, None]):
            if statement is not None:
                kept, carried = self._old(statement, carried, moved, remarks, replaced=i in rendered)
                lines += kept
            for key, text in rendered.get(i, ()):
                lines += [*carried, *remarks.get(key, ()), *text.split("\n")]
                carried = []
        return [*lines, *_joined(carried, self.source.footer)]

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
        carried: list[str],
        moved: Counter[str],
        remarks: Mapping[str, Sequence[str]],
        *,
        replaced: bool,
    ) -> tuple[list[str], list[str]]:
        """What remains of an old statement: itself, itself under a private name, or only its comments."""
        if statement.target not in self.changed or statement.target in self.helpers:
            lines = statement.lines
            if self.helpers & (statement.reads | statement.keys):
                lines = code_of(private_names(statement.line, self.helpers)).rstrip("\n").split("\n")
            said = [remark for key in sorted(statement.keys) for remark in remarks.get(key, ())]
            return [*_joined(carried, statement.leading), *said, *lines], []
        left = [line for line in statement.leading if not line.strip() or not _take(moved, line.strip())]
        comments = comments_of("\n".join(statement.lines))
        comments = list(map(backend_comment, comments)) if statement.target == "log_config" else comments
        left += [comment for comment in comments if not _take(moved, comment)]
        if not replaced and not any(line.strip() for line in left):
            left = left[:1]
        return [], _joined(carried, left)


def _joined(above: Sequence[str], below: Sequence[str]) -> list[str]:
    """Two runs of blank and comment lines; blank lines that meet where a statement went become one run."""
    above = list(above)
    if below and not below[0].strip():
        while above and not above[-1].strip():
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
