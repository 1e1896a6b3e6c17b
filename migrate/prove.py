"""What is checked after every conversion, before anything is written.

The square: the new text evaluates to what the edits make of the old values. The reload: with its bases it
resolves, by MMEngine's rules, to what the rules make of the whole old config. The schedule: the learning rate
and momentum are the same at every iteration, or the report says by how much they are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mmbridge.compat.errors import BridgeError
from mmbridge.compat.schedules import Deviation, Loop, Parameter, deviation, legacy_series, modern_series
from mmbridge.migrate.apply_dict import MISSING
from mmbridge.migrate.difference import same
from mmbridge.migrate.edit import dotted
from mmbridge.migrate.layout import NONE_MEANS_ABSENT
from mmbridge.migrate.view import View, first_undecided

EXACT: Final = 1e-12
"""Relative deviation taken for equality: both engines round differently, by some 1e-15 per recursive step."""

EPOCH_LENGTHS: Final = (500, 7330)
"""Iterations per epoch that schedules are compared at, as no config says its own; 7,330 is COCO's at 16 images."""

_MOST_ITERATIONS: Final = 300_000  # a longer run is compared at the shorter epoch length only


class Unproven(BridgeError):
    """A check failed; the sentence says which and where."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was checked: how many iterations of the schedule, and the largest relative deviation found there."""

    iterations: int
    worst: float
    where: str = ""

    @property
    def exact(self) -> bool:
        """Whether the schedules agree to rounding."""
        return self.worst <= EXACT

    def sentence(self) -> str:
        """The result line."""
        if not self.iterations:
            return "square and reload hold; no schedule to compare"
        deviation = "0" if self.exact else f"{self.worst:.2g} {self.where}"
        return f"square and reload hold; schedule: {self.iterations:,} iterations, max relative deviation {deviation}"


def check_same(what: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Raise Unproven, naming the first path, unless both configs are equal.

    A key that is None is one that is absent, where MMEngine sees it so (``layout.NONE_MEANS_ABSENT``).
    """
    difference = _first_difference(_settled(expected), _settled(found), ())
    if difference is not None:
        path, left, right = difference
        raise Unproven(f"{what} fails at {dotted(path)}: expected {_short(left)}, found {_short(right)}.")


def prove_schedule(
    old: Mapping[str, Any], new: Mapping[str, Any], *, epoch_lengths: Sequence[int] = EPOCH_LENGTHS
) -> Proof:
    """Compare the rates of an old config and its conversion at every iteration, for several epoch lengths.

    Raises BridgeError when either schedule cannot be computed.
    """
    view = View(old)
    configs = (old.get("lr_config"), old.get("momentum_config"), new.get("param_scheduler"))
    if view.run.length is MISSING or all(config is None for config in configs[:2]):
        return Proof(0, 0.0)
    if first_undecided([*configs, view.run.length]) is not None:
        return Proof(0, 0.0)
    loop = Loop(view.run.unit, view.run.length)
    lengths = [length for length in epoch_lengths if loop.iterations(length) <= _MOST_ITERATIONS] or epoch_lengths[:1]
    worst = Proof(0, -1.0)
    for length in lengths if loop.unit == "epoch" else lengths[:1]:
        for found in _deviations(view, new.get("param_scheduler"), loop, length):
            iterations = max(worst.iterations, loop.iterations(length))
            if abs(found.relative) > worst.worst:
                worst = Proof(
                    iterations,
                    abs(found.relative),
                    f"at iteration {found.iteration:,} with {length} to an epoch",
                )
            else:
                worst = Proof(iterations, worst.worst, worst.where)
    return worst


def _deviations(view: View, scheduler: Any, loop: Loop, epoch_length: int) -> list[Deviation]:
    found: list[Deviation] = []
    parameters: tuple[tuple[Parameter, float], ...] = (("lr", 0.1), ("momentum", 0.9))
    for parameter, default in parameters:
        config = view.get(f"{parameter}_config")
        if config is not None:
            bases = _bases(view, view.get("optimizer", parameter), default)
            old = legacy_series(config, loop=loop, epoch_length=epoch_length, bases=bases, parameter=parameter)
            new = modern_series(scheduler, loop=loop, epoch_length=epoch_length, bases=bases, parameter=parameter)
            found.append(deviation(old, new))
    return found


def _bases(view: View, base: Any, default: float) -> Sequence[float]:
    """The groups' base values: the optimizer's, and a tenth of it where groups of their own are asked for."""
    value = float(base) if isinstance(base, (int, float)) else default
    return (value, value / 10) if view.get("optimizer", "paramwise_cfg") else (value,)


def _settled(config: Any, path: tuple[str | int, ...] = ()) -> Any:
    if isinstance(config, Mapping):
        return {
            key: _settled(value, (*path, key))
            for key, value in config.items()
            if not (value is None and (not path or (*path, key) in NONE_MEANS_ABSENT))
        }
    return config


def _first_difference(left: Any, right: Any, path: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any, Any] | None:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in [*left, *(key for key in right if key not in left)]:
            found = _first_difference(left.get(key, MISSING), right.get(key, MISSING), (*path, key))
            if found is not None:
                return found
        return None
    if isinstance(left, (list, tuple)) and type(left) is type(right) and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        return next((found for i, (a, b) in pairs if (found := _first_difference(a, b, (*path, i))) is not None), None)
    return None if same(left, right) else (path, left, right)


def _short(value: Any) -> str:
    text = "nothing" if value is MISSING else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
