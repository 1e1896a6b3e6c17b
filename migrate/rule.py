"""A rule: a function from a view of the old config to edits, with its examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from mmbridge.migrate.edit import Drop, Edit, Move, Path, Put, RuleConflict, dotted
from mmbridge.migrate.view import View


@dataclass(frozen=True, slots=True)
class Example:
    """A piece of an old config and what the whole converter makes of it; equal texts show a case left alone."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One structural change: ``reads`` are the old top-level keys, ``writes`` the new ones it may touch."""

    id: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    examples: tuple[Example, ...]
    edits: Callable[[View], Iterator[Edit]] = field(repr=False)

    @property
    def doc(self) -> str:
        """What the rule does, for people: the docstring of its function."""
        return (self.edits.__doc__ or "").strip()


@dataclass(frozen=True, slots=True)
class Decision:
    """An edit and the rule that asked for it."""

    rule: str
    edit: Edit


def rule(
    *, reads: Iterable[str], writes: Iterable[str], examples: Iterable[Example]
) -> Callable[[Callable[[View], Iterator[Edit]]], Rule]:
    """Make a `Rule` of a generator function; its id is the function's name with dashes."""

    def make(edits: Callable[[View], Iterator[Edit]]) -> Rule:
        return Rule(edits.__name__.replace("_", "-"), tuple(reads), tuple(writes), tuple(examples), edits)

    return make


def decide(rules: Iterable[Rule], view: View) -> list[Decision]:
    """All edits all rules ask for, each checked against the others.

    Raises RuleConflict naming both rules when two of them write one path (or one below the other), or
    take the same old value away.
    """
    decisions = [
        Decision(rule.id, edit)
        for rule in rules
        if not view.config.keys().isdisjoint(rule.reads)
        for edit in rule.edits(view)
    ]
    _no_overlap({}, decisions)
    return decisions


def _no_overlap(written: dict[Path, str], decisions: Iterable[Decision]) -> None:
    taken: dict[Path, str] = {}
    for decision in decisions:
        edit, name = decision.edit, decision.rule
        if isinstance(edit, (Move, Put)):
            _claim(written, edit.dst, name, "write")
        if isinstance(edit, (Move, Drop)):
            _claim(taken, edit.src if isinstance(edit, Move) else edit.path, name, "take away")
    for path, name in written.items():
        for prefix in (path[:length] for length in range(1, len(path))):
            if written.get(prefix, name) != name:
                raise RuleConflict(f"{dotted(path)}: rule '{name}' writes below what '{written[prefix]}' writes.")


def _claim(claims: dict[Path, str], path: Path, name: str, verb: str) -> None:
    if path in claims:
        raise RuleConflict(f"{dotted(path)}: rules '{claims[path]}' and '{name}' both {verb} it.")
    claims[path] = name
