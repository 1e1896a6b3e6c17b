"""Where the files of a conversion are written: below a folder, or in their own places."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmbridge.compat.config import ConfigError, Reader
from mmbridge.compat.errors import BridgeError
from mmbridge.migrate.convert import Conversion, Converted
from mmbridge.migrate.files import Write
from mmbridge.migrate.report import Level, Note, Status
from mmbridge.migrate.tree import config_files, project_root


def check_folder(out: Path, sources: Sequence[Path]) -> None:
    """Raise BridgeError if files from ``sources`` cannot go below ``out``: a file, or a folder among them."""
    target = Path(os.path.abspath(out))
    existing = next(folder for folder in (target, *target.parents) if folder.exists())
    if not existing.is_dir():
        raise BridgeError(f"{out}: {existing} is a file; name a folder to write to.")
    for source in sources:
        if source.is_dir() and target.is_relative_to(Path(os.path.abspath(source))):
            raise BridgeError(
                f"{out}: lies inside {source}, the folder to convert; choose a folder outside of it, or --in-place."
            )


def below(conversion: Conversion, out: Path, sources: Sequence[Path], *, flatten: bool) -> list[Write]:
    """Every file that did not fail and every base of it, changed or not, in the same arrangement below ``out``.

    With ``flatten`` the files that were asked for, as Python; parts of configs only if they were named.
    """
    files = [file for file in conversion.files if _is_written(file, flatten, sources)]
    target = Path(os.path.abspath(out))
    places = [file.path.parent for file in conversion.files if file.path.exists() and (file.asked or not flatten)]
    places += [Path(os.path.abspath(source)) for source in sources if source.is_dir()]
    root = Path(os.path.commonpath(places)) if places else target
    writes = []
    for file in files:
        path = target / file.path.relative_to(root)
        path = path.with_suffix(".py") if flatten else path
        if path == file.path:
            raise BridgeError(f"{out}: {path} would be written over itself; choose another folder, or use --in-place.")
        writes.append(Write(path, file.new.encode(file.encoding), file.path))
    return writes


def _is_written(file: Converted, flatten: bool, sources: Sequence[Path]) -> bool:
    if file.report.status in (Status.FAILED, Status.NOT_A_CONFIG):
        return False
    if not flatten:
        return True
    named = any(Path(os.path.abspath(source)) == file.path for source in sources)
    return file.asked and (named or not file.part)


def in_place(conversion: Conversion, reader: Reader) -> list[Write]:
    """Every changed file over its old self; a link is followed.

    Raises BridgeError if configs that were not asked for build on a base that would change: they would break.
    """
    changed = [file for file in conversion.files if file.changed]
    failed = {file.path: file for file in conversion.files if file.report.status is Status.FAILED}
    covered = {file.path for file in conversion.files} - failed.keys()
    users = [user for user in _users({file.path for file in changed}, reader) if user not in covered]
    strangers = [user for user in users if user not in failed]
    if strangers:
        roots = sorted({str(project_root(user)) for user in strangers})
        count = "1 other config builds" if len(strangers) == 1 else f"{len(strangers)} other configs build"
        raise BridgeError(
            f"{count} on bases that would change in place (the first is {strangers[0]}); convert the whole folder, "
            f"{', '.join(roots)}, or write elsewhere with -o."
        )
    for user in users:
        said = "its bases are converted now; correct it, restore the old bases, and convert the whole folder again"
        failed[user].report.notes.append(Note(Level.TODO, "write", "", 0, said))
    return [Write(Path(os.path.realpath(f.path)), f.new.encode(f.encoding), f.path) for f in changed]


def _users(bases: set[Path], reader: Reader) -> Iterator[Path]:
    """The files of the projects of ``bases`` that build on one of them."""
    for root in sorted({project_root(base) for base in bases}):
        for path in config_files(root):
            try:
                closure = reader.closure(path)
            except (ConfigError, RecursionError, MemoryError):
                continue
            if not bases.isdisjoint(closure[:-1]):
                yield path
