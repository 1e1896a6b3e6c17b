"""What reading a config without running it gives: values, and the two things that stand for a value."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Undecided:
    """Stands where a value cannot be known without running the file; never a guess."""

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class BaseRef:
    """Stands where a file says ``{{_base_.a.b}}``; the bases' value replaces it when files are merged."""

    dotted: str
    line: int


OPAQUE: frozenset[Any] = frozenset((Undecided, BaseRef))


@dataclass
class StaticFile:
    """One config file as written, before its bases are merged in.

    ``values`` holds exactly the keys that MMCV's loader would see, without ``_base_``. After a star import,
    or anything else that may define names that the text does not show, there is a key ``*``: Undecided.
    ``bindings`` gives, for every key, the line of each top-level statement that assigns or mutates it (also
    through another name of the same object), in order: one entry means it is assigned once and left alone.
    ``base_values`` is set when MMEngine's ``_base_`` was offered to the file: the bases after the file ran,
    because a file may edit ``_base_.model`` in place.
    """

    path: Path
    text: str
    tree: ast.Module
    bases: tuple[str, ...]
    values: dict[str, Any]
    bindings: dict[str, tuple[int, ...]]
    base_values: dict[str, Any] | None = field(default=None, repr=False)
    has_refs: bool = field(default=False, repr=False)


class UndecidedError(Exception):
    """Evaluation of an expression ends here: its value cannot be known. Never leaves this package.

    ``why`` is a short clause, or the Undecided or BaseRef that stood in the way.
    """

    def __init__(self, why: Any, line: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.line = line


@dataclass(frozen=True, slots=True)
class Hidden:
    """A module or a function: a name that MMCV's loader does not take for a key."""

    kind: str
    name: str
