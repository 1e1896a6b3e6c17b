"""The old dialect's arithmetic: what MMCV 1.7.2 uses at every iteration for a given config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmbridge.compat.errors import ConfigError

from .arguments import bind, for_group
from .catalogue import policy_named
from .record import Parameter, Policy, in_order
from .series import Loop, Series
from .warmup import Warmup, read_warmup

COMMON_KEYS = ("policy", "by_epoch", "warmup", "warmup_iters", "warmup_ratio")
"""The keys every policy takes; ``warmup_by_epoch`` too, for the learning rate."""


@dataclass(frozen=True, slots=True)
class BoundPolicy:
    """A policy with the arguments of one config: what the hook would be built from.

    ``ignored`` are keys the policy does not take, left over from a base config. MMCV refuses to start with
    them; here they play no part.
    """

    policy: Policy
    arguments: Mapping[str, Any]
    by_epoch: bool
    warmup: Warmup | None
    ignored: tuple[str, ...]
    where: str


def read_policy(config: Mapping[str, Any], *, unit: str, parameter: Parameter = "lr") -> BoundPolicy:
    """Read an ``lr_config`` or ``momentum_config`` as MMCV's runner of that ``unit`` (epoch, iter) does.

    An iteration runner makes ``by_epoch=False`` the default of ``lr_config`` and leaves ``momentum_config``.

    Raises:
        ConfigError: the policy is unknown, an argument is bad, or MMCV would stop on the combination.
    """
    where = f"{parameter}_config"
    if "policy" not in config:
        raise ConfigError(f"{where}.policy: missing; it must be the name of a policy, such as 'step'.")
    policy = policy_named(config["policy"], parameter, where=f"{where}.policy")
    arguments = bind(policy.arguments, config, where=where)
    problem = policy.check(arguments) if policy.check else ""
    if problem:
        raise ConfigError(f"{where}: policy {policy.name!r} {problem}.")
    by_epoch = bool(config.get("by_epoch", policy.by_epoch and (unit == "epoch" or parameter != "lr")))
    if by_epoch and policy.iterations_only:
        raise ConfigError(f"{where}.by_epoch: policy {policy.name!r} works by iteration only, got True.")
    if unit == "iter" and parameter == "lr" and config.get("warmup_by_epoch"):
        raise ConfigError(f"{where}.warmup_by_epoch: a run counted in iterations has no epochs, got True.")
    known = {*COMMON_KEYS, *(argument.name for argument in policy.arguments)}
    if parameter == "lr":
        known.add("warmup_by_epoch")
    ignored = tuple(key for key in config if key not in known)
    return BoundPolicy(policy, arguments, by_epoch, read_warmup(config, parameter, where=where), ignored, where)


def legacy_series(
    config: Mapping[str, Any] | None,
    *,
    loop: Loop,
    epoch_length: int,
    bases: Sequence[float],
    parameter: Parameter = "lr",
) -> Series:
    """The value used at every iteration under MMCV 1.7.2; ``bases`` are the groups' values in the optimizer.

    A policy by epoch in a run counted in iterations never sets anything, its warm-up included: MMCV only
    looks at epochs there when one begins, which such a runner never announces.

    Raises:
        ConfigError: the config is not one that MMCV could train with.
    """
    iterations = loop.iterations(epoch_length)
    if config is None:
        return unchanged(parameter, iterations, bases)
    bound = read_policy(config, unit=loop.unit, parameter=parameter)
    if bound.by_epoch and loop.unit == "iter":
        return unchanged(parameter, iterations, bases)
    chosen = [
        for_group(bound.policy.arguments, bound.arguments, group, len(bases), where=bound.where)
        for group in range(len(bases))
    ]
    distinct, column_of = distinct_columns(bases, chosen)
    starts = _starts(bound, loop, epoch_length)
    columns = []
    for group in distinct:
        try:
            columns.append(_column(bound, loop, epoch_length, bases[group], chosen[group], starts))
        except ConfigError as error:
            raise ConfigError(f"{bound.where}.{error}") from None
        except TypeError as error:  # float() of a complex number
            reason = "a negative number to a fractional power is complex"
            raise ConfigError(f"{bound.where}: policy {bound.policy.name!r} has no value: {reason}.") from error
        except ArithmeticError as error:
            raise ConfigError(f"{bound.where}: policy {bound.policy.name!r} has no value: {error}.") from error
    return Series(parameter, iterations, starts, tuple(columns), column_of)


def unchanged(parameter: Parameter, iterations: int, bases: Sequence[float]) -> Series:
    """The series of a run in which nothing drives the parameter."""
    distinct, column_of = distinct_columns(bases, [None] * len(bases))
    return Series(parameter, iterations, [0], tuple([float(bases[group])] for group in distinct), column_of)


def distinct_columns(bases: Sequence[float], extra: Sequence[Any]) -> tuple[list[int], tuple[int, ...]]:
    """One group for every distinct (base, extra), and for every group the place of its like in that list."""
    keys: list[tuple[float, Any]] = []
    groups: list[int] = []
    column_of = []
    for group, key in enumerate(zip(bases, extra, strict=True)):
        if key not in keys:
            keys.append(key)
            groups.append(group)
        column_of.append(keys.index(key))
    return groups, tuple(column_of)


def _starts(bound: BoundPolicy, loop: Loop, epoch_length: int) -> Sequence[int]:
    """The iterations at which the value may change, in order."""
    iterations = loop.iterations(epoch_length)
    stride = epoch_length if bound.by_epoch else 1
    horizon = iterations // stride
    moments = bound.policy.moments
    if moments is None and stride == 1:
        return range(iterations)
    progresses = range(horizon) if moments is None else moments(horizon, **bound.arguments)
    starts = {0, *(progress * stride for progress in progresses if 0 <= progress < horizon)}
    if bound.warmup:
        length = bound.warmup.iterations(epoch_length)
        end = min(int(-(-length // 1)), iterations)
        starts |= {end} if bound.warmup.kind == "constant" else set(range(end + 1))
    starts.discard(iterations)
    return sorted(starts)


def _column(
    bound: BoundPolicy,
    loop: Loop,
    epoch_length: int,
    base: float,
    arguments: Mapping[str, Any],
    starts: Sequence[int],
) -> list[float]:
    stride = epoch_length if bound.by_epoch else 1
    policy = bound.policy
    fixed = (loop.iterations(epoch_length) // stride, base, *in_order(policy.value, arguments))
    if stride == 1:
        column = policy.column(starts, *fixed)
    else:
        epochs = sorted({start // stride for start in starts})
        regular = dict(zip(epochs, policy.column(epochs, *fixed), strict=True))
        column = [regular[start // stride] for start in starts]
    if bound.warmup:
        length = bound.warmup.iterations(epoch_length)
        for index, start in enumerate(starts):
            if start >= length:
                break
            column[index] = bound.warmup.apply(column[index], start, length, policy.parameter)
    return column
