"""Both config dialects: reading without running, bases, variables, printing."""

from __future__ import annotations

from mmbridge.compat.config.config_dict import ConfigDict
from mmbridge.compat.config.inherit import Reader, merge
from mmbridge.compat.config.static import Dialect, evaluate
from mmbridge.compat.config.values import BaseRef, StaticFile, Undecided
from mmbridge.compat.errors import ConfigError

__all__ = [
    "BaseRef",
    "ConfigDict",
    "ConfigError",
    "Dialect",
    "Reader",
    "StaticFile",
    "Undecided",
    "evaluate",
    "merge",
]
