"""Checking files: which are judged how, and what was found, file by file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mmbridge.compat.config import ConfigError, Reader
from mmbridge.compat.config.static import parse
from mmbridge.migrate.check.checks import CHECKS
from mmbridge.migrate.check.old_keys import is_telling, old_keys
from mmbridge.migrate.check.origin import Origin, line
from mmbridge.migrate.check.rule import Check, Finding, Scope
from mmbridge.migrate.check.skip import is_skipped
from mmbridge.migrate.check.subject import Subject
from mmbridge.migrate.dialect import Dialect, dialect
from mmbridge.migrate.report import FileReport, Level, Note, Status

UNLOADABLE: Final = "unloadable"
NOT_MIGRATED: Final = "not-migrated"
NOT_JUDGED: Final = "not-judged"
NOTICES: Final = {
    UNLOADABLE: "MMEngine cannot load the file: a base is missing, two bases set one key, a dict goes over a list, ...",
    NOT_MIGRATED: "The config is one for MMCV 1.x; migrate convert makes one for MMEngine of it.",
    NOT_JUDGED: "Not all of the config can be known without running it or installing a package.",
}
"""What is told besides the checks; ``not-judged`` is for information and no finding."""

_PLACE: Final = re.compile(r"(.+?\.(?:py|json|ya?ml))(?::(\d+))?: (.*)", re.DOTALL)
_DICT_OVER: Final = re.compile(r"([\w.]+) is a dict here")
_FOREIGN: Final = "which is not installed"


@dataclass
class Project:
    """The files that could be loaded, who builds on whom, and what was found."""

    reader: Reader
    asked: Sequence[Path]
    loaded: list[Path] = field(default_factory=list)
    users: dict[Path, set[Path]] = field(default_factory=dict)
    parts: set[Path] = field(default_factory=set)
    migrated: set[Path] = field(default_factory=set)
    read_below: dict[Path, set[str]] = field(default_factory=dict)
    notes: dict[tuple[Path, int, str, str], Note] = field(default_factory=dict)
    unreadable: set[Path] = field(default_factory=set)

    def load(self) -> None:
        """Load every file that was asked for, and its bases; tell which cannot be loaded."""
        seen: dict[Path, None] = {}
        for path in self.asked:
            try:
                self.reader.resolved(path)
                seen.update(dict.fromkeys(self.reader.closure(path)))
            except ConfigError as error:
                self._refuse(path, error)
        self.loaded = list(seen)
        for path in self.loaded:
            bases = self.reader.base_paths(path)
            if len(bases) > 1:
                self.parts.update(bases)
            read = Subject(self.reader, path).reads_of_bases
            for base in self.reader.closure(path)[:-1]:
                self.users.setdefault(base, set()).add(path)
                self.read_below.setdefault(base, set()).update(read)
            if dialect(self.reader.resolved(path)) in (Dialect.NEW, Dialect.MIXED):
                self.migrated.update(self.reader.closure(path))

    def judge(self, path: Path, checks: Iterable[Check]) -> None:
        """Run the checks that apply to one file."""
        read_below = self.read_below.get(path, set())
        subject = Subject(self.reader, path, path in self.migrated, read_below, self.parts)
        if "*" in subject.config:
            self._note(Level.INFO, NOT_JUDGED, Finding(Origin(path, 0), _opaque(subject.config)))
        elif path not in self.migrated and any(map(is_telling, old_keys(subject))):
            sentence = "this config is for MMCV 1.x, nothing in it is migrated"
            self._note(Level.WARNING, NOT_MIGRATED, Finding(Origin(path, 0), sentence, "use migrate convert"))
            return
        scopes = self._scopes(path, subject.config)
        for check in checks:
            if check.scope in scopes:
                for finding in check.findings(subject):
                    if not is_skipped(self.reader, finding.origin):
                        self._note(Level.WARNING, check.id, finding)

    def reports(self) -> Iterator[FileReport]:
        """One report per file asked for and per base with a note, in a fixed order."""
        notes: dict[Path, list[Note]] = {path: [] for path in self.asked}
        for (path, *_), note in self.notes.items():
            notes.setdefault(path, []).append(note)
        for path in sorted(notes):
            told = sorted(notes[path], key=lambda note: (note.line, note.rule, note.message))
            faulty = any(note.level is not Level.INFO for note in told)
            status = Status.FAILED if path in self.unreadable else Status.FAULTY if faulty else Status.CLEAN
            yield FileReport(path, status, told, asked=path in self.asked)

    def _scopes(self, path: Path, config: Mapping[str, Any]) -> set[Scope]:
        part = path in self.parts or "_base_" in path.parts
        if part or "*" in config or path not in self.migrated or not isinstance(config.get("model"), dict):
            return {Scope.FILE}
        return {Scope.FILE, Scope.RUN} if path in self.users else set(Scope)

    def _refuse(self, path: Path, error: ConfigError) -> None:
        found = _PLACE.fullmatch(str(error))
        sentence = found[3] if found else str(error)
        where = Origin(Path(found[1]), int(found[2] or 0)) if found else Origin(path, 0)
        over = _DICT_OVER.match(sentence)
        if over is not None and not where.line:
            where = Origin(where.path, line(self.reader.file(where.path), tuple(over[1].split("."))))
        if _FOREIGN in sentence:
            self._note(Level.INFO, NOT_JUDGED, Finding(where, sentence.rstrip(".")))
            return
        if where.path == path and not self._is_readable(path):
            self.unreadable.add(path)
        self._note(Level.ERROR, UNLOADABLE, Finding(where, sentence.rstrip(".")))

    def _is_readable(self, path: Path) -> bool:
        try:
            parse(self.reader.text(path), path) if path.suffix == ".py" else self.reader.file(path)
        except ConfigError:
            return False
        return True

    def _note(self, level: Level, rule: str, finding: Finding) -> None:
        where = finding.origin
        note = Note(level, rule, "", where.line, finding.message)
        self.notes.setdefault((where.path, where.line, rule, note.message), note)


def check_files(
    paths: Iterable[Path], *, reader: Reader | None = None, checks: Iterable[Check] = CHECKS
) -> list[FileReport]:
    """What is wrong with configs for MMEngine, and with their bases; nothing is run.

    ``paths`` are files. In the reports every note above the level INFO is a finding; such a file is FAULTY, or
    FAILED if it cannot be read at all. ``reader`` must read MMEngine's dialect.
    """
    absolute = [Path(path).absolute() for path in paths]
    project = Project(reader or Reader(dialect="mmengine"), absolute)
    project.load()
    for path in project.loaded:
        project.judge(path, checks)
    return list(project.reports())


def _opaque(config: Mapping[str, Any]) -> str:
    return f"only the file's own keys are judged: {config['*'].reason}"
