"""Edits: what a rule wants, as frozen values over paths of the old config."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from mmbridge.compat.errors import BridgeError

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands: ``("data", "train", "pipeline", 0)``."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Whatever stood at ``path`` in the old config: its value, and in a source file its very expression."""

    path: Path


@dataclass(frozen=True, slots=True)
class Move:
    """Take the value at ``src`` out of the old config and set it at ``dst`` of the new one.

    What other edits take out from below ``src`` does not travel along. ``note`` goes to the report.
    """

    src: Path
    dst: Path
    note: str = ""


@dataclass(frozen=True, slots=True)
class Put:
    """Set ``dst`` of the new config to ``value``, a literal that may hold `Ref`\\ s."""

    dst: Path
    value: Any
    note: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """Leave the value at ``path`` behind; ``reason`` says why nothing is lost, or what is.

    ``warn`` marks a reason people should read: something they asked for has no counterpart.
    """

    path: Path
    reason: str
    warn: bool = False


@dataclass(frozen=True, slots=True)
class Todo:
    """A person must act on ``path``: ``message`` is one sentence saying what to do."""

    path: Path
    message: str


@dataclass(frozen=True, slots=True)
class Hint:
    """``path`` stays as it is, and ``message`` is one sentence worth knowing about it."""

    path: Path
    message: str


Edit: TypeAlias = Move | Put | Drop | Todo | Hint


class RuleConflict(BridgeError):
    """Two rules write one path, or one writes below what another writes."""


def dotted(path: Path) -> str:
    """The spelling of ``path`` in messages: ``data.train.pipeline[0]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def refs(value: Any) -> Iterator[Ref]:
    """Every `Ref` inside a template, in order."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from refs(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from refs(item)
