"""The report as lines of text: one per file, equal notes together, a summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mmbridge.migrate.report import FileReport, Level, Note, Report, Status
from mmbridge.migrate.reports import Document
from mmbridge.migrate.reports.names import Names


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the report; ``kind`` is a status or a level, or empty. It belongs under the one before if ``deep``."""

    text: str
    kind: Status | Level | None = None
    deep: bool = False

    def __str__(self) -> str:
        return "  " * self.deep + self.text


def render(document: Document) -> str:
    """The report in full."""
    return "".join(f"{line}\n" for line in lines(document.report, document.names))


def lines(report: Report, names: Names, *, most: int | None = None) -> Iterator[Line]:
    """The report; of the places of one note at most ``most`` are named."""
    for file in report.files:
        if file.asked and file.status is not Status.FAILED:  # that is said by its errors
            yield Line(_file(file, names), file.status)
    for note, files in _grouped(report).items():
        yield from _note(note, files, names, most)
    proofs = _proofs(report)
    if proofs:
        yield Line(proofs)
    yield Line(report.summary())


def _file(file: FileReport, names: Names) -> str:
    line = f"{names.of(file.path)}: {file.status.value}"
    # A file may stay as it is while all it inherits changes: its schedule is proven as well.
    if file.proof is not None and (file.status is Status.CONVERTED or file.proof.iterations):
        return f"{line}; {file.proof.sentence()}"
    return line


_Alike = tuple[Level, str, str]


def _grouped(report: Report) -> dict[_Alike, list[tuple[FileReport, Note]]]:
    """Notes that say the same, in the order of their first appearance."""
    groups: dict[_Alike, list[tuple[FileReport, Note]]] = {}
    for file, note in report.everything():
        groups.setdefault((note.level, note.rule, note.sentence), []).append((file, note))
    return groups


def _note(alike: _Alike, found: Sequence[tuple[FileReport, Note]], names: Names, most: int | None) -> Iterator[Line]:
    level, rule, sentence = alike
    said = f"{level.value}: {names.within(sentence)} [{rule}]"
    places = [_place(file, note, names) for file, note in found]
    if len(places) == 1:
        yield Line(f"{places[0]}: {said}", level)
        return
    yield Line(f"{said} ({len(places)} places)", level)
    for place in places[:most]:
        yield Line(place, deep=True)
    if most is not None and len(places) > most:
        yield Line(f"and {len(places) - most} more; --report FILE lists them all", deep=True)


def _place(file: FileReport, note: Note, names: Names) -> str:
    return f"{names.of(file.path)}:{note.line}" if note.line else names.of(file.path)


def _proofs(report: Report) -> str:
    """One line on all proofs, where there are several."""
    proofs = [file.proof for file in report.files if file.asked and file.proof is not None]
    if len(proofs) < 2:
        return ""
    compared = [proof for proof in proofs if proof.iterations]
    inexact = sum(not proof.exact for proof in compared)
    schedules = f"{len(compared)} schedules compared, {len(compared) - inexact} equal at every iteration"
    return f"Proof: square and reload hold for {len(proofs)} files; {schedules}, {inexact} with a stated deviation."
