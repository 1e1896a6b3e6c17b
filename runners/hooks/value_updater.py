"""The engine under the learning rate and the momentum hooks: a value per parameter group, with warm-up."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, ClassVar, cast

from mmbridge.compat.errors import BridgeError, ConfigError
from mmbridge.compat.hook import LegacyHook
from mmbridge.compat.schedules import Parameter, Policy
from mmbridge.compat.schedules.arguments import REQUIRED, bind, for_group
from mmbridge.compat.schedules.warmup import DEFAULT_RATIO, KINDS, WarmupKind, warmup_factor

Values = list[Any] | dict[str, list[Any]]
"""One value per parameter group, or such a list per optimizer."""


class NoValue(ConfigError, ZeroDivisionError):
    """A curve divides by zero at some step of the run."""


class ValueUpdaterHook(LegacyHook):
    """Sets one parameter of every group, from its initial value and the progress of the run.

    ``by_epoch`` sets it at each epoch's start, else at each iteration; during the first ``warmup_iters``
    iterations (epochs with ``warmup_by_epoch``) it is ``warmup_ratio`` and more of the regular value. In a
    run that never announces epochs a hook by epoch sets nothing, its warm-up included.
    """

    parameter: ClassVar[Parameter]

    def __init__(
        self,
        by_epoch: bool = True,
        warmup: str | None = None,
        warmup_iters: int = 0,
        warmup_ratio: float | None = None,
        warmup_by_epoch: bool = False,
    ) -> None:
        ratio = DEFAULT_RATIO[self.parameter] if warmup_ratio is None else warmup_ratio
        if warmup is not None:
            if warmup not in KINDS:
                raise ValueError(
                    f'"{warmup}" is not a supported type for warming up, valid types are {", ".join(KINDS)}'
                )
            whole = isinstance(warmup_iters, int) or self.parameter != "lr"
            if not whole or warmup_iters <= 0:
                raise ValueError(f'"warmup_iters" must be a positive integer, found {warmup_iters!r}')
            if not 0 < ratio <= 1:
                raise ValueError(f'"warmup_ratio" must be in range (0,1], found {ratio!r}')
        self.by_epoch = by_epoch
        self.warmup = warmup
        self.warmup_iters: int | None = None if warmup_by_epoch else warmup_iters
        self.warmup_ratio = ratio
        self.warmup_by_epoch = warmup_by_epoch
        self.warmup_epochs: int | None = warmup_iters if warmup_by_epoch else None
        self.base_values: Values = []
        self.regular_values: Values = []

    def read(self, group: Mapping[str, Any]) -> Any:
        """The present value of a parameter group."""
        raise NotImplementedError

    def write(self, group: dict[str, Any], value: Any) -> None:
        """Give a parameter group its value."""
        raise NotImplementedError

    def regular(self, runner: Any) -> Values:
        """The values of all groups at this moment, before warm-up."""
        raise NotImplementedError

    def warmed(self, cur_iters: int) -> Values:
        """The values of all groups at iteration ``cur_iters`` of the warm-up."""
        assert self.warmup_iters is not None
        kind = cast(WarmupKind, self.warmup)
        factor = warmup_factor(kind, cur_iters, self.warmup_iters, self.warmup_ratio)
        if self.parameter == "lr":
            return each(self.regular_values, lambda value: value * factor)
        return each(self.regular_values, lambda value: value / factor)

    def set_values(self, runner: Any, values: Values) -> None:
        """Give every group its value; groups beyond the values keep theirs."""
        for name, optimizer in optimizers(runner):
            mine = values[name] if isinstance(values, dict) else values
            for group, value in zip(optimizer.param_groups, mine, strict=False):
                self.write(group, value)

    def before_run(self, runner: Any) -> None:
        """Keep each group's initial value, from a resumed optimizer if it has one."""
        if runner.optimizer is None:
            raise BridgeError(f"{type(self).__name__}: the runner has no optimizer whose {self.parameter} to set")
        key = f"initial_{self.parameter}"
        found = {}
        for name, optimizer in optimizers(runner):
            for group in optimizer.param_groups:
                group.setdefault(key, self.read(group))
            found[name] = [group[key] for group in optimizer.param_groups]
        self.base_values = found if isinstance(runner.optimizer, dict) else found[""]

    def before_train_epoch(self, runner: Any) -> None:
        """Learn how long an epoch is; by epoch, set the regular values."""
        if self.warmup_iters is None:
            assert self.warmup_epochs is not None
            self.warmup_iters = self.warmup_epochs * len(runner.data_loader)
        if self.by_epoch:
            self.regular_values = self.regular(runner)
            self.set_values(runner, self.regular_values)

    def before_train_iter(self, runner: Any) -> None:
        """By iteration, set the values; during warm-up, set the share of them that is due."""
        if self.warmup_iters is None:
            raise BridgeError(
                f"{type(self).__name__}: warmup_by_epoch needs a runner that counts epochs, not {type(runner).__name__}"
            )
        now = runner.iter
        if not self.by_epoch:
            self.regular_values = self.regular(runner)
            warm = self.warmup is not None and now < self.warmup_iters
            self.set_values(runner, self.warmed(now) if warm else self.regular_values)
        elif self.warmup is not None and now <= self.warmup_iters:
            self.set_values(runner, self.warmed(now) if now < self.warmup_iters else self.regular_values)


