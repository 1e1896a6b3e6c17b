"""What a person sees on standard error: the report, coloured and wrapped on a terminal, and a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import click
from mmbridge.migrate.convert import Step
from mmbridge.migrate.report import Level, Status
from mmbridge.migrate.reports.plain_text import Line

_STYLES: Final[dict[Status | Level | None, str]] = {
    Status.CONVERTED: "green",
    Status.FAILED: "red",
    Level.ERROR: "red",
    Level.TODO: "yellow",
    Level.WARNING: "yellow",
    None: "bold",
}


def show(lines: Iterable[Line]) -> None:
    """Write a report to standard error. In a pipe a line stays a line, without colours."""
    if not sys.stderr.isatty():
        click.echo("\n".join(map(str, lines)), err=True)
        return
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    for line in lines:
        style = "" if line.deep else _STYLES.get(line.kind, "")
        console.print(Padding(Text(line.text, style=style), (0, 0, 0, 2 * line.deep), expand=False))


@contextmanager
def progress(files: int) -> Iterator[Step]:
    """A bar on a terminal while ``files`` are converted and proven; gives what is to be called for each step."""
    if files < 2 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task("converting and proving", total=2 * files)

        def step() -> None:
            bar.update(task, advance=1, refresh=True)

        yield step
