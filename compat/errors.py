"""The errors people see: what failed, where, what was found, what to do."""

from __future__ import annotations


class BridgeError(Exception):
    """A sentence for a person; the command line prints it without a traceback and exits with 2."""


class ConfigError(BridgeError):
    """A config file cannot be read; the sentence starts with ``path`` or ``path:line``."""


class MissingFile(ConfigError, FileNotFoundError):
    """A config file is not there."""
