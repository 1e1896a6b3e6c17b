"""What a check may see of one config."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mmbridge.compat.config import Reader, Undecided
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.schedules import SCHEDULERS as KNOWN_SCHEDULERS
from mmbridge.compat.schedules import Loop, Scheduler, read_scheduler
from mmbridge.migrate.check.origin import Keys, Origin, line, origin

_ANY_LENGTH = 1000  # of a run or an epoch, where only the form of a scheduler matters
_BASE_READ = re.compile(r"_base_\.(\w+)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One parameter scheduler of MMEngine with its place in the config."""

    keys: Keys
    config: Mapping[str, Any]
    rule: Scheduler

    @property
    def name(self) -> str:
        """Type and place, as sentences name them."""
        place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys[1:])
        return f"{self.config['type']} (param_scheduler{place})"

    @property
    def by_epoch(self) -> bool:
        """Whether begin, end and milestones count epochs; MMEngine's default is yes."""
        return bool(self.config.get("by_epoch", True))

    @property
    def unit(self) -> str:
        """What begin, end and milestones count: ``"epoch"`` or ``"iter"``."""
        return "epoch" if self.by_epoch else "iter"

    @property
    def converted(self) -> bool:
        """Whether epochs are turned into iterations when it is built."""
        return bool(self.config.get("convert_to_iter_based"))


Schedulers: TypeAlias = list[Entry]


@dataclass(frozen=True)
class Subject:
    """One config: the file's own keys and the config merged with its bases.

    ``migrated``: it, or a config built on it, is one for MMEngine. ``read_below`` are the names that files
    built on it read as ``_base_.name``; ``parts`` are the files that stand beside others as bases.
    """

    reader: Reader
    path: Path
    migrated: bool = True
    read_below: Set[str] = frozenset()
    parts: Set[Path] = frozenset()

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """The config merged with its bases; shared, do not change it."""
        return self.reader.resolved(self.path)

    @cached_property
    def own(self) -> Mapping[str, Any]:
        """The file's own keys."""
        return self.reader.file(self.path).values

    @cached_property
    def reads(self) -> frozenset[str]:
        """The names the file itself reads as variables."""
        nodes = ast.walk(self.reader.file(self.path).tree)
        return frozenset(n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))

    @cached_property
    def reads_of_bases(self) -> frozenset[str]:
        """The names the file reads as ``_base_.name``, in expressions and in braces."""
        return frozenset(_BASE_READ.findall(self.reader.text(self.path)))

    def get(self, *keys: str | int, default: Any = None) -> Any:
        """The value at ``keys``, or ``default`` where nothing stands there."""
        value: Any = self.config
        for key in keys:
            inside = isinstance(value, Mapping) and key in value
            inside = inside or (isinstance(value, (list, tuple)) and isinstance(key, int) and key < len(value))
            if not inside:
                return default
            value = value[key]
        return value

    def origin(self, *keys: str | int) -> Origin:
        """Where the value at ``keys`` is written."""
        return origin(self.reader, self.path, keys)

    def last(self, *origins: Origin) -> Origin:
        """The origin in the file that is merged last: there somebody could have known of the others."""
        order = {path: index for index, path in enumerate(self.reader.closure(self.path))}
        return max(origins, key=lambda where: (order[where.path], where.line))

    def whole(self, where: Origin) -> Origin:
        """``where``, or where this config lists its bases if that is in a part, which is not to blame alone."""
        part = where.path in self.parts or "_base_" in where.path.parts
        return Origin(self.path, line(self.reader.file(self.path), ("_base_",))) if part else where

    def at(self, where: Origin, beside: Origin) -> str:
        """``where`` as a sentence at ``beside`` names it."""
        return f"line {where.line}" if where.path == beside.path else f"{where.path}:{where.line}"

    @cached_property
    def loop(self) -> Loop | None:
        """The run's unit and length; None where the training loop is absent, unknown, or not MMEngine's."""
        return loop_of(self.config)

    @property
    def loop_origin(self) -> Origin:
        """Where the training loop is named."""
        return self.origin("train_cfg", "type" if self.get("train_cfg", "type") else "by_epoch")

    @property
    def length_keys(self) -> Keys:
        """Where the length of the run stands."""
        return ("train_cfg", "max_iters" if self.loop and self.loop.unit == "iter" else "max_epochs")

    @cached_property
    def schedulers(self) -> tuple[Schedulers, ...]:
        """The schedulers of MMEngine's own that it would build, one list per optimizer; others are left out."""
        return tuple([entry for entry in entries if entry.keys not in self.refused] for entries in self._entries)

    @cached_property
    def refused(self) -> Mapping[Keys, str]:
        """What is wrong with the schedulers that MMEngine would not build, by place."""
        loop, found = self.loop or Loop("epoch", _ANY_LENGTH), {}
        for entry in (entry for entries in self._entries for entry in entries):
            if not entry.rule.metric_driven:
                try:
                    read_scheduler(entry.config, loop=loop, epoch_length=_ANY_LENGTH, where=entry.name)
                except (ConfigError, ArithmeticError, ValueError) as error:  # NaN and infinity are no integers
                    found[entry.keys] = str(error).rstrip(".")
        return found

    @cached_property
    def _entries(self) -> tuple[Schedulers, ...]:
        value = self.get("param_scheduler")
        if isinstance(value, dict) and "type" not in value:
            return tuple(_entries(item, ("param_scheduler", key)) for key, item in value.items())
        return (_entries(value, ("param_scheduler",)),)

    def dicts(self) -> Iterator[tuple[Keys, Mapping[Any, Any]]]:
        """Every dict of the merged config with its place, outermost first."""
        yield from _dicts(self.config, ())


def loop_of(config: Mapping[str, Any]) -> Loop | None:
    """The unit and length of the training loop that a merged config describes, if it is one of MMEngine's."""
    cfg = config.get("train_cfg")
    if not isinstance(cfg, dict):
        return None
    kind, by_epoch = cfg.get("type"), cfg.get("by_epoch", False)
    if kind == "EpochBasedTrainLoop" or ("type" not in cfg and by_epoch is True):
        return _loop("epoch", cfg.get("max_epochs"))
    if kind == "IterBasedTrainLoop" or ("type" not in cfg and by_epoch is False):
        return _loop("iter", cfg.get("max_iters"))
    return None


def _loop(unit: Literal["epoch", "iter"], length: Any) -> Loop | None:
    positive = isinstance(length, int) and not isinstance(length, bool) and length > 0
    return Loop(unit, length) if positive else None


def _entries(value: Any, keys: Keys) -> Schedulers:
    items = [(keys, value)] if isinstance(value, dict) else []
    if isinstance(value, (list, tuple)):
        items = [((*keys, index), item) for index, item in enumerate(value)]
    found = []
    for place, item in items:
        kind = item.get("type") if isinstance(item, dict) else None
        if isinstance(kind, str) and kind in KNOWN_SCHEDULERS and not _unknown(item):
            found.append(Entry(place, item, KNOWN_SCHEDULERS[kind][0]))
    return found


def _unknown(item: Mapping[str, Any]) -> bool:
    parts = [part for value in item.values() for part in (value if isinstance(value, (list, tuple)) else [value])]
    return any(isinstance(part, Undecided) for part in parts)


def _dicts(value: Any, keys: Keys) -> Iterator[tuple[Keys, Mapping[Any, Any]]]:
    if isinstance(value, dict):
        yield keys, value
        for key, item in value.items():
            yield from _dicts(item, (*keys, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _dicts(item, (*keys, index))
