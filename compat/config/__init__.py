"""Both config dialects: reading without running, bases, variables, printing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from mmbridge.compat.config.config_dict import ConfigDict
from mmbridge.compat.config.inherit import Reader, merge
from mmbridge.compat.config.static import Dialect, evaluate
from mmbridge.compat.config.values import BaseRef, StaticFile, Undecided
from mmbridge.compat.errors import ConfigError

if TYPE_CHECKING:
    from mmbridge.compat.config.config import Config
    from mmbridge.compat.config.options import DictAction, parse_options, parse_value
    from mmbridge.compat.config.printing import to_python

__all__ = [
    "BaseRef",
    "Config",
    "ConfigDict",
    "ConfigError",
    "Dialect",
    "DictAction",
    "Reader",
    "StaticFile",
    "Undecided",
    "evaluate",
    "merge",
    "parse_options",
    "parse_value",
    "to_python",
]

_LATE: Final = {
    "Config": "config",
    "DictAction": "options",
    "parse_options": "options",
    "parse_value": "options",
    "to_python": "printing",
}
"""Names that converting a file does not need, and the modules that are imported when they are asked for."""


def __getattr__(name: str) -> Any:
    """Import the module of a late name."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LATE[name]}"), name)
