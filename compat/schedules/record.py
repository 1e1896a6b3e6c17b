"""The record of a curve: its name, arguments and arithmetic in both dialects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from itertools import repeat
from typing import Any, Literal

from .arguments import Argument

Parameter = Literal["lr", "momentum"]
"""What a schedule drives. For Adam-like optimizers momentum is ``betas[0]``."""

PolicyValue = Callable[..., float]
"""``(progress, horizon, base, *arguments) -> value``: the old dialect's closed form, before warm-up."""

SchedulerValue = Callable[..., float]
"""``(n, value, base, span, *arguments) -> value``: the new dialect's recursion on the present value."""

PolicyValues = Callable[..., list[float]]
"""`PolicyValue` at several progresses, which stand in the place of the one."""

SchedulerValues = Callable[..., list[float]]
"""`SchedulerValue` over consecutive steps, none of them 0; ``value`` is what stands before the first of them."""

Moments = Callable[..., Iterable[int]]
"""Where a curve may change, so that the rest costs nothing; any order, may reach beyond the run."""


def in_order(value: Callable[..., float], arguments: Mapping[str, Any]) -> tuple[Any, ...]:
    """``arguments`` by position, as ``value`` takes them after its fixed ones: it is called for every iteration."""
    return tuple(arguments[name] for name in signature(value).parameters if name in arguments)


@dataclass(frozen=True, slots=True)
class Policy:
    """One updater hook of MMCV 1.x, for one parameter.

    ``value(progress, horizon, base, *arguments)`` is the value before warm-up: ``progress`` and ``horizon``
    count epochs when the hook works by epoch, else iterations; ``base`` is the group's initial value.
    ``moments(horizon, **arguments)`` gives the progresses at which it may change; None means at each.
    ``check(arguments)`` returns what is wrong with a combination of arguments, or an empty string. ``values``
    gives what ``value`` does, faster.
    """

    name: str
    parameter: Parameter
    arguments: tuple[Argument, ...]
    value: PolicyValue
    moments: Moments | None = None
    iterations_only: bool = False
    check: Callable[[Mapping[str, Any]], str] | None = None
    values: PolicyValues | None = None

    def column(self, progresses: Sequence[int], *fixed: Any) -> list[float]:
        """``value`` at each of ``progresses``; ``fixed`` are its other arguments in order."""
        return (
            self.values(progresses, *fixed) if self.values else list(map(self.value, progresses, *map(repeat, fixed)))
        )

    @property
    def hook(self) -> str:
        """The class name in MMCV: ``StepLrUpdaterHook``, ``StepMomentumUpdaterHook``."""
        return f"{self.name}{'Lr' if self.parameter == 'lr' else 'Momentum'}UpdaterHook"

    @property
    def by_epoch(self) -> bool:
        """The hook's default unit: epochs, except for the curves that know iterations only."""
        return not self.iterations_only


@dataclass(frozen=True, slots=True)
class Scheduler:
    """One parameter scheduler of MMEngine: the LR, Momentum and generic class of one rule.

    ``value(n, present, base, span, *arguments)`` is what the ``n``-th step since ``begin`` writes (0 is the
    step the constructor makes); ``span`` is ``end - begin``. ``moments(stop, span, **arguments)`` gives the
    ``n`` below ``stop`` that may change the value; None means all. ``in_epochs`` names the arguments that
    ``convert_to_iter_based`` multiplies by the epoch length. ``initial`` is the initial value the
    constructor writes into the group, where it does. ``metric_driven`` rules have no values before training.
    ``values`` gives what repeated calls of ``value`` do, faster.
    """

    stem: str
    arguments: tuple[Argument, ...]
    value: SchedulerValue
    moments: Moments | None = None
    in_epochs: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ("lr", "momentum")
    check: Callable[[Mapping[str, Any]], str] | None = None
    initial: Callable[..., float] | None = None
    metric_driven: bool = False
    values: SchedulerValues | None = None

    def type_name(self, parameter: Parameter | None) -> str:
        """The registered name: ``StepLR``, ``StepMomentum``, or for None ``StepParamScheduler``."""
        return self.stem + {"lr": "LR", "momentum": "Momentum", None: "ParamScheduler"}[parameter]


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve, named in both dialects: either side may be empty where a generation has no such curve."""

    name: str
    policies: tuple[Policy, ...] = ()
    schedulers: tuple[Scheduler, ...] = ()
