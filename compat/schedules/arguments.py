"""The arguments of a curve: name, default, what it accepts; and binding a config's keys to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from mmbridge.compat.errors import ConfigError

REQUIRED: Final = type("Required", (), {"__repr__": lambda self: "REQUIRED"})()
"""The default of an argument that has none."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What an argument accepts: ``phrase`` finishes the sentence "must be ..."."""

    phrase: str
    accepts: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))


def _is_positive_int(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def _is_sequence_of(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (list, tuple)) and all(map(accepts, value))


ANY_BOOL = Kind("True or False", lambda value: isinstance(value, (bool, int)))
NUMBER = Kind("a number", _is_number)
NUMBER_OR_NONE = Kind("a number or None", lambda value: value is None or _is_number(value))
NUMBERS = Kind("a list of numbers", _is_sequence_of(_is_number))
NUMBER_PER_GROUP = Kind(
    "a number, or a list with one number per parameter group",
    lambda value: _is_number(value) or _is_sequence_of(_is_number)(value),
)
POSITIVE_INT = Kind("a positive integer", _is_positive_int)
POSITIVE_INT_OR_NONE = Kind("a positive integer or None", lambda value: value is None or _is_positive_int(value))
POSITIVE_INTS = Kind("a list of positive integers", _is_sequence_of(_is_positive_int))
UNIT_FLOAT = Kind("a float from 0.0 to 1.0", lambda value: isinstance(value, float) and 0 <= value <= 1)
UNIT_NUMBER = Kind("a number from 0 to 1", lambda value: _is_number(value) and 0 <= value <= 1)
ANNEALING = Kind("'cos' or 'linear'", lambda value: value in ("cos", "linear"))


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a policy or a scheduler.

    ``name`` is the keyword in the config, ``keyword`` the one of the pure function (equal unless given:
    ``min_lr`` and ``min_momentum`` are both ``floor``). ``per_group`` marks a value that may be a list with
    one entry per parameter group.
    """

    name: str
    kind: Kind
    default: Any = REQUIRED
    keyword: str = ""
    per_group: bool = False

    @property
    def target(self) -> str:
        """The keyword of the pure function that receives the value."""
        return self.keyword or self.name


def suggest(name: object, candidates: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the candidates close to ``name``, else all of them."""
    names = {candidate.casefold(): candidate for candidate in candidates}
    close = get_close_matches(str(name).casefold(), names, n=2, cutoff=0.6)
    if close:
        return "; did you mean " + " or ".join(repr(names[key]) for key in close) + "?"
    return "; known: " + ", ".join(sorted(names.values())) + "."


def bind(arguments: Iterable[Argument], config: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """The keywords of the pure function, defaults filled in; keys that no argument names are left alone.

    Raises:
        ConfigError: a required argument is missing, or a value is not what the argument accepts.
    """
    bound = {}
    for argument in arguments:
        value = config.get(argument.name, argument.default)
        if value is REQUIRED:
            raise ConfigError(f"{where}.{argument.name}: missing; it must be {argument.kind.phrase}.")
        if not argument.kind.accepts(value):
            raise ConfigError(f"{where}.{argument.name}: must be {argument.kind.phrase}, got {value!r}.")
        bound[argument.target] = value
    return bound


def for_group(
    arguments: Iterable[Argument], bound: Mapping[str, Any], group: int, groups: int, *, where: str
) -> dict[str, Any]:
    """``bound`` with every per-group list replaced by the entry of ``group``.

    Raises:
        ConfigError: a list does not have one entry per group.
    """
    chosen = dict(bound)
    for argument in arguments:
        value = bound[argument.target]
        if argument.per_group and isinstance(value, (list, tuple)):
            if len(value) != groups:
                raise ConfigError(f"{where}.{argument.name}: has {len(value)} values for {groups} parameter groups.")
            chosen[argument.target] = value[group]
    return chosen
