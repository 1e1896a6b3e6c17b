"""Conversion of files, from paths to new texts with their reports. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbridge.compat.config import ConfigError, Reader, StaticFile, evaluate
from mmbridge.compat.errors import BridgeError
from mmbridge.compat.garbage import no_garbage
from mmbridge.migrate.apply_data import apply_data, yaml_comments
from mmbridge.migrate.apply_dict import apply_dict
from mmbridge.migrate.apply_source import apply_source
from mmbridge.migrate.base_statement import loadable
from mmbridge.migrate.dialect import LEGACY_KEYS, Dialect, dialect, new_keys
from mmbridge.migrate.edit import Edit
from mmbridge.migrate.files import encoding
from mmbridge.migrate.flat import flat_text
from mmbridge.migrate.notes import left_before, own_notes, remarks, skip_notes
from mmbridge.migrate.prove import Schedules, check_same
from mmbridge.migrate.report import FileReport, Level, Note, Report, Status
from mmbridge.migrate.rule import Rule
from mmbridge.migrate.rules import RULES
from mmbridge.migrate.script import is_script
from mmbridge.migrate.tree import Tree
from mmbridge.migrate.view import LrStyle

Step = Callable[[], None]
"""Called twice for every file that was asked for: when it is converted and when it is proven."""


@dataclass(slots=True)
class Converted:
    """One file before and after; ``new`` equals ``old`` where nothing was to do or nothing could be done.

    ``encoding`` is that of the file. A ``part`` stands beside other bases in some config and is none by itself.
    """

    path: Path
    old: str
    new: str
    report: FileReport
    bases: tuple[Path, ...] = ()
    encoding: str = "utf-8"
    part: bool = False

    @property
    def asked(self) -> bool:
        """Whether the file was asked for; else it is a base of one that was."""
        return self.report.asked

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.new != self.old


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
    flatten: bool = False,
    rules: Sequence[Rule] = RULES,
    reader: Reader | None = None,
    step: Step = lambda: None,
) -> Conversion:
    """Convert config files, given by absolute path, and all their bases.

    With ``flatten`` the files that were asked for are written out with all they inherit. A file that cannot be
    converted is reported as failed and does not stop the others; files that build on it fail with it.
    """
    asked = list(paths)
    return assemble(Run(Tree(rules, lr, reader or Reader()), flatten).convert(asked, step), asked)


def assemble(files: Iterable[Converted], asked: Collection[Path]) -> Conversion:
    """The conversion of ``asked`` that consists of ``files``.

    Those that come again are left out, and bases that only files that failed would use.
    """
    asked, found = frozenset(asked), dict[Path, Converted]()
    for file in files:
        found.setdefault(file.path, file)
    bases: set[Path] = set()
    for file in reversed(found.values()):  # users stand behind their bases
        file.report.asked = file.path in asked
        if (file.asked or file.path in bases) and file.report.status is not Status.FAILED:
            bases.update(file.bases)
            if file.path in bases and file.report.status is Status.NOT_A_CONFIG:
                file.report.status = Status.UNCHANGED
    return Conversion([f for f in found.values() if f.asked or f.path in bases or f.report.status is Status.FAILED])


@dataclass
class Run:
    """The conversion of some files. What is read and decided is kept in ``tree``."""

    tree: Tree
    flatten: bool = False
    done: dict[Path, Converted] = field(default_factory=dict)
    schedules: Schedules = field(default_factory=Schedules)
    rewritten: dict[Path, StaticFile] = field(default_factory=dict)

    @property
    def reader(self) -> Reader:
        """Reads the old files."""
        return self.tree.reader

    def prepare(self, paths: Iterable[Path]) -> None:
        """Find out what the bases of ``paths`` become: everything that concerns a whole project."""
        with no_garbage():
            for path in paths:
                with suppress(Exception):  # it is reported where the file is converted
                    for file in self.reader.closure(path):
                        if self.tree.is_part(file):
                            self.tree.own(file)

    def convert(self, paths: Sequence[Path], step: Step, asked: Collection[Path] | None = None) -> list[Converted]:
        """The files and their bases, in the order of the first file that needs them, bases first.

        ``asked`` are all files that were asked for, where ``paths`` are some of them.
        """
        asked = frozenset(paths if asked is None else asked)
        with no_garbage():
            for path in paths:
                try:
                    for file in self.reader.closure(path):
                        if file not in self.done:
                            self.done[file] = self._file(file, asked=file in asked)
                except Exception as error:
                    self._unreadable(path, error)
                step()
            self._reload(step, frozenset(paths))
        return list(self.done.values())

    def _unreadable(self, path: Path, error: Exception) -> None:
        report = FileReport(path, Status.UNCHANGED)
        _fail(report, "read", error)
        self.done[path] = Converted(path, "", "", report)

    def _file(self, path: Path, *, asked: bool) -> Converted:
        report = FileReport(path, Status.UNCHANGED, asked=asked)
        converted = Converted(path, "", "", report)
        try:
            self._read(converted)
            converted.bases = self.reader.base_paths(path)
            self._require_bases(converted)
            self._rewrite(converted)
            converted.new.encode(converted.encoding)
        except Exception as error:
            converted.new = converted.old
            _fail(report, "convert", error)
        return converted

    def _read(self, converted: Converted) -> None:
        """The file's text with its own line ends, and its encoding."""
        path = converted.path
        if path.exists():
            raw = path.read_bytes()
            converted.encoding = encoding(raw, path.suffix)
            converted.old = raw.decode(converted.encoding)
        else:
            converted.old = self.reader.text(path)
        converted.new = converted.old

    def _require_bases(self, converted: Converted) -> None:
        for base in converted.bases:
            if self.done[base].report.status is Status.FAILED:
                raise ConfigError(f"{converted.path}: its base {base} could not be converted.")

    def _rewrite(self, converted: Converted) -> None:
        path, report = converted.path, converted.report
        config, file = self.reader.resolved(path), self.reader.file(path)
        kind = dialect(config)
        if kind is Dialect.MIXED and not self._left_before(path, config):
            raise ConfigError(_mixed(path, config))
        if kind is Dialect.MIXED:
            report.notes += [note for notes in left_before(file, self.tree.rules).values() for note in notes]
            kind = Dialect.NEW
        if kind is Dialect.NEW:
            report.status = Status.ALREADY_NEW
            return
        if kind is Dialect.NEUTRAL and is_script(file):
            report.status = Status.NOT_A_CONFIG
            return
        edits = self.tree.edits(path)
        report.notes += own_notes(self.tree.target(path).decisions, file.bindings, self.tree.rules)
        report.notes += skip_notes(file)
        if path.suffix != ".py":
            self._rewrite_data(converted, edits)
            return
        converted.new = apply_source(file, edits, text=converted.old, remarks=remarks(report.notes))
        converted.new = loadable(file, converted.new)
        if converted.changed:
            self.rewritten[path] = evaluate(converted.new, path)
            check_same("square", apply_dict(file.values, edits), self.rewritten[path].values)
            report.status = Status.CONVERTED

    def _left_before(self, path: Path, config: Mapping[str, Any]) -> bool:
        """Whether every legacy key of a half migrated config is one that an earlier conversion left for a person."""
        files = map(self.reader.file, self.reader.closure(path))
        left = {key for file in files for key in left_before(file, self.tree.rules)}
        return config.keys() & LEGACY_KEYS <= left | self.tree.skipped(path)

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

    def _reload(self, step: Step, paths: Collection[Path]) -> None:
        """Resolve every new file by MMEngine's rules, and compare the schedules."""
        texts = {file.path: file.new for file in self.done.values() if file.report.status is not Status.FAILED}
        known = [self.rewritten.get(path) or self.reader.file(path) for path in texts]
        reader = Reader(overlay=texts, dialect="mmengine", known=known)
        for file in self.done.values():
            if file.path in texts and file.report.status is not Status.NOT_A_CONFIG:
                self._attempt("prove", self._proven, file, reader)
                if self.flatten and file.asked and file.report.status is not Status.FAILED:
                    self._attempt("flatten", self._flat, file, reader)
            if file.path in paths:
                step()

    def _attempt(self, name: str, act: Callable[[Converted, Reader], None], file: Converted, reader: Reader) -> None:
        try:
            act(file, reader)
        except Exception as error:
            file.new = file.old
            _fail(file.report, name, error)

    def _proven(self, file: Converted, reader: Reader) -> None:
        for base in file.bases:
            if self.done[base].report.status is Status.FAILED:
                raise ConfigError(f"{file.path}: its base {base} could not be converted.")
        file.part = self.tree.is_part(file.path)
        if file.report.status is not Status.ALREADY_NEW and not file.part:
            self._prove(file, reader)

    def _flat(self, file: Converted, reader: Reader) -> None:
        file.new = flat_text(file.path, reader.resolved(file.path), self.reader.resolved(file.path))
        file.encoding = "utf-8"
        if file.report.status is not Status.ALREADY_NEW:
            file.report.status = Status.CONVERTED
        file.report.notes.append(Note(Level.INFO, "flatten", "", 0, "comments and expressions are not kept"))

    def _prove(self, file: Converted, reader: Reader) -> None:
        target, new = self.tree.target(file.path), reader.resolved(file.path)
        check_same("reload", target.value, new)
        if not new.keys() & {"lr_config", "momentum_config"}:  # else the schedule waits for a person
            file.report.proof = self.schedules.prove(target.config, new)


