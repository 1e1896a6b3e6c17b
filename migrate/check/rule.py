"""A check: a function from what it may see of a config to findings, with its examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from mmbridge.migrate.check.origin import Origin
from mmbridge.migrate.check.subject import Subject


class Scope(Enum):
    """Which configs a check judges."""

    FILE = "every file"
    RUN = "configs that run"
    LEAF = "configs that run and no other inherits"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where it is written, a sentence, and what to do ("" where that is open).

    Children that inherit a fault report the same finding, so it is told once.
    """

    origin: Origin
    sentence: str
    fix: str = ""

    @property
    def message(self) -> str:
        """The sentence, with the fix in parentheses."""
        return f"{self.sentence} ({self.fix})" if self.fix else self.sentence


@dataclass(frozen=True, slots=True)
class Example:
    """The files of a config by name, ``config.py`` being the one that runs; ``bad`` is told, ``good`` is not."""

    bad: Mapping[str, str]
    good: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look for."""

    id: str
    scope: Scope
    examples: tuple[Example, ...]
    findings: Callable[[Subject], Iterator[Finding]] = field(repr=False)

    @property
    def doc(self) -> str:
        """What is wrong and what comes of it, for people: the docstring of its function."""
        return (self.findings.__doc__ or "").strip()


def check(scope: Scope, *, examples: Iterable[Example]) -> Callable[[Callable[[Subject], Iterator[Finding]]], Check]:
    """Make a `Check` of a generator function; its id is the function's name with dashes."""

    def make(findings: Callable[[Subject], Iterator[Finding]]) -> Check:
        return Check(findings.__name__.replace("_", "-"), scope, tuple(examples), findings)

    return make


def one_file(bad: str, good: str) -> Example:
    """An example in one file; a model is added, because only a config with a model runs."""
    model = "model = dict(type='Net')\n"
    return Example({"config.py": model + bad}, {"config.py": model + good})


def with_base(base: str, bad: str, good: str) -> Example:
    """An example in two files: ``base.py`` is the same in both, the child differs."""
    shared = {"base.py": f"model = dict(type='Net')\n{base}"}
    start = "_base_ = './base.py'\n"
    return Example({**shared, "config.py": start + bad}, {**shared, "config.py": start + good})
