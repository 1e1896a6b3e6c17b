"""Which of a file's own keys are old keys, and not variables that happen to have such a name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mmbridge.migrate.check.subject import Subject
from mmbridge.migrate.dialect import AMBIGUOUS_KEYS, LEGACY_KEYS

_PARTS_OF_DATA: Final = frozenset(("samples_per_gpu", "workers_per_gpu", "train", "val", "test"))


def old_keys(subject: Subject) -> Iterator[str]:
    """The keys of MMCV 1.x that the file sets and that nothing reads: not the file, and no file built on it."""
    for key, value in subject.own.items():
        old = key in LEGACY_KEYS or (key in AMBIGUOUS_KEYS and _has_old_form(key, value))
        if old and key not in subject.reads and key not in subject.read_below:
            yield key


def is_telling(key: str) -> bool:
    """Whether an old key that stands alone shows a config for MMCV 1.x; optimizers and seeds may be for anything."""
    return key in LEGACY_KEYS or key == "data"


def _has_old_form(key: str, value: Any) -> bool:
    if key == "data":
        return isinstance(value, dict) and not _PARTS_OF_DATA.isdisjoint(value)
    return isinstance(value, dict) or key in ("seed", "deterministic")
