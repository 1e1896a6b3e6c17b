"""MMLogger: the lines of a run, on the console and in its file."""

from __future__ import annotations

import logging
import logging.handlers
import os
import socket
import sys
import weakref
from collections.abc import Mapping
from getpass import getuser
from pathlib import Path
from typing import Any, TextIO

import torch
from mmbridge.runners.console import ConsoleHandler
from mmbridge.runners.dist import get_dist_info, get_local_rank
from mmbridge.runners.loop.logging.named import Named

_COLOURS = {"ERROR": 31, "WARNING": 33, "INFO": 37, "DEBUG": 32}


class FilterDuplicateWarning(logging.Filter):
    """Lets a warning pass once, and everything else always."""

    def __init__(self, name: str = "mmengine") -> None:
        super().__init__(name)
        self.seen: set[Any] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is no warning, or a new one."""
        if record.levelno != logging.WARNING:
            return True
        new = record.msg not in self.seen
        self.seen.add(record.msg)
        return new


class MMFormatter(logging.Formatter):
    """``time - logger - LEVEL - message``; an error also tells file, function and line.

    With ``color`` the level is coloured, and with ``blink`` it blinks even where nothing is wrong.
    """

    def __init__(self, color: bool = True, blink: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if blink and not color:
            raise ValueError("blink=True needs color=True")
        self._shown = {}
        for level, code in _COLOURS.items():
            blinks = "5;" if blink or level in ("ERROR", "WARNING") else ""
            self._shown[level] = f"\x1b[{blinks}4;{code}m{level}\x1b[0m" if color else level

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line, without what follows it for an exception."""
        level = self._shown.get(record.levelname, record.levelname)
        head = f"{record.asctime} - {record.name} - {level}"
        if record.levelno == logging.ERROR:
            head += f" - {record.pathname} - {record.funcName} - {record.lineno}"
        return f"{head} - {record.message}"

    def usesTime(self) -> bool:  # noqa: N802 - logging's name
        """Every line has the time."""
        return True


class MMLogger(Named, logging.Logger):
    """A logger outside of ``logging``'s tree: no other configuration changes what it writes, and where.

    It writes to standard output (coloured on a terminal, unless NO_COLOR is set) and to ``log_file``. Processes of
    other ranks print errors only, and write a file of their own where ``distributed`` or the level is DEBUG.
    ``file_handler_cfg`` names another class of ``logging.handlers`` as ``type``, with its arguments. The file is closed
    when nobody holds the logger any more. MMEngine 0.10.7, mmengine/logging/logger.py.
    """

    def __init__(
        self,
        name: str,
        logger_name: str = "mmengine",
        log_file: str | None = None,
        log_level: int | str = "INFO",
        file_mode: str = "w",
        distributed: bool = False,
        file_handler_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        logging.Logger.__init__(self, logger_name)
        Named.__init__(self, name)
        level = _level(log_level)
        rank, world_size = get_dist_info()
        console = ConsoleHandler(sys.stdout)
        console.setFormatter(MMFormatter(color=_shows_colours(sys.stdout), datefmt="%m/%d %H:%M:%S"))
        console.setLevel(level if rank == 0 else logging.ERROR)
        self._add(console)
        everyone = (distributed or level <= logging.DEBUG) and world_size > 1
        if log_file is not None and everyone:
            log_file = _of_this_process(log_file, rank)
        self._log_file = log_file
        if log_file is not None and (everyone or rank == 0):
            file = _file_handler(log_file, file_mode, file_handler_cfg)
            file.setFormatter(MMFormatter(color=False, datefmt="%Y/%m/%d %H:%M:%S"))
            file.setLevel(level)
            self._add(file)
            weakref.finalize(self, file.close)

    def _add(self, handler: logging.Handler) -> None:
        handler.addFilter(FilterDuplicateWarning(self.name))
        self.handlers.append(handler)

    @property
    def log_file(self) -> str | None:
        """The path of the file, None without one."""
        return self._log_file

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name
        """Whether some handler takes records of ``level``; where none does, as in ranks above 0, none is made."""
        return super().isEnabledFor(level) and any(level >= handler.level for handler in self.handlers)

    def callHandlers(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Hand the record to this logger's own handlers."""
        for handler in self.handlers:
            if record.levelno >= handler.level:
                handler.handle(record)

    def setLevel(self, level: int | str) -> None:  # noqa: N802 - logging's name
        """Pass over records below ``level``, whatever the handlers let through."""
        self.level = _level(level)
        self._cache.clear()  # type: ignore[attr-defined]  # logging clears it only for the loggers of its tree


def print_log(msg: Any, logger: logging.Logger | str | None = None, level: int = logging.INFO) -> None:
    """Write ``msg`` to a logger: the given one, the living MMLogger of that name, or what a word stands for.

    ``None`` is ``print``; ``'silent'`` nothing; ``'current'`` the logger of the run in progress, or outside of a run
    the console. Raises ValueError for a name that no living logger has, TypeError for anything else.
    """
    if logger is None:
        print(msg)  # noqa: T201 - what None stands for
    elif isinstance(logger, logging.Logger):
        logger.log(level, msg)
    elif logger == "current":
        MMLogger.get_current_instance().log(level, msg)
    elif not isinstance(logger, str):
        raise TypeError(f"logger must be a Logger, a name, 'current', 'silent' or None, found {logger!r}")
    elif logger != "silent":
        if not MMLogger.check_instance_created(logger):
            raise ValueError(f"no MMLogger {logger!r} is in use; make it with MMLogger.get_instance({logger!r})")
        MMLogger.get_instance(logger).log(level, msg)


def _level(level: int | str) -> int:
    if isinstance(level, int):
        return level
    number = logging.getLevelName(level)
    if not isinstance(number, int):
        raise ValueError(f"log_level {level!r} is none of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    return number


def _shows_colours(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def _of_this_process(log_file: str, rank: int) -> str:
    """The path of the file of this process, by its machine, its device and its rank."""
    path = Path(log_file)
    return str(path.with_name("_".join([path.stem, *_host(), f"device{_device()}", f"rank{rank}"]) + path.suffix))


def _host() -> list[str]:
    try:
        return [f"{getuser()}@{socket.gethostname()}"]
    except (OSError, KeyError):  # a user without a name, as in some containers
        return []


def _device() -> str:
    """The number of this process's device, as the machine counts them."""
    local = get_local_rank() or 0
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",")[local].strip() if visible and torch.cuda.is_available() else str(local)


def _file_handler(log_file: str, mode: str, cfg: Mapping[str, Any] | None) -> logging.FileHandler:
    if cfg is None:
        return logging.FileHandler(log_file, mode)
    arguments = {"filename": log_file, **cfg}
    kind = arguments.pop("type", None)
    made = getattr(logging.handlers, kind, None) if isinstance(kind, str) else None
    if not isinstance(made, type) or not issubclass(made, logging.FileHandler):
        known = sorted(
            name
            for name, value in vars(logging.handlers).items()
            if isinstance(value, type) and issubclass(value, logging.FileHandler)
        )
        raise ValueError(f"file_handler_cfg.type must be one of {', '.join(known)}, found {kind!r}")
    return made(**arguments)
