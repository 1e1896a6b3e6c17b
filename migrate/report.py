"""What was done, and what a person must do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from mmbridge.migrate.prove import Proof


class Level(str, Enum):
    """How much a note matters."""

    INFO = "info"
    WARNING = "warning"
    TODO = "todo"
    ERROR = "error"


class Status(str, Enum):
    """What became of a file."""

    CONVERTED = "converted"
    UNCHANGED = "unchanged"
    ALREADY_NEW = "already new"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Note:
    """One remark on one key of one file; ``line`` is 0 where it is about the whole file."""

    level: Level
    rule: str
    key: str
    line: int
    message: str


@dataclass(slots=True)
class FileReport:
    """What became of one file, with its notes and, where it could be given, its proof."""

    path: Path
    status: Status
    notes: list[Note] = field(default_factory=list)
    proof: Proof | None = None

    def fail(self, rule: str, message: str) -> None:
        """Record that the file could not be converted."""
        self.status = Status.FAILED
        self.notes.append(Note(Level.ERROR, rule, "", 0, message))

    def lines(self, name: str) -> Iterator[str]:
        """The report as lines of plain text, with ``name`` for the file."""
        yield f"{name}: {self.status.value}"
        for note in self.notes:
            where = f"line {note.line}: " if note.line else ""
            what = f"{note.key}: " if note.key else ""
            yield f"  {note.level.value:<7} {where}{what}{note.message} [{note.rule}]"
        if self.proof is not None:
            yield f"  proof   {self.proof.sentence()}"


@dataclass(frozen=True, slots=True)
class Report:
    """The reports of all files of one command."""

    files: Sequence[FileReport]

    def notes(self, level: Level) -> int:
        """How many notes of ``level`` there are."""
        return sum(note.level is level for file in self.files for note in file.notes)

    def summary(self) -> str:
        """One line that counts files by status and notes by level."""
        counts = Counter(file.status for file in self.files)
        files = ", ".join(f"{counts[status]} {status.value}" for status in Status if counts[status])
        return (
            f"{len(self.files)} files: {files or 'none'}; {self.notes(Level.TODO)} things for a person, "
            f"{self.notes(Level.WARNING)} warnings, {self.notes(Level.ERROR)} errors."
        )

    def exit_code(self, *, strict: bool) -> int:
        """0 done; 1 with ``strict`` when a person must act; 2 when a file could not be converted."""
        if any(file.status is Status.FAILED for file in self.files):
            return 2
        return int(strict and self.notes(Level.TODO) > 0)
