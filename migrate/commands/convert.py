"""``migrate convert``: old configs in, new configs out, with a report and proof."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from mmbridge.compat.config import Reader
from mmbridge.compat.errors import BridgeError
from mmbridge.migrate.convert import Conversion, convert
from mmbridge.migrate.files import find, write
from mmbridge.migrate.report import Status
from mmbridge.migrate.view import LrStyle

_STDIN = "-"


@click.command("convert")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Write the files and their bases below this folder.")
@click.option("--in-place", is_flag=True, help="Write each new file over the old one.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if something would change.")
@click.option("--diff", is_flag=True, help="Show what changes as a unified diff.")
@click.option(
    "--lr",
    type=click.Choice(["builtin", "closed-form", "upstream"]),
    default="builtin",
    show_default=True,
    help="How schedules are written: MMEngine's own schedulers, one exact scheduler of mmbridge, or as OpenMMLab does.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 when something is left for a person.")
def command(
    paths: tuple[Path, ...],
    out: Path | None,
    in_place: bool,
    check: bool,
    diff: bool,
    lr: LrStyle,
    strict: bool,
) -> None:
    """Convert config files, or all below a folder, and their bases.

    One file without -o is printed; "-" reads it from standard input. Results go to standard output, the report
    to standard error. Exit codes: 0 done, 1 would change (--check) or needs a person (--strict), 2 failed.
    """
    _one_of(out=out, in_place=in_place, check=check)
    if len(paths) == 1 and not (out or in_place or check or diff) and paths[0].is_dir():
        raise click.UsageError(f"{paths[0]} is a folder: say where to write with -o DIR or --in-place, or use --diff.")
    conversion = _convert(paths, lr)
    if out is not None:
        _write_below(conversion, out)
    elif in_place:
        _write_in_place(conversion)
    if diff:
        click.echo("".join(_diffs(conversion)), nl=False)
    elif not (out or in_place or check):
        _print(conversion)
    click.echo("\n".join(_report(conversion)), err=True)
    changes = any(file.new != file.old for file in conversion.files)
    sys.exit(conversion.report.exit_code(strict=strict) or int(check and changes))


def _one_of(**modes: object) -> None:
    given = [f"--{name.replace('_', '-')}" for name, value in modes.items() if value]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other; choose one.")


def _convert(paths: Sequence[Path], lr: LrStyle) -> Conversion:
    if [str(path) for path in paths] == [_STDIN]:
        path = Path.cwd() / "stdin.py"
        return convert([path], lr=lr, reader=Reader(overlay={path: sys.stdin.read()}))
    return convert(list(find(paths)), lr=lr)


def _write_below(conversion: Conversion, out: Path) -> None:
    root = Path(os.path.commonpath([file.path.parent for file in conversion.files]))
    target = Path(os.path.abspath(out))
    if target == root:
        raise BridgeError(f"{out}: holds the files to convert; choose another folder, or use --in-place.")
    for file in conversion.files:
        if file.report.status is not Status.FAILED:
            write(target / file.path.relative_to(root), file.new, like=file.path)


def _write_in_place(conversion: Conversion) -> None:
    for file in conversion.files:
        if file.new != file.old:
            write(file.path, file.new, like=file.path)


def _diffs(conversion: Conversion) -> Iterator[str]:
    for file in conversion.files:
        name = _name(file.path)
        yield from difflib.unified_diff(
            file.old.splitlines(keepends=True), file.new.splitlines(keepends=True), name, name
        )


def _print(conversion: Conversion) -> None:
    asked = [file for file in conversion.files if file.asked]
    if len(asked) != 1:
        raise click.UsageError(f"{len(asked)} files: say where to write with -o DIR or --in-place, or use --diff.")
    if asked[0].report.status is not Status.FAILED:
        click.echo(asked[0].new, nl=False)


def _report(conversion: Conversion) -> Iterator[str]:
    for file in conversion.files:
        if file.asked or file.report.notes:
            yield from file.report.lines(_name(file.path))
    bases = [file for file in conversion.files if not file.asked and file.report.status is Status.CONVERTED]
    if bases:
        yield f"{len(bases)} base files are converted with it: {', '.join(_name(base.path) for base in bases)}"
    yield conversion.report.summary()


def _name(path: Path) -> str:
    """``path`` as a person in this folder would type it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
