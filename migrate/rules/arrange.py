"""Arrange an old schedule as schedulers of the new engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmbridge.compat.errors import ConfigError
from mmbridge.compat.schedules import POLICIES, BoundPolicy, Loop, Parameter, hook_stem, read_policy
from mmbridge.compat.schedules.arguments import suggest
from mmbridge.compat.schedules.legacy import COMMON_KEYS

from .arrange_case import Case, NoHonestForm, Schedulers, Style
from .arrange_main import main_curve
from .arrange_warmup import assemble


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The new ``param_scheduler``, what a person should know about it, or why there is none.

    ``schedulers`` are literal dicts, type first; ``notes`` are sentences. A ``todo`` means no schedulers.
    """

    schedulers: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    todo: str | None = None


def arrange(
    lr_config: Mapping[str, Any] | None,
    momentum_config: Mapping[str, Any] | None,
    *,
    loop: Loop,
    base_lr: float | None,
    base_momentum: float | None,
    equal_bases: bool,
    style: Style = "builtin",
    epoch_length: int | None = None,
) -> Arrangement:
    """Turn ``lr_config`` and ``momentum_config`` into one list of schedulers.

    ``builtin`` uses MMEngine's own classes in an arrangement that is exact wherever a short list can be,
    ``upstream`` writes what OpenMMLab's maintainers write, ``closed-form`` carries the old config in this
    project's scheduler. ``base_lr`` and ``base_momentum`` are the optimizer's values, None if unknown;
    ``equal_bases`` says that every parameter group starts from them. ``epoch_length`` is in iterations.

    Never raises for a bad config: what it is told stands in ``todo``.
    """
    schedulers: Schedulers = []
    notes: list[str] = []
    parameters: tuple[tuple[Parameter, Mapping[str, Any] | None, float | None], ...] = (
        ("lr", lr_config, base_lr),
        ("momentum", momentum_config, base_momentum),
    )
    for parameter, config, base in parameters:
        if config is None:
            continue
        try:
            bound = read_policy(config, unit=loop.unit, parameter=parameter)
            notes += _leftovers(bound)
            if bound.by_epoch and loop.unit == "iter":
                raise NoHonestForm(_NEVER)
            if style == "closed-form":
                schedulers.append(_closed_form(config, bound, loop))
                continue
            case = Case(bound, loop, base, equal_bases, epoch_length, style == "upstream")
            schedulers += assemble(case, main_curve(case))
            notes += [f"{parameter}_config: {note}" for note in case.notes]
        except ConfigError as error:
            return Arrangement(notes=tuple(notes), todo=str(error) + _library_hint(config, parameter))
        except NoHonestForm as reason:
            return Arrangement(notes=tuple(notes), todo=_todo(config, parameter, reason))
    return Arrangement(tuple(schedulers), tuple(notes))


_NEVER = (
    "by_epoch=True in a run counted in iterations never changed anything in MMCV, warm-up included; MMEngine"
    " has no such schedule. Leave it out to keep the values constant, or say by_epoch=False"
)


def _library_hint(config: Mapping[str, Any], parameter: Parameter) -> str:
    name = config.get("policy")
    if not isinstance(name, str) or (parameter, hook_stem(name)) in POLICIES:
        return ""
    return " If a library defines it, that library's scheduler must take its place."


def _todo(config: Mapping[str, Any], parameter: Parameter, reason: NoHonestForm) -> str:
    hint = "" if str(reason) == _NEVER else " `--lr closed-form` carries it over exactly."
    return f"{parameter}_config: policy {config['policy']!r} has no counterpart in MMEngine: {reason}.{hint}"


def _leftovers(bound: BoundPolicy) -> list[str]:
    """A note per key that the policy does not take."""
    known = [*COMMON_KEYS, "warmup_by_epoch", *(argument.name for argument in bound.policy.arguments)]
    notes = []
    for key in bound.ignored:
        near = suggest(key, known)
        hint = near if near.startswith("; did") else "; it is ignored, and MMCV would refuse it"
        notes.append(f"{bound.where}.{key}: policy {bound.policy.name!r} takes no such argument{hint}")
    return notes


def _closed_form(config: Mapping[str, Any], bound: BoundPolicy, loop: Loop) -> dict[str, Any]:
    """One scheduler that carries the old config and computes what MMCV computed."""
    kept = {key: value for key, value in config.items() if key not in bound.ignored}
    suffix = "LR" if bound.policy.parameter == "lr" else "Momentum"
    scheduler = {
        "type": f"LegacyPolicy{suffix}",
        "config": kept,
        "by_epoch": loop.unit == "epoch",
        "begin": 0,
        "end": loop.length,
    }
    return {**scheduler, "convert_to_iter_based": True} if loop.unit == "epoch" else scheduler
