"""The new dialect's arithmetic: what MMEngine 0.10.7 uses at every iteration for a list of schedulers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mmbridge.compat.errors import ConfigError

from .arguments import ANY_BOOL, NUMBER, Argument, Kind, bind, for_group, suggest
from .bound_scheduler import BoundScheduler
from .catalogue import scheduler_named
from .closed_form import CLOSED_FORM, closed_form_series
from .legacy import distinct_columns
from .playing import Group, play
from .record import Parameter, Scheduler
from .series import Loop, Series

INFINITE = 10**9
"""MMEngine's default ``end``; the runner replaces it by the length of the run before it is used."""

COMMON = (
    Argument("begin", NUMBER, 0),
    Argument("end", NUMBER, INFINITE),
    Argument("by_epoch", ANY_BOOL, True),
    Argument("convert_to_iter_based", ANY_BOOL, False),
    Argument("last_step", Kind("an integer, -1 or more", lambda v: isinstance(v, int) and v >= -1), -1),
    Argument("verbose", ANY_BOOL, False),
)
"""What every scheduler takes besides the arguments of its curve."""


def read_scheduler(
    config: Mapping[str, Any], *, loop: Loop, epoch_length: int, where: str = "param_scheduler"
) -> tuple[BoundScheduler, Parameter | None]:
    """Read one scheduler as MMEngine's runner does; with it the parameter it drives, None for another one.

    Raises:
        ConfigError: the type is unknown, an argument is unknown or bad, or ``end`` is not above ``begin``.
    """
    scheduler, parameter = _find(config, where)
    generic = parameter is None
    _refuse_unknown_keys(config, scheduler, generic, where)
    if generic:
        named = config.get("param_name")
        parameter = named if named in ("lr", "momentum") else None
    common = bind(COMMON, config, where=where)
    by_epoch = bool(common["by_epoch"])
    if "end" not in config:
        # An iteration loop counts as one epoch.
        epochs = loop.length if loop.unit == "epoch" else 1
        common["end"] = epochs if by_epoch else loop.iterations(epoch_length)
    arguments = bind(scheduler.arguments, config, where=where)
    problem = scheduler.check(arguments) if scheduler.check else ""
    if problem:
        raise ConfigError(f"{where}: {config['type']} {problem}.")
    bound = BoundScheduler(scheduler, arguments, common["begin"], common["end"], by_epoch, common["last_step"], where)
    if common["convert_to_iter_based"]:
        bound = _in_iterations(bound, loop, epoch_length)
    if bound.end <= bound.begin:
        raise ConfigError(f"{where}.end: must be above begin, got begin={bound.begin} and end={bound.end}.")
    return bound, parameter


def _find(config: Mapping[str, Any], where: str) -> tuple[Scheduler, Parameter | None]:
    if not isinstance(config, Mapping) or "type" not in config:
        raise ConfigError(f"{where}.type: missing; it must name a scheduler, such as 'MultiStepLR'.")
    name = config["type"]
    if name in CLOSED_FORM:
        return CLOSED_FORM[name]
    scheduler, parameter = scheduler_named(name, where=f"{where}.type")
    if scheduler.metric_driven:
        raise ConfigError(
            f"{where}.type: {name} follows a validation metric, so its values are not known before training."
        )
    return scheduler, parameter


def _refuse_unknown_keys(config: Mapping[str, Any], scheduler: Scheduler, generic: bool, where: str) -> None:
    known = ["type", "_scope_", *(argument.name for argument in (*COMMON, *scheduler.arguments))]
    if generic:
        known.append("param_name")
        if "param_name" not in config:
            raise ConfigError(f"{where}.param_name: missing; {config['type']} drives any parameter by name.")
    for key in config:
        if key not in known:
            raise ConfigError(f"{where}.{key}: {config['type']} takes no such argument{suggest(key, known)}")


