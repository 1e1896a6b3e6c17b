"""Keys of configs that nothing reads and that somebody meant otherwise."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

_ALIKE: Final = 0.85


def misspelt(cfg: Any, known: Iterable[str]) -> dict[str, str]:
    """The keys of ``cfg`` that are not ``known`` and differ by a slip from a known one that is missing, with that."""
    missing = [each for each in known if each not in cfg]
    close = {key: get_close_matches(key, missing, 1, _ALIKE) for key in cfg if key not in known}
    return {key: found[0] for key, found in close.items() if found}


def warn_of_misspelt(path: str | Path, cfg: Any, known: Iterable[str]) -> None:
    """Warn of each key of :func:`misspelt`."""
    for key, meant in misspelt(cfg, known).items():
        warnings.warn(f"{path}: nothing reads {key!r}; did you mean {meant!r}?", stacklevel=3)


def warn_of_new_options(path: str | Path, cfg: Any, options: Mapping[str, Any]) -> None:
    """Warn of each option that adds a key to ``cfg`` beside one that differs by a slip; a number more is none."""
    for option in options:
        part, known = _added(cfg, option)
        others = [each for each in known if re.sub(r"\d", "", each) != re.sub(r"\d", "", part)]
        for meant in get_close_matches(part, others, 1, _ALIKE):
            told = f"{path}: --cfg-options {option}: adds a key {part!r}; did you mean {meant!r}, which is there?"
            warnings.warn(told, stacklevel=3)


def _added(cfg: Any, option: str) -> tuple[str, list[str]]:
    """The first part of a dotted ``option`` that ``cfg`` does not have, and what it has in that place."""
    value = cfg
    for part in option.split("."):
        if isinstance(value, (list, tuple)) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, Mapping) and part in value:
            value = value[part]
        else:
            return part, [each for each in value if isinstance(each, str)] if isinstance(value, Mapping) else []
    return "", []
