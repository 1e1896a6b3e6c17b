"""``migrate convert``: old configs in, new configs out, with a report and proof."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from mmbridge.compat.config import ConfigError, Reader
from mmbridge.migrate import output
from mmbridge.migrate.convert import Conversion, Converted, convert
from mmbridge.migrate.files import Asked, Write, encoding, find, write_all
from mmbridge.migrate.report import FileReport, Status
from mmbridge.migrate.reports import FORMATS, Document, Format, render
from mmbridge.migrate.reports.names import Names
from mmbridge.migrate.reports.plain_text import lines
from mmbridge.migrate.rules import RULES
from mmbridge.migrate.terminal import progress, show
from mmbridge.migrate.view import LrStyle

_STDIN = "-"
_MOST = 5  # places of one note on standard error; a report in a file names all


@dataclass(frozen=True, slots=True)
class _Options:
    """The command line; ``paths`` and what to make of them."""

    paths: tuple[Path, ...]
    out: Path | None
    in_place: bool
    flatten: bool
    check: bool
    diff: bool
    lr: LrStyle
    report: Path | None
    form: Format
    jobs: int
    strict: bool

    @property
    def stdin(self) -> bool:
        """Whether the config comes from standard input."""
        return _STDIN in map(str, self.paths)

    @property
    def printed(self) -> bool:
        """Whether the new text goes to standard output."""
        return not (self.out or self.in_place or self.check or self.diff)

    def verify(self) -> None:
        """Raise for options that do not go together, before anything is read."""
        modes = {"--out": self.out, "--in-place": self.in_place, "--check": self.check}
        given = [name for name, value in modes.items() if value]
        if self.in_place and self.flatten:
            given = ["--in-place", "--flatten"]
        if len(given) > 1:
            raise click.UsageError(f"{' and '.join(given)} exclude each other; choose one.")
        if self.stdin and (len(self.paths) > 1 or self.out or self.in_place):
            raise click.UsageError(
                "'-' is read alone and its new text is printed: leave out other paths, -o, --in-place."
            )
        if self.printed and len(self.paths) == 1 and self.paths[0].is_dir():
            raise click.UsageError(
                f"{self.paths[0]} is a folder: say where to write with -o DIR or --in-place, or use --check or --diff."
            )
        if self.printed and len(self.paths) > 1:
            raise click.UsageError(
                f"{len(self.paths)} paths: say where to write with -o DIR or --in-place, or use --check or --diff."
            )
        if self.out is not None:
            output.check_folder(self.out, self.paths)


@click.command("convert")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Write the files and their bases below this folder.")
@click.option("--in-place", is_flag=True, help="Write each new file over the old one.")
@click.option("--flatten", is_flag=True, help="Write each file with all it inherits: values only, no bases.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if something would change.")
@click.option("--diff", is_flag=True, help="Show what changes as a unified diff.")
@click.option(
    "--lr",
    type=click.Choice(["builtin", "closed-form", "upstream"]),
    default="builtin",
    show_default=True,
    help="How schedules are written: MMEngine's own schedulers, one exact scheduler of mmbridge, or as OpenMMLab does.",
)
@click.option(
    "--library",
    type=click.Choice(["none"]),
    default="none",
    show_default=True,
    expose_value=False,  # with one choice it only keeps its meaning once there are more
    help="Whose datasets, models and metrics are renamed: none, as for a project's own. No library has a table yet.",
)
@click.option("--report", type=click.Path(path_type=Path), help="Write the report to this file, too, in --format.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="Of the file of --report; without it, of what goes to standard error.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="How many processes convert.")
@click.option("--strict", is_flag=True, help="Exit with 1 when something is left for a person.")
def command(**options: object) -> None:
    """Convert config files, or all below a folder, and their bases.

    One file without -o is printed; "-" reads it from standard input. Results go to standard output, the report
    to standard error. Exit codes: 0 done, 1 would change (--check) or needs a person (--strict), 2 failed.
    """
    sys.exit(_run(_Options(**options)))  # type: ignore[arg-type]


def _run(options: _Options) -> int:
    options.verify()
    reader = Reader()
    conversion, names = _convert(options, reader)
    writes = _writes(options, conversion, reader)
    if options.diff:
        _show_diffs(conversion, names)
    elif options.printed:
        _print(conversion)
    write_all(writes)
    _report(options, conversion, names)
    changes = any(file.changed for file in conversion.files)
    return conversion.report.exit_code(strict=options.strict) or int(options.check and changes)


def _convert(options: _Options, reader: Reader) -> tuple[Conversion, Names]:
    if options.stdin:
        return _convert_stdin(options)
    found = find(options.paths)
    paths = [asked.path for asked in found if not asked.wrong]
    with progress(len(paths)) as step:
        if options.jobs == 1:
            conversion = convert(paths, lr=options.lr, flatten=options.flatten, reader=reader, step=step)
        else:
            from mmbridge.migrate.workers import convert_in_processes

            conversion = convert_in_processes(
                paths, jobs=options.jobs, lr=options.lr, flatten=options.flatten, reader=reader, step=step
            )
    return Conversion([*_wrong(found), *_named(conversion, found).files]), Names(Path.cwd())


def _convert_stdin(options: _Options) -> tuple[Conversion, Names]:
    """The conversion of what standard input gives; its bases are found from the current folder."""
    raw, path = sys.stdin.buffer.read(), Path.cwd() / "<standard input>.py"
    try:
        text = raw.decode(encoding(raw, ".py"))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise ConfigError(f"standard input: cannot be decoded ({error}); give it as UTF-8.") from None
    reader = Reader(overlay={path: text.replace("\r\n", "\n")})
    conversion = convert([path], lr=options.lr, flatten=options.flatten, reader=reader)
    for file in conversion.files:
        if file.path == path and not options.flatten:
            file.encoding = encoding(raw, ".py")
        if file.path == path and "\r\n" in text:
            file.old, file.new = text, file.new.replace("\n", "\r\n")
    return conversion, Names(Path.cwd(), {path: "standard input"})


def _wrong(found: Sequence[Asked]) -> Iterator[Converted]:
    """What was asked for and is not there, as failed."""
    for asked in found:
        if asked.wrong:
            report = FileReport(asked.path, Status.UNCHANGED)
            report.fail("read", asked.wrong)
            yield Converted(asked.path, "", "", report)


def _named(conversion: Conversion, found: Sequence[Asked]) -> Conversion:
    """The conversion, where a file that was named and is no config failed: in a folder it is passed over."""
    named = {asked.path for asked in found if asked.named}
    for file in conversion.files:
        if file.report.status is Status.NOT_A_CONFIG and file.path in named:
            file.report.fail("read", "it is no config: it sets no key of one; name the config that is meant.")
    return conversion


def _writes(options: _Options, conversion: Conversion, reader: Reader) -> list[Write]:
    if options.out is not None:
        return output.below(conversion, options.out, options.paths, flatten=options.flatten)
    return output.in_place(conversion, reader) if options.in_place else []


def _print(conversion: Conversion) -> None:
    for file in conversion.files:
        if file.asked and file.report.status is not Status.FAILED:
            # Bytes: what a redirection makes of it is the file in its own encoding, with its own line ends.
            click.echo(file.new if sys.stdout.isatty() else file.new.encode(file.encoding), nl=False)


def _show_diffs(conversion: Conversion, names: Names) -> None:
    from difflib import unified_diff  # slow to import

    for file in conversion.files:
        old, new = (list(io.StringIO(text, newline="\n")) for text in (file.old, file.new))
        for line in unified_diff(old, new, names.of(file.path), names.of(file.path)):
            ended = line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            click.echo(_coloured(ended) if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else ended, nl=False)


def _coloured(line: str) -> str:
    colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[0])
    return click.style(line, fg=colour) if colour else line


def _report(options: _Options, conversion: Conversion, names: Names) -> None:
    document = Document("convert", conversion.report, names, {rule.id: rule.doc for rule in RULES})
    if options.report is not None:
        path = Path(os.path.abspath(options.report))
        write_all([Write(path, render(document, options.form).encode())])
    elif options.form != "text":
        click.echo(render(document, options.form), err=True, nl=False)
        return
    show(lines(conversion.report, names, most=_MOST))
    bases = [names.of(f.path) for f in conversion.files if not f.asked and f.report.status is Status.CONVERTED]
    if options.printed and bases and not options.flatten:
        needs = "1 base file needs" if len(bases) == 1 else f"{len(bases)} base files need"
        click.echo(f"{needs} converting, too: {', '.join(bases)}. -o DIR writes them all.", err=True)
