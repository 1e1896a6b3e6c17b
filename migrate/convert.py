"""Conversion of files, from paths to new texts with their reports. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbridge.compat.config import ConfigError, Reader, evaluate
from mmbridge.compat.errors import BridgeError
from mmbridge.migrate.apply_data import apply_data, yaml_comments
from mmbridge.migrate.apply_dict import apply_dict
from mmbridge.migrate.apply_source import apply_source
from mmbridge.migrate.base_statement import loadable
from mmbridge.migrate.dialect import LEGACY_KEYS, Dialect, dialect, new_keys
from mmbridge.migrate.edit import Drop, Edit, Move, Put, Todo, dotted
from mmbridge.migrate.files import read_exactly
from mmbridge.migrate.prove import Proof, check_same, prove_schedule
from mmbridge.migrate.report import FileReport, Level, Note, Report, Status
from mmbridge.migrate.rule import Decision, Rule
from mmbridge.migrate.rules import RULES
from mmbridge.migrate.tree import Tree
from mmbridge.migrate.view import LrStyle


@dataclass(slots=True)
class Converted:
    """One file before and after; ``new`` equals ``old`` where nothing was to do or nothing could be done."""

    path: Path
    old: str
    new: str
    report: FileReport
    bases: tuple[Path, ...] = ()
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Conversion:
    """All files of one conversion, bases before the files that use them."""

    files: Sequence[Converted]

    @property
    def report(self) -> Report:
        """The report on all files."""
        return Report([file.report for file in self.files])


def convert(
    paths: Iterable[Path],
    *,
    lr: LrStyle = "builtin",
    rules: Sequence[Rule] = RULES,
    reader: Reader | None = None,
) -> Conversion:
    """Convert config files, given by absolute path, and all their bases.

    A file that cannot be converted is reported as failed and does not stop the others; files that
    build on it fail with it.
    """
    return _Run(Tree(rules, lr, reader or Reader())).convert(list(paths))


@dataclass
class _Run:
    tree: Tree
    done: dict[Path, Converted] = field(default_factory=dict)
    proofs: dict[str, Proof] = field(default_factory=dict)

    @property
    def reader(self) -> Reader:
        return self.tree.reader

    def convert(self, paths: list[Path]) -> Conversion:
        for path in paths:
            try:
                closure = self.reader.closure(path)
            except ConfigError as error:
                self._unreadable(path, error)
                continue
            for file in closure:
                if file not in self.done:
                    self.done[file] = self._file(file, asked=file in paths)
        self._reload()
        return Conversion(list(self.done.values()))

    def _unreadable(self, path: Path, error: ConfigError) -> None:
        report = FileReport(path, Status.UNCHANGED)
        report.fail("read", str(error))
        self.done[path] = Converted(path, "", "", report)

    def _file(self, path: Path, *, asked: bool) -> Converted:
        report = FileReport(path, Status.UNCHANGED)
        converted = Converted(path, "", "", report, asked=asked)
        try:
            converted.old = converted.new = self._text(path)
            converted.bases = self.reader.base_paths(path)
            self._require_bases(converted)
            self._rewrite(converted)
        except BridgeError as error:
            report.fail("convert", str(error))
        return converted

    def _text(self, path: Path) -> str:
        """The file's text with its own line ends."""
        return read_exactly(path) if path.exists() else self.reader.text(path)

    def _require_bases(self, converted: Converted) -> None:
        for base in converted.bases:
            if self.done[base].report.status is Status.FAILED:
                raise ConfigError(f"{converted.path}: its base {base} could not be converted.")

    def _rewrite(self, converted: Converted) -> None:
        path, report = converted.path, converted.report
        kind = dialect(self.reader.resolved(path))
        if kind is Dialect.MIXED:
            raise ConfigError(_mixed(path, self.reader.resolved(path)))
        if kind is Dialect.NEW:
            report.status = Status.ALREADY_NEW
            return
        file, edits = self.reader.file(path), self.tree.edits(path)
        report.notes += _notes(self.tree.target(path).decisions, file.bindings, self.tree.rules)
        if path.suffix != ".py":
            self._rewrite_data(converted, edits)
            return
        converted.new = apply_source(file, edits, text=converted.old, remarks=_remarks(report.notes))
        converted.new = loadable(file, converted.new)
        if converted.new != converted.old:
            check_same("square", apply_dict(file.values, edits), evaluate(converted.new, path).values)
            report.status = Status.CONVERTED

    def _rewrite_data(self, converted: Converted, edits: list[Edit]) -> None:
        file = self.reader.file(converted.path)
        if not edits:
            return
        converted.new = apply_data(file, edits)
        found = Reader(overlay={converted.path: converted.new}).file(converted.path)
        check_same("square", apply_dict(file.values, edits), found.values)
        converted.report.status = Status.CONVERTED
        if file.path.suffix != ".json":
            for comment in yaml_comments(file.text):
                converted.report.notes.append(Note(Level.WARNING, "yaml", "", 0, f"a comment is lost: {comment}"))

    def _reload(self) -> None:
        """Resolve every new file by MMEngine's rules, and compare the schedules."""
        texts = {file.path: file.new for file in self.done.values() if file.report.status is not Status.FAILED}
        reader = Reader(overlay=texts, dialect="mmengine")
        for file in self.done.values():
            if file.path not in texts or file.report.status is Status.ALREADY_NEW or self.tree.is_part(file.path):
                continue
            try:
                self._prove(file, reader)
            except BridgeError as error:
                file.new = file.old
                file.report.fail("prove", f"{file.path}: {error}")

    def _prove(self, file: Converted, reader: Reader) -> None:
        for base in file.bases:
            if self.done[base].report.status is Status.FAILED:
                raise ConfigError(f"its base {base} could not be converted.")
        target, new = self.tree.target(file.path), reader.resolved(file.path)
        check_same("reload", target.value, new)
        if not any(
            note.rule == "param-scheduler" and note.level is Level.TODO for note in _all_notes(target.decisions)
        ):
            file.report.proof = self._schedule(target.config, new)

    def _schedule(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Proof:
        """The proof of a schedule; the same schedule is compared once."""
        keys = ("lr_config", "momentum_config", "runner", "total_epochs", "total_iters", "optimizer")
        what = repr([*(old.get(key) for key in keys), new.get("param_scheduler")])
        if what not in self.proofs:
            self.proofs[what] = prove_schedule(old, new)
        return self.proofs[what]


def _mixed(path: Path, config: dict[str, Any]) -> str:
    old, new = sorted(config.keys() & LEGACY_KEYS), sorted(new_keys(config))
    return (
        f"{path}: is half migrated: it sets {', '.join(old)} of the old generation and {', '.join(new)} of the new; "
        "finish it by hand, or restore the old file and convert that."
    )


def _all_notes(decisions: Iterable[Decision]) -> list[Note]:
    return [
        Note(Level.TODO, decision.rule, dotted(decision.edit.path), 0, decision.edit.message)
        for decision in decisions
        if isinstance(decision.edit, Todo)
    ]


def _notes(decisions: Iterable[Decision], lines: dict[str, tuple[int, ...]], rules: Sequence[Rule]) -> list[Note]:
    """The notes on keys that this very file sets."""
    reads = {rule.id: rule.reads for rule in rules}
    notes: list[Note] = []
    for rule, edit in ((decision.rule, decision.edit) for decision in decisions):
        match edit:
            case Todo(path, message):
                level = Level.TODO
            case Drop(path, message, True):
                level = Level.WARNING
            case Move(path, _, message) if message:
                level = Level.WARNING
            case Put(_, _, message) if message:
                path, level = tuple(key for key in reads[rule] if key in lines)[:1], Level.INFO
            case _:
                continue
        if path and str(path[0]) in lines:
            notes.append(Note(level, rule, dotted(path), lines[str(path[0])][0], message))
    return notes


def _remarks(notes: Iterable[Note]) -> dict[str, list[str]]:
    """What a person must do, as comments for the statements that the keys become."""
    remarks: dict[str, list[str]] = {}
    for note in notes:
        if note.level is Level.TODO:
            key = note.key.split(".")[0].split("[")[0]
            remarks.setdefault(key, []).append(f"# TODO({note.rule}): {note.message}")
    return remarks
