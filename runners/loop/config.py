"""Configs, as everywhere in this project: see :mod:`mmbridge.compat.config`."""

from mmbridge.compat.config import Config, ConfigDict, DictAction

__all__ = ["Config", "ConfigDict", "DictAction"]
