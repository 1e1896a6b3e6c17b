"""``migrate check``: what is wrong with configs that are migrated already."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from mmbridge.migrate.check import CHECKS, check_files
from mmbridge.migrate.check.run import NOTICES
from mmbridge.migrate.files import find
from mmbridge.migrate.report import FileReport, Level, Report, Status
from mmbridge.migrate.reports import FORMATS, Document, Format, render
from mmbridge.migrate.reports.names import Names


@click.command("check")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="How findings are printed."
)
def command(paths: tuple[Path, ...], form: Format) -> None:
    """Find what MMEngine ignores, refuses or does otherwise than meant in migrated configs and their bases.

    Findings go to standard output, one per line; a comment "# migrate: skip" on a statement silences them there.
    Exit codes: 0 nothing found, 1 something found, 2 a file cannot be read.
    """
    asked = find(paths)
    files = check_files(file.path for file in asked if not file.wrong)
    for file in asked:
        if file.wrong:
            files.append(FileReport(file.path, Status.FAILED))
            files[-1].fail("read", file.wrong)
    report, names = Report(files), Names(Path(os.getcwd()))
    if form == "text":
        for line in _lines(report, names):
            click.echo(line)
    else:
        rules = {**NOTICES, **{check.id: check.doc for check in CHECKS}}
        click.echo(render(Document("check", report, names, rules), form), nl=False)
    click.echo(_summary(files), err=True)
    sys.exit(_exit_code(files))


def _lines(report: Report, names: Names) -> Iterator[str]:
    for file, note in report.everything():
        place = f"{names.of(file.path)}:{note.line}" if note.line else names.of(file.path)
        yield f"{place}: {note.rule}: {names.within(note.message)}"


def _summary(files: Sequence[FileReport]) -> str:
    found = [sum(note.level is not Level.INFO for note in file.notes) for file in files]
    at_fault = sum(count > 0 for count in found)
    unknown = sum(note.level is Level.INFO for file in files for note in file.notes)
    checked = "1 file" if len(files) == 1 else f"{len(files)} files"
    left = f"; {unknown} could not be judged whole" if unknown else ""
    return f"{checked} checked, {at_fault} with findings: {sum(found)} in all{left}."


def _exit_code(files: Sequence[FileReport]) -> int:
    found = {file.status for file in files}
    return 2 if Status.FAILED in found else int(Status.FAULTY in found)
