"""Files on disk: found, read with their encoding and line ends, and written atomically."""

from __future__ import annotations

import io
import os
import tempfile
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

from mmbridge.compat.config import ConfigError
from mmbridge.migrate.tree import config_files


def find(paths: Iterable[Path]) -> Iterator[Path]:
    """Every config file meant by ``paths``, absolute: files as they are, folders with all below them.

    Raises ConfigError for a folder that holds no config file.
    """
    for path in paths:
        absolute = Path(os.path.abspath(path))
        if not absolute.is_dir():
            yield absolute
            continue
        found = list(config_files(absolute))
        if not found:
            raise ConfigError(f"{path}: this folder holds no config file (.py, .json, .yaml); name the right one.")
        yield from found


def encoding_of(path: Path) -> str:
    """The encoding of a config file on disk; UTF-8 for one that is not there. A byte order mark counts."""
    try:
        raw = path.read_bytes()
    except OSError:
        return "utf-8"
    if path.suffix != ".py":
        return "utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "utf-8"
    return tokenize.detect_encoding(io.BytesIO(raw).readline)[0]


def read_exactly(path: Path) -> str:
    """The text of a file with its own line ends."""
    return path.read_bytes().decode(encoding_of(path))


def write(path: Path, text: str, *, like: Path) -> None:
    """Write ``text`` in the encoding and with the permissions of ``like``; ``path`` is old or new, never torn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode(encoding_of(like)))
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, like.stat().st_mode & 0o777 if like.exists() else 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
