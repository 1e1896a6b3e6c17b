"""Files on disk: found, read with their encoding and line ends, and written atomically."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmbridge.compat.errors import BridgeError
from mmbridge.migrate.tree import config_files


@dataclass(frozen=True, slots=True)
class Asked:
    """One file to convert, by absolute path: ``named`` by the user, or found in a folder that was.

    ``wrong`` is a sentence about a path that leads to no file.
    """

    path: Path
    named: bool
    wrong: str = ""


def find(paths: Iterable[Path]) -> list[Asked]:
    """Every config file meant by ``paths``, once each: files as they are, folders with all below them."""
    found: dict[Path, Asked] = {}
    for path in paths:
        for asked in _meant(Path(os.path.abspath(path))):
            if asked.path not in found or asked.named:
                found[asked.path] = asked
    return list(found.values())


def _meant(path: Path) -> Iterator[Asked]:
    if path.is_dir():
        below = list(config_files(path))
        if not below:
            yield Asked(path, True, "this folder holds no config file (.py, .json, .yaml); name the right one.")
        yield from (Asked(file, False) for file in below)
    elif not path.exists():
        yield Asked(path, True, f"this file does not exist; {_advice(path)}")
    else:
        yield Asked(path, True)


def _advice(path: Path) -> str:
    """What to do about a path that leads nowhere."""
    from difflib import get_close_matches  # slow to import, and seldom needed

    missing = next(part for part in (*reversed(path.parents), path) if not part.exists())
    try:
        close = get_close_matches(missing.name, os.listdir(missing.parent), n=1)
    except OSError:
        close = []
    return f"did you mean {str(missing.parent / close[0])!r}?" if close else "correct the path."


def encoding_of(path: Path) -> str:
    """The encoding of a config file on disk; UTF-8 for one that is not there. A byte order mark counts."""
    try:
        return encoding(path.read_bytes(), path.suffix)
    except OSError:
        return "utf-8"


def encoding(raw: bytes, suffix: str) -> str:
    """The encoding of a config's bytes: its byte order mark, in Python its coding line, else UTF-8."""
    if suffix != ".py":
        return "utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "utf-8"
    return tokenize.detect_encoding(io.BytesIO(raw).readline)[0]


def read_exactly(path: Path) -> str:
    """The text of a file with its own line ends."""
    return path.read_bytes().decode(encoding_of(path))


@dataclass(frozen=True, slots=True)
class Write:
    """New content for ``path``, with the permissions of ``like``, or the usual ones."""

    path: Path
    content: bytes
    like: Path | None = None


def write_all(writes: Sequence[Write]) -> None:
    """Write all files: first completely beside their places, then each is put in its place at once.

    So a full disk, a folder without permission or Ctrl-C on the way leaves every file as it was, and a kill at any
    moment leaves each file old or new, never torn. Raises BridgeError naming the file that cannot be written.
    """
    made: list[Path] = []
    staged: list[tuple[str, Path]] = []
    placed = 0
    at = Path()
    try:
        for write in _unlike(writes):
            at = write.path
            made += _make_folder(at.parent)
            staged.append((_stage(write), at))
        for temporary, at in staged:
            os.replace(temporary, at)
            placed += 1
    except OSError as error:
        state = f"{placed} of {len(staged)} files were written before it" if placed else "nothing was written"
        raise BridgeError(f"{at}: cannot be written ({error.strerror}); {state}.") from None
    finally:
        for temporary, _ in staged[placed:]:
            os.unlink(temporary)
        if not placed:
            for folder in reversed(made):
                with contextlib.suppress(OSError):
                    folder.rmdir()


def _unlike(writes: Sequence[Write]) -> list[Write]:
    """The writes, one for each place; raises BridgeError if two differ about one."""
    places: dict[Path, Write] = {}
    for write in writes:
        other = places.setdefault(write.path, write)
        if other.content != write.content:
            raise BridgeError(
                f"{write.path}: two files would be written here with different texts; convert them one by one."
            )
    return list(places.values())


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder and what is missing above it; gives what was made."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir()
    return missing[::-1]


def _stage(write: Write) -> str:
    """Write the content beside its place, safe on disk; the name ends so that it is never taken for a config."""
    handle, temporary = tempfile.mkstemp(dir=write.path.parent, prefix=f".{write.path.name}.", suffix=".migrating")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(write.content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, _permissions(write.like))
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary


def _permissions(like: Path | None) -> int:
    if like is not None and like.exists():
        return like.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
