"""The new dialect's arithmetic: what MMEngine 0.10.7 uses at every iteration for a list of schedulers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil
from typing import Any

from mmbridge.compat.errors import ConfigError

from .arguments import ANY_BOOL, NUMBER, Argument, Kind, bind, for_group, suggest
from .catalogue import scheduler_named
from .closed_form import CLOSED_FORM, closed_form_series
from .legacy import distinct_columns
from .record import Parameter, Scheduler, in_order
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


@dataclass(frozen=True, slots=True)
class BoundScheduler:
    """One scheduler as the runner builds it: defaults filled in, epochs converted where asked.

    ``begin``, ``end`` and all arguments are in the scheduler's own unit: epochs if ``by_epoch``.
    """

    scheduler: Scheduler
    arguments: Mapping[str, Any]
    begin: float
    end: float
    by_epoch: bool
    last_step: int
    where: str

    def steps(self, available: int) -> tuple[Sequence[int], Sequence[int]]:
        """The runner's steps below ``available`` that may change the value, and beside them each one's n."""
        first = max(0, ceil(self.begin))
        stop = min(available, ceil(self.end))
        shift = self.last_step + 1 - first
        moments = self.scheduler.moments
        if moments is None:
            return range(first, stop), range(first + shift, stop + shift)
        found = set(moments(stop + shift, self.end - self.begin, **self.arguments))
        counts = sorted(n for n in found if first <= n - shift < stop)
        return [n - shift for n in counts], counts


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
    states = [_Group(float(bases[group]), arguments[group], schedulers) for group in distinct]
    starts, columns = _play(schedulers, states, _events(schedulers, loop, epoch_length))
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


class _Group:
    """One parameter group while the run is played: its value, and the base each scheduler saw when built."""

    __slots__ = ("arguments", "bases", "value")

    def __init__(self, base: float, arguments: list[dict[str, Any]], schedulers: list[BoundScheduler]) -> None:
        self.value = base
        self.arguments = arguments
        self.bases: list[float] = []
        initial: float | None = None
        for bound, chosen in zip(schedulers, arguments, strict=True):
            if bound.scheduler.initial and bound.last_step == -1:
                initial = bound.scheduler.initial(**chosen)
            elif initial is None and bound.last_step >= 0:
                raise ConfigError(
                    f"{bound.where}.last_step: the first scheduler must start at -1, got {bound.last_step}."
                )
            # The first scheduler records the value it finds; later ones read that record.
            initial = base if initial is None else initial
            self.bases.append(initial)


@dataclass(frozen=True, slots=True)
class _Events:
    """Everything that happens, in order: at which iteration, to which scheduler, as which of its steps."""

    times: Sequence[int]
    indexes: Sequence[int]
    counts: Sequence[int]


def _events(schedulers: Sequence[BoundScheduler], loop: Loop, epoch_length: int) -> _Events:
    """Every step of every scheduler; at one iteration those counted in iterations come first.

    The first steps all happen when the list is built, so there the unit makes no difference.
    """
    epochs = loop.length if loop.unit == "epoch" else 1
    iterations = loop.iterations(epoch_length)
    steps = [_moments(bound, epochs, iterations, epoch_length) for bound in schedulers]
    shared = sorted(times[-1] for times, _ in steps if times)[-2:-1]  # from then on at most one scheduler steps
    heads = [bisect_right(times, shared[0]) if shared else 0 for times, _ in steps]
    events = sorted(
        (time, bound.by_epoch and time > 0, index, count)
        for index, (bound, (times, counts), head) in enumerate(zip(schedulers, steps, heads, strict=True))
        for time, count in zip(times[:head], counts[:head], strict=True)
    )
    times = [event[0] for event in events]
    indexes = [event[2] for event in events]
    counts = [event[3] for event in events]
    for index, ((alone, nth), head) in enumerate(zip(steps, heads, strict=True)):
        times += alone[head:]
        indexes += [index] * (len(alone) - head)
        counts += nth[head:]
    return _Events(times, indexes, counts)


def _moments(
    bound: BoundScheduler, epochs: int, iterations: int, epoch_length: int
) -> tuple[Sequence[int], Sequence[int]]:
    """The iterations at which a scheduler steps, and which of its steps each one is."""
    steps, counts = bound.steps(epochs if bound.by_epoch else iterations)
    return [step * epoch_length for step in steps] if bound.by_epoch else steps, counts


def _play(
    schedulers: Sequence[BoundScheduler], groups: Sequence[_Group], events: _Events
) -> tuple[list[int], tuple[list[float], ...]]:
    """Let the events happen; returns the iterations at which anything may change, and their values."""
    last = [k for k, (time, after) in enumerate(pairwise([*events.times, -1])) if time != after]
    starts = [events.times[k] for k in last]
    if not starts or starts[0] > 0:
        starts.insert(0, 0)
    columns = []
    for group in groups:
        written = _written(schedulers, group, events)
        column = written if len(last) == len(written) else [written[k] for k in last]
        columns.append(column if len(column) == len(starts) else [group.value, *column])
    return starts, tuple(columns)


def _written(schedulers: Sequence[BoundScheduler], group: _Group, events: _Events) -> list[float]:
    """What every event leaves in the group."""
    rules = [
        (bound.scheduler.value, (base, bound.end - bound.begin, *in_order(bound.scheduler.value, arguments)))
        for bound, base, arguments in zip(schedulers, group.bases, group.arguments, strict=True)
    ]
    value, index = group.value, 0
    written: list[float] = []
    write = written.append
    try:
        for index, n in zip(events.indexes, events.counts, strict=True):
            rule, fixed = rules[index]
            value = rule(n, value, *fixed)
            write(value)
    except ConfigError as error:
        raise ConfigError(f"{schedulers[index].where}.{error}") from None
    except (ArithmeticError, TypeError, ValueError) as error:
        where = f"{schedulers[index].where}: iteration {events.times[len(written)]}"
        raise ConfigError(f"{where}: the scheduler has no value: {error}.") from error
    if isinstance(value, complex):
        raise ConfigError("param_scheduler: a negative number to a fractional power is complex.")
    return written
