"""What was done, and what a person must do: plain values, without any format (see ``reports`` for those)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from mmbridge.migrate.prove import Proof


class Level(str, Enum):
    """How much a note matters."""

    INFO = "info"
    WARNING = "warning"
    TODO = "todo"
    ERROR = "error"


class Status(str, Enum):
    """What became of a file; checking one finds it clean or faulty."""

    CONVERTED = "converted"
    UNCHANGED = "unchanged"
    ALREADY_NEW = "already new"
    NOT_A_CONFIG = "not a config"
    CLEAN = "clean"
    FAULTY = "faulty"
    FAILED = "failed"


STEPS: Final = {
    "read": "The file and its bases can be found and read.",
    "convert": "The file can be converted.",
    "flatten": "The file can be written without its bases.",
    "prove": "The new file says what the rules make of the old one.",
    "write": "The new file can be written.",
    "yaml": "A YAML file keeps its values, not its comments.",
    "internal": "The program itself works as intended; an error here is one of the program, not of the file.",
}
"""What notes name as their rule where no conversion rule speaks, with the requirement that was not met."""


@dataclass(frozen=True, slots=True)
class Note:
    """One remark on one key of one file; ``line`` is 0 where it is about the whole file."""

    level: Level
    rule: str
    key: str
    line: int
    message: str

    @property
    def sentence(self) -> str:
        """The key and what is said about it."""
        return f"{self.key}: {self.message}" if self.key else self.message


@dataclass(slots=True)
class FileReport:
    """What became of one file, with its notes and, where it could be given, its proof.

    ``asked`` is False for a base that was converted because a file that was asked for uses it.
    """

    path: Path
    status: Status
    notes: list[Note] = field(default_factory=list)
    proof: Proof | None = None
    asked: bool = True

    def fail(self, rule: str, message: str) -> None:
        """Record that the file could not be converted. A ``message`` may begin with the file's path, and its line."""
        self.status, self.proof = Status.FAILED, None
        found = re.match(rf"{re.escape(str(self.path))}(?::(\d+))?: ", message)
        line = int(found[1] or 0) if found else 0
        self.notes.append(Note(Level.ERROR, rule, "", line, message[found.end() :] if found else message))


@dataclass(frozen=True, slots=True)
class Report:
    """The reports of all files of one command."""

    files: Sequence[FileReport]

    def notes(self, level: Level) -> int:
        """How many notes of ``level`` there are."""
        return sum(note.level is level for file in self.files for note in file.notes)

    def counts(self) -> dict[Status, int]:
        """How many files there are of each status, zeros included."""
        found = Counter(file.status for file in self.files)
        return {status: found[status] for status in Status}

    def everything(self) -> Iterator[tuple[FileReport, Note]]:
        """Every note with its file, in order."""
        for file in self.files:
            for note in file.notes:
                yield file, note

    def summary(self) -> str:
        """One line that counts files by status and notes by level; what is not there is counted as 0."""
        counts = self.counts()
        shown = {Status.CONVERTED, Status.UNCHANGED, Status.FAILED}
        files = ", ".join(f"{counts[status]} {status.value}" for status in Status if counts[status] or status in shown)
        return (
            f"{_count(len(self.files), 'file')}: {files}; {self.notes(Level.TODO)} left for a person, "
            f"{_count(self.notes(Level.WARNING), 'warning')}, {_count(self.notes(Level.ERROR), 'error')}."
        )

    def exit_code(self, *, strict: bool) -> int:
        """0 done; 1 with ``strict`` when a person must act; 2 when a file could not be converted."""
        if any(file.status is Status.FAILED for file in self.files):
            return 2
        return int(strict and self.notes(Level.TODO) > 0)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