def _in_iterations(bound: BoundScheduler, loop: Loop, epoch_length: int) -> BoundScheduler:
    """Multiply everything counted in epochs by the epoch length, as ``convert_to_iter_based`` asks."""
    if not bound.by_epoch:
        raise ConfigError(f"{bound.where}.convert_to_iter_based: needs by_epoch=True, got by_epoch=False.")
    arguments = dict(bound.arguments)
    for argument in bound.scheduler.arguments:
        value = arguments[argument.target]
        if argument.name in bound.scheduler.in_epochs and value is not None:
            scaled = [entry * epoch_length for entry in value] if isinstance(value, (list, tuple)) else None
            arguments[argument.target] = value * epoch_length if scaled is None else scaled
    end = bound.end if bound.end == INFINITE else int(bound.end * epoch_length)
    return replace(bound, arguments=arguments, begin=int(bound.begin * epoch_length), end=end, by_epoch=False)


def modern_series(
    param_scheduler: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None,
    *,
    loop: Loop,
    epoch_length: int,
    bases: Sequence[float],
    parameter: Parameter = "lr",
) -> Series:
    """The value used at every iteration under MMEngine 0.10.7; ``bases`` are the groups' initial values.

    Every scheduler makes its first step when it is built, in list order. After each iteration those counted
    in iterations step, after each epoch those counted in epochs; a loop counted in iterations has one epoch.

    Raises:
        ConfigError: the list is not one that MMEngine could train with, or follows a metric.
    """
    groups = range(len(bases))
    schedulers: list[BoundScheduler] = []
    arguments: list[list[dict[str, Any]]] = [[] for _ in groups]
    for index, config in enumerate(_as_list(param_scheduler)):
        where = f"param_scheduler[{index}]"
        bound, drives = read_scheduler(config, loop=loop, epoch_length=epoch_length, where=where)
        if drives == parameter:
            bound = _with_old_series(bound, config, epoch_length, bases, parameter)
            schedulers.append(bound)
            for group in groups:
                arguments[group].append(_arguments_of(bound, group, len(bases)))
    distinct, column_of = distinct_columns(bases, arguments)
    states = [Group(float(bases[group]), arguments[group], schedulers) for group in distinct]
    starts, columns = play(schedulers, states, loop, epoch_length)
    return Series(parameter, loop.iterations(epoch_length), starts, columns, column_of)


def _with_old_series(
    bound: BoundScheduler,
    config: Mapping[str, Any],
    epoch_length: int,
    bases: Sequence[float],
    parameter: Parameter,
) -> BoundScheduler:
    """Give a closed-form scheduler the old series it plays back; any other is returned as it is."""
    if bound.scheduler is not CLOSED_FORM["LegacyPolicyLR"][0]:
        return bound
    if bound.by_epoch:
        raise ConfigError(f"{bound.where}: {config['type']} steps by iteration: add convert_to_iter_based=True.")
    epochs = bool(config.get("convert_to_iter_based"))
    series = closed_form_series(
        bound.arguments["config"],
        epochs=epochs,
        begin=bound.begin,
        end=bound.end // epoch_length if epochs else bound.end,
        epoch_length=epoch_length,
        bases=bases,
        parameter=parameter,
        where=bound.where,
    )
    return replace(bound, arguments={"series": series})


def _arguments_of(bound: BoundScheduler, group: int, groups: int) -> dict[str, Any]:
    series = bound.arguments.get("series")
    if series is not None:
        return {"series": series, "column": series.column_of[group]}
    # With several groups the optimizer wrapper adds one of its own at the end, and counts it.
    counted = groups + (groups > 1)
    return for_group(bound.scheduler.arguments, bound.arguments, group, counted, where=bound.where)


def _as_list(
    param_scheduler: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None,
) -> list[Mapping[str, Any]]:
    if param_scheduler is None:
        return []
    if not isinstance(param_scheduler, Mapping):
        return list(param_scheduler)
    if "type" in param_scheduler:
        return [param_scheduler]
    raise ConfigError(
        f"param_scheduler: has schedulers for several optimizers ({', '.join(map(str, param_scheduler))});"
        " give those of one."
    )
