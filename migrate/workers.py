"""Conversion in several processes: each converts a part of the files; the result is that of one process."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from mmbridge.compat.config import Reader
from mmbridge.compat.errors import BridgeError
from mmbridge.migrate.convert import Conversion, Converted, Run, Step, assemble
from mmbridge.migrate.report import FileReport, Status
from mmbridge.migrate.rules import RULES
from mmbridge.migrate.tree import Tree, project_root
from mmbridge.migrate.view import LrStyle

_LEAST = 20  # files: a process with fewer costs more than it saves


def convert_in_processes(
    paths: Sequence[Path],
    *,
    jobs: int,
    lr: LrStyle = "builtin",
    flatten: bool = False,
    reader: Reader | None = None,
    step: Step = lambda: None,
) -> Conversion:
    """What ``convert`` gives for ``paths``, worked out by up to ``jobs`` processes.

    A project goes to one process, unless it is too large. Where a process can be forked, those that convert the
    same project share what the first one found out about its bases. If a process dies, the files it had are
    reported as failed.
    """
    run = Run(Tree(RULES, lr, reader or Reader()), flatten)
    parts, cut = _parts(paths, max(1, min(jobs, len(paths) // _LEAST)))
    if len(parts) < 2:
        return assemble(run.convert(paths, step), paths)
    make: Callable[[], Run] = partial(_new_run, lr, flatten)
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    if method == "fork":
        run.prepare(cut)
        make = partial(_same, run)
    workers: list[_Worker] = []
    try:
        with _ctrl_c_waits():
            workers = [_Worker.start(method, make, part, paths) for part in parts]
        return assemble(_in_order(_collect(workers, step), paths), paths)
    finally:
        for worker in workers:
            worker.process.terminate()
            worker.process.join()


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Ctrl-C comes at the end of the block: no process is started that nobody knows of, and none of them sees it."""
    came: list[Any] = []
    try:
        before = signal.signal(signal.SIGINT, lambda *call: came.append(call))
    except ValueError:  # Ctrl-C is the main thread's business, and this is another
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)


def _new_run(lr: LrStyle, flatten: bool) -> Run:
    return Run(Tree(RULES, lr), flatten)


def _same(run: Run) -> Run:
    return run


def _parts(paths: Sequence[Path], count: int) -> tuple[list[list[Path]], list[Path]]:
    """``paths`` in up to ``count`` parts of about the same length, and those of projects that are in several parts."""
    projects: dict[Path, list[Path]] = {}
    for path in paths:
        projects.setdefault(project_root(path), []).append(path)
    share = -(-len(paths) // count)
    cut = [project for project in projects.values() if len(project) > share]
    pieces = [piece for project in projects.values() for piece in _pieces(project, share)]
    parts: list[list[Path]] = [[] for _ in range(count)]
    for piece in sorted(pieces, key=len, reverse=True):
        min(parts, key=len).extend(piece)
    parts = sorted(filter(None, parts), key=lambda part: paths.index(part[0]))
    return parts, [path for project in cut for path in project]


def _pieces(project: Sequence[Path], share: int) -> list[Sequence[Path]]:
    """``project`` in runs of about the same length, none longer than ``share``: neighbours share bases."""
    count = -(-len(project) // share)
    bounds = [len(project) * i // count for i in range(count + 1)]
    return [project[a:b] for a, b in pairwise(bounds)]


@dataclass
class _Worker:
    process: BaseProcess
    results: Connection
    part: Sequence[Path]

    @classmethod
    def start(cls, method: str, make: Callable[[], Run], part: Sequence[Path], asked: Sequence[Path]) -> _Worker:
        context: Any = multiprocessing.get_context(method)
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(sender, make, part, asked), daemon=True)
        process.start()
        sender.close()
        return cls(process, receiver, part)

    def died(self) -> list[Converted]:
        """Its files, as failed."""
        self.process.join()
        failed = []
        for path in self.part:
            report = FileReport(path, Status.UNCHANGED)
            report.fail(
                "internal",
                f"the process that converted it ended early (exit code {self.process.exitcode}), with "
                f"{len(self.part) - 1} others; run it again with --jobs 1.",
            )
            failed.append(Converted(path, "", "", report))
        return failed


def _work(results: Connection, make: Callable[[], Run], part: Sequence[Path], asked: Sequence[Path]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process answers to Ctrl-C
    with suppress(BrokenPipeError):
        results.send(make().convert(part, lambda: results.send(None), asked))


def _collect(workers: Sequence[_Worker], step: Step) -> list[Converted]:
    """The files of all parts."""
    found: dict[Connection, list[Converted]] = {}
    pending = {worker.results: worker for worker in workers}
    while pending:
        for connection in wait(list(pending)):
            if not isinstance(connection, Connection):
                raise BridgeError("a process of --jobs cannot be reached; run it again with --jobs 1.")
            try:
                message = connection.recv()
            except EOFError:
                message = pending[connection].died()
            if message is None:
                step()
            else:
                found[connection] = message
                del pending[connection]
    return [file for worker in workers for file in found[worker.results]]


def _in_order(files: Sequence[Converted], paths: Sequence[Path]) -> list[Converted]:
    """``files`` in the order in which one process comes to them: as asked for, each after its bases."""
    found = {file.path: file for file in reversed(files)}
    ordered: dict[Path, Converted] = {}

    def visit(path: Path) -> None:
        if path in found and path not in ordered:
            file = found.pop(path)
            for base in file.bases:
                visit(base)
            ordered[path] = file

    for path in paths:
        visit(path)
    return [*ordered.values(), *found.values()]
