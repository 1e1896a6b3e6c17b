"""A run's log files: copied to another place when it is over."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile


def copy_logs(source: str, target: str, suffixes: str | Sequence[str], keep: bool, logger: logging.Logger) -> None:
    """Copy the files below the folder ``source`` whose names end with one of ``suffixes`` to ``target``.

    Hidden ones are passed over. ``keep=False`` removes them at ``source``, the logger's own file too: that one is
    closed and written no more.
    """
    endings = suffixes if isinstance(suffixes, str) else tuple(suffixes)
    found = []
    for file in sorted(Path(source).rglob("*")):
        relative = file.relative_to(source)
        hidden = any(part.startswith(".") for part in relative.parts)
        if not hidden and file.is_file() and file.name.endswith(endings):
            found.append((file, Path(target, relative)))
    for file, copy in found:
        logger.info(f"The file {file} is copied to {copy}" + ("." if keep else " and removed here."))
    for file, copy in found:
        copy.parent.mkdir(parents=True, exist_ok=True)
        copyfile(file, copy)
    if not keep:
        _close([file for file, _ in found], logger)
        for file, _ in found:
            file.unlink()


def _close(files: Sequence[Path], logger: logging.Logger) -> None:
    for handler in list(logger.handlers):
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename) in files:
            handler.close()
            logger.removeHandler(handler)
