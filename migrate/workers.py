"""Conversion in several processes: each converts a part of the files; the result is that of one process."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
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
from mmbridge.migrate.tree import Tree
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

    Where a process can be forked, all share what the first one read. If a process dies, the files it had are
    reported as failed.
    """
    run = Run(Tree(RULES, lr, reader or Reader()), flatten)
    parts = _parts(paths, min(jobs, len(paths) // _LEAST))
    if len(parts) < 2:
        return assemble(run.convert(paths, step), paths)
    make: Callable[[], Run] = partial(_new_run, lr, flatten)
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    if method == "fork":
        for path in paths:
            with suppress(Exception):  # what cannot be read is reported where it is converted
                run.reader.closure(path)
        make = partial(_same, run)
    workers = [_Worker.start(method, make, part, paths) for part in parts]
    try:
        return assemble(_collect(workers, step), paths)
    finally:
        for worker in workers:
            worker.process.terminate()
            worker.process.join()


def _new_run(lr: LrStyle, flatten: bool) -> Run:
    return Run(Tree(RULES, lr), flatten)


def _same(run: Run) -> Run:
    return run


def _parts(paths: Sequence[Path], count: int) -> list[Sequence[Path]]:
    """``paths`` cut into ``count`` runs of about the same length: neighbours share bases."""
    bounds = [len(paths) * i // max(count, 1) for i in range(max(count, 1) + 1)]
    return [paths[a:b] for a, b in pairwise(bounds) if a < b]


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
    """The files of all parts, in their order."""
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
