"""Which part of a config an error is about, and whether the config or somebody's code is at fault."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mmbridge.compat.errors import BridgeError, ConfigError
from mmbridge.compat.registry import MissingKey

_OURS: Final = frozenset({"mmbridge", "torch", *sys.stdlib_module_names})
_TOLD: Final = "_blamed"  # an error's mark: it names its section already


class WrongSetting(BridgeError, TypeError):
    """A setting of a config has a type that what it is for cannot take."""


class WrongValue(BridgeError, ValueError):
    """A setting of a config has a value that what it is for cannot take."""


class NotAccessible(BridgeError, OSError):
    """A file or folder that a config names is missing, or cannot be read or written."""

    def __str__(self) -> str:
        return str(self.args[0])


def settings_fault(error: BaseException) -> bool:
    """Whether ``error`` is about what somebody wrote into a config, not about what somebody's code does.

    It is where every line it came through is of this project, of torch or of the standard library: a traceback through
    these tells nothing that a sentence does not.
    """
    trace = error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] not in _OURS:
            return False
        trace = trace.tb_next
    return True


@contextmanager
def blaming(section: str) -> Iterator[None]:
    """Within the block, or the function it decorates, an error about settings begins with ``section``.

    Of a BridgeError the sentence is changed; a KeyError, TypeError, ValueError or OSError becomes a BridgeError that
    still is one of these. The innermost section counts. What other people's code raises passes unchanged.
    """
    try:
        yield
    except BridgeError as error:
        if not hasattr(error, _TOLD):
            if not str(error).startswith(section):
                error.args = (f"{section}: {error}",)
            setattr(error, _TOLD, True)
        raise
    except (KeyError, TypeError, ValueError, OSError) as error:
        if not settings_fault(error):
            raise
        blamed = told(section, error)
        setattr(blamed, _TOLD, True)
        raise blamed from error


@contextmanager
def naming(*names: object) -> Iterator[None]:
    """Within the block, a sentence for a person begins with a file's name: the first of ``names``, if with none yet."""
    try:
        yield
    except BridgeError as error:
        if str(error).startswith(tuple(map(str, names))):
            raise
        raise ConfigError(f"{names[0]}: {error}") from error


def told(section: str, error: Exception) -> BridgeError:
    """``error``, which is none of this project, as a sentence about ``section``."""
    notes = getattr(error, "__notes__", [])
    built = f" ({notes[0]})" if notes else ""
    if isinstance(error, OSError):
        text = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
        return NotAccessible(f"{section}: {text}")
    if isinstance(error, KeyError):
        return MissingKey(f"{section}: {error.args[0] if error.args else error}{built}")
    return (WrongSetting if isinstance(error, TypeError) else WrongValue)(f"{section}: {error}{built}")
