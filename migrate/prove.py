"""What is checked after every conversion, before anything is written.

The square: the new text evaluates to what the edits make of the old values. The reload: with its bases it
resolves, by MMEngine's rules, to what the rules make of the whole old config. The schedule: the learning rate
and momentum are the same at every iteration, or the report says by how much they are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mmbridge.compat.errors import BridgeError
from mmbridge.compat.schedules import Loop, Parameter, deviation, legacy_series, modern_series, read_policy
from mmbridge.migrate.apply_dict import MISSING
from mmbridge.migrate.difference import same
from mmbridge.migrate.edit import dotted
from mmbridge.migrate.layout import MEANS_ABSENT
from mmbridge.migrate.view import View, first_undecided

EXACT: Final = 1e-12
"""Relative deviation taken for equality: both engines round differently, by some 1e-15 per recursive step."""

EPOCH_LENGTHS: Final = (500, 7330)
"""Iterations per epoch that schedules are compared at; 7,330 is COCO's at 16 images a step."""

_SHORT_EPOCH: Final = 100
_DEFAULT_BASES: Final[Mapping[Parameter, float]] = {"lr": 0.1, "momentum": 0.9}  # where the optimizer is unknown


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

    A key may be absent or say what MMEngine takes for that (None, or ``layout.MEANS_ABSENT``).
    """
    expected, found = _settled(expected), _settled(found)
    difference = None if same(expected, found) else _first_difference(expected, found, ())
    if difference is not None:
        path, left, right = difference
        raise Unproven(f"{what} fails at {dotted(path)}: expected {_short(left)}, found {_short(right)}.")


@dataclass
class Schedules:
    """Compares the rates of old configs and their conversions at every iteration; the same schedule only once."""

    _proofs: dict[str, Proof] = field(default_factory=dict)

    def prove(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Proof:
        """How far rate and momentum of ``new`` lie from those of ``old``.

        Raises BridgeError when either schedule cannot be computed.
        """
        view = View(old)
        configs = {parameter: old.get(f"{parameter}_config") for parameter in _DEFAULT_BASES}
        scheduler = new.get("param_scheduler")
        if view.run.length is MISSING or all(config is None for config in configs.values()):
            return Proof(0, 0.0)
        if first_undecided([*configs.values(), scheduler, view.run.length]) is not None:
            return Proof(0, 0.0)
        bases = {parameter: _bases(view, parameter) for parameter in configs}
        what = repr((configs, scheduler, view.run, bases))
        if what not in self._proofs:
            self._proofs[what] = _compare(configs, scheduler, Loop(view.run.unit, view.run.length), bases)
        return self._proofs[what]


def _compare(
    configs: Mapping[Parameter, Any], scheduler: Any, loop: Loop, bases: Mapping[Parameter, Sequence[float]]
) -> Proof:
    iterations, worst, where = 0, -1.0, ""
    for parameter, config in configs.items():
        for length in () if config is None else _epoch_lengths(config, loop, parameter):
            given: dict[str, Any] = {"loop": loop, "epoch_length": length, "parameter": parameter}
            given["bases"] = bases[parameter]
            old, new = legacy_series(config, **given), modern_series(scheduler, **given)
            found = deviation(old, new)
            iterations = max(iterations, old.iterations)
            if found.relative > worst:
                at = f" with {length:,} to an epoch" if loop.unit == "epoch" else ""
                worst, where = found.relative, f"at iteration {found.iteration:,}{at}"
    return Proof(iterations, max(worst, 0.0), where)


def _epoch_lengths(config: Any, loop: Loop, parameter: Parameter) -> Sequence[int]:
    """The iterations per epoch to compare at: no config says its own.

    What changes at every iteration is compared over short epochs, but never so short that most of the run is
    warm-up. A warm-up in iterations over a curve by epoch meets the epochs elsewhere for each length.
    """
    if loop.unit == "iter":
        return EPOCH_LENGTHS[:1]
    bound = read_policy(config, unit=loop.unit, parameter=parameter)
    if bound.warmup and bound.warmup.by_epoch:
        return EPOCH_LENGTHS[:1]
    if bound.by_epoch or bound.policy.moments is not None:
        return EPOCH_LENGTHS
    warmup = bound.warmup.iterations(1) if bound.warmup else 0
    fitting = (length for length in (_SHORT_EPOCH, *EPOCH_LENGTHS) if loop.iterations(length) >= 2 * warmup)
    return [next(fitting, EPOCH_LENGTHS[-1])]


def _bases(view: View, parameter: Parameter) -> tuple[float, ...]:
    """The groups' initial values: the optimizer's, and a tenth of it where parameters have options of their own.

    They only matter where something is absolute: everything else scales with them.
    """
    if not any(view.get(f"{parameter}_config", key) for key in (f"min_{parameter}", f"max_{parameter}")):
        return (_DEFAULT_BASES[parameter],)
    base = view.get("optimizer", parameter)
    value = float(base) if isinstance(base, (int, float)) else _DEFAULT_BASES[parameter]
    return (value, value / 10) if view.get("optimizer", "paramwise_cfg") else (value,)


def _settled(config: Mapping[str, Any]) -> dict[str, Any]:
    """``config`` without the keys whose value means that they are absent."""
    settled = {key: value for key, value in config.items() if value is not None}
    for (top, below), absent in MEANS_ABSENT.items():
        if isinstance(settled.get(top), dict) and same(settled[top].get(below, MISSING), absent):
            settled[top] = {key: value for key, value in settled[top].items() if key != below}
    return settled


def _first_difference(left: Any, right: Any, path: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any, Any] | None:
    if same(left, right) or repr(left) == repr(right):  # nan is not equal to itself
        return None
    if isinstance(left, dict) and isinstance(right, dict):
        for key in [*left, *(key for key in right if key not in left)]:
            found = _first_difference(left.get(key, MISSING), right.get(key, MISSING), (*path, key))
            if found is not None:
                return found
        return None
    if isinstance(left, (list, tuple)) and type(left) is type(right) and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        return next((found for i, (a, b) in pairs if (found := _first_difference(a, b, (*path, i))) is not None), None)
    return path, left, right


def _short(value: Any) -> str:
    text = "nothing" if value is MISSING else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
