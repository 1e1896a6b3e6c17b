"""Warm-up: the factor that the old dialect lays over the first iterations of any policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mmbridge.compat.errors import ConfigError

from .arguments import NUMBER, Kind, suggest
from .record import Parameter

WarmupKind = Literal["constant", "linear", "exp"]
KINDS: tuple[WarmupKind, ...] = ("constant", "linear", "exp")
DEFAULT_RATIO: Mapping[Parameter, float] = {"lr": 0.1, "momentum": 0.9}
"""``warmup_ratio`` where the config gives none."""

_RATIO = Kind("a number above 0 and at most 1", lambda value: NUMBER.accepts(value) and 0 < value <= 1)


def warmup_factor(kind: WarmupKind, iteration: float, length: float, ratio: float) -> float:
    """From ``ratio`` at iteration 0 to 1 at ``length``, where it is over; ``constant`` stays at ``ratio``.

    The learning rate is multiplied by it, momentum is divided by it.
    Source: MMCV 1.7.2, mmcv/runner/hooks/lr_updater.py.
    """
    if kind == "constant":
        return ratio
    if kind == "linear":
        return 1 - (1 - iteration / length) * (1 - ratio)
    return float(ratio ** (1 - iteration / length))


@dataclass(frozen=True, slots=True)
class Warmup:
    """A warm-up of ``length`` epochs or iterations."""

    kind: WarmupKind
    length: float
    ratio: float
    by_epoch: bool

    def iterations(self, epoch_length: int) -> float:
        """Its length in iterations."""
        return self.length * epoch_length if self.by_epoch else self.length

    def apply(self, value: float, iteration: int, length: float, parameter: Parameter) -> float:
        """``value`` at ``iteration`` of a warm-up of ``length`` iterations."""
        factor = warmup_factor(self.kind, iteration, length, self.ratio)
        return value * factor if parameter == "lr" else value / factor


def read_warmup(config: Mapping[str, Any], parameter: Parameter, *, where: str) -> Warmup | None:
    """The warm-up that an ``lr_config`` or ``momentum_config`` asks for, None where it asks for none.

    Raises:
        ConfigError: the kind is unknown, or length or ratio are out of range.
    """
    kind = config.get("warmup")
    if kind is None:
        return None
    if kind not in KINDS:
        raise ConfigError(f"{where}.warmup: no warm-up is called {kind!r}{suggest(kind, KINDS)}")
    length = config.get("warmup_iters", 0)
    # The momentum hook takes any positive number, the learning rate hook stops on a fraction.
    if not NUMBER.accepts(length) or length <= 0 or (parameter == "lr" and not isinstance(length, int)):
        raise ConfigError(f"{where}.warmup_iters: must be a positive integer, got {length!r}.")
    ratio = config.get("warmup_ratio", DEFAULT_RATIO[parameter])
    if not _RATIO.accepts(ratio):
        raise ConfigError(f"{where}.warmup_ratio: must be {_RATIO.phrase}, got {ratio!r}.")
    return Warmup(kind, length, ratio, parameter == "lr" and bool(config.get("warmup_by_epoch", False)))