def _mixed(path: Path, config: dict[str, Any]) -> str:
    old, new = sorted(config.keys() & LEGACY_KEYS), sorted(new_keys(config))
    return (
        f"{path}: is half migrated: it sets {', '.join(old)} of the old generation and {', '.join(new)} of the new; "
        "finish it by hand, or restore the old file and convert that."
    )


def _fail(report: FileReport, step: str, error: Exception) -> None:
    """Record why a file could not be converted; the fault of a file is a sentence, one of the program says so."""
    path = report.path
    if isinstance(error, BridgeError):
        report.fail(step, str(error))
    elif isinstance(error, RecursionError):
        report.fail(step, f"{path}: it is nested too deeply to be converted; simplify it.")
    elif isinstance(error, MemoryError):
        report.fail(step, f"{path}: there is not enough memory to convert it; simplify it.")
    elif isinstance(error, UnicodeEncodeError):
        wrong = error.object[error.start]
        report.fail("write", f"{path}: {wrong!r} does not exist in its encoding, {error.encoding}; save it as UTF-8.")
    elif isinstance(error, OSError):
        report.fail("read", f"{path}: cannot be read ({error.strerror}); correct its permissions.")
    else:
        report.fail("internal", f"{path}: {_described(error)}; please report it together with this file.")


def _described(error: Exception) -> str:
    """An unforeseen error and the place it comes from."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    place = ""
    if traceback is not None:
        code = traceback.tb_frame.f_code
        place = f" at {Path(code.co_filename).name}:{traceback.tb_lineno}"
    return f"this program failed on it ({type(error).__name__}: {error}{place})"