def optimizers(runner: Any) -> Iterator[tuple[str, Any]]:
    """The optimizers of the run by name; a single one has the empty name."""
    if isinstance(runner.optimizer, dict):
        yield from runner.optimizer.items()
    else:
        yield "", runner.optimizer


def each(values: Values, change: Callable[[Any], Any]) -> Values:
    """``values`` with ``change`` applied to every one."""
    if isinstance(values, dict):
        return {name: [change(value) for value in mine] for name, mine in values.items()}
    return [change(value) for value in values]


class PolicyMixin:
    """An updater hook that follows a curve, whose arguments are the constructor's first arguments."""

    policy: ClassVar[Policy]
    by_epoch: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        own = self.policy.arguments
        if len(args) > len(own):
            raise TypeError(f"{type(self).__name__} takes {len(own)} positional arguments, found {len(args)}")
        given = dict(zip((argument.name for argument in own), args, strict=False))
        twice = sorted(set(given) & set(kwargs))
        if twice:
            raise TypeError(f"{type(self).__name__}: {twice[0]!r} is given twice")
        given |= {argument.name: kwargs.pop(argument.name) for argument in own if argument.name in kwargs}
        self._bound = bind(own, given, where=type(self).__name__)
        problem = self.policy.check(self._bound) if self.policy.check else ""
        if problem:
            raise ValueError(f"{type(self).__name__}: {problem}")
        kwargs.setdefault("by_epoch", self.policy.by_epoch)
        if kwargs["by_epoch"] and self.policy.iterations_only:
            raise ValueError(f'{type(self).__name__}: works by iteration only, "by_epoch" must be False')
        super().__init__(**_known(type(self), kwargs))
        for argument in own:
            setattr(self, argument.name, self._bound[argument.target])

    def value_now(self, runner: Any, base: Any, bound: Mapping[str, Any] | None = None) -> Any:
        """The curve's value now for a group whose initial value is ``base``."""
        by_epoch = self.by_epoch
        progress, horizon = (runner.epoch, runner.max_epochs) if by_epoch else (runner.iter, runner.max_iters)
        try:
            return self.policy.value(progress, horizon, base, **(self._bound if bound is None else bound))
        except ZeroDivisionError as error:
            raise NoValue(
                f"{type(self).__name__}: has no value at step {progress} of {horizon} with these arguments: a part of "
                "its curve has no length, or is a pole; change the arguments, or the length of the run"
            ) from error

    def group_arguments(self, group: int, groups: int) -> dict[str, Any]:
        """The curve's arguments for one of several groups; ConfigError where a list has another length."""
        return for_group(self.policy.arguments, self._bound, group, groups, where=type(self).__name__)


def _known(kind: type, kwargs: dict[str, Any]) -> dict[str, Any]:
    """``kwargs``, if the updater hook takes them all; else a TypeError with those it takes."""
    base = next(each for each in kind.__mro__ if "parameter" in vars(each))
    known = _argument_names(base)
    unknown = sorted(set(kwargs) - known)
    if unknown:
        own = sorted(known | {argument.name for argument in kind.policy.arguments})  # type: ignore[attr-defined]
        raise TypeError(f"{kind.__name__} has no argument {unknown[0]!r}; it takes {', '.join(own)}")
    return kwargs


@cache
def _argument_names(kind: type) -> frozenset[str]:
    return frozenset(inspect.signature(kind).parameters)


def signature_of(policy: Policy, base: type) -> inspect.Signature:
    """The constructor's signature of the hook for ``policy``: the curve's arguments, then the updater's."""
    own = [
        inspect.Parameter(
            argument.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if argument.default is REQUIRED else argument.default,
        )
        for argument in policy.arguments
    ]
    rest = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(base).parameters.values()
    ]
    return inspect.Signature([*own, *rest])
