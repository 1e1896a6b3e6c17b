"""Both config dialects: reading without running, bases, variables, printing."""

from __future__ import annotations

from mmbridge.compat.config.config import Config
from mmbridge.compat.config.config_dict import ConfigDict
from mmbridge.compat.config.inherit import Reader, merge
from mmbridge.compat.config.options import DictAction, parse_options, parse_value
from mmbridge.compat.config.printing import to_python
from mmbridge.compat.config.static import Dialect, evaluate
from mmbridge.compat.config.values import BaseRef, StaticFile, Undecided
from mmbridge.compat.errors import ConfigError

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
