"""The old warm-up as MMEngine schedulers, and how it stands with the main curve.

MMCV multiplies every value of the main curve by the warm-up's factor. MMEngine's schedulers change the
present value one after the other, so how they stand together depends on what the main curve does to it.
"""

from __future__ import annotations

from math import ceil, floor
from typing import Any

from mmbridge.compat.schedules import Warmup, warmup_factor

from .arrange_case import Case, NoHonestForm, Schedulers, converted_frame, iteration_frame
from .arrange_main import Main

MOST_BOUNDARIES = 3
"""A warm-up over more epoch boundaries than this is not repaired at each of them."""


def assemble(case: Case, main: Main) -> Schedulers:
    """Warm-up and main curve in one list, exact where a short list can be.

    Raises:
        NoHonestForm: the main curve would overwrite the warm-up.
    """
    warmup = case.bound.warmup
    if warmup is None or warmup.ratio == 1:
        return main.schedulers
    if not main.schedulers:
        return _warm(case, warmup)
    if case.upstream and _reanchored(case, warmup, main):
        return [*_warm(case, warmup), *_later(case, main, warmup)]
    if main.kind == "factor":
        return _in_order(case, warmup, main)
    if main.factor_form and not case.upstream and _moves_during(case, warmup, main):
        return [*_warm(case, warmup), *main.factor_form]
    if _is_flat(case, warmup) and not case.upstream:
        return _set_aside(case, warmup, main)
    if main.kind == "absolute":
        raise NoHonestForm("MMEngine's OneCycleLR overwrites a warm-up that is not constant")
    if not _moves_during(case, warmup, main):
        return _in_order(case, warmup, main)
    inner = _boundaries(case, warmup) if case.bound.by_epoch and not case.upstream else 0
    if 0 < inner <= MOST_BOUNDARIES or (inner and warmup.kind == "constant"):
        return _lifted_at_boundaries(case, warmup, main, inner)
    if case.bound.policy.iterations_only:
        raise NoHonestForm("a curve that rises under a warm-up that is not constant multiplies into another one")
    case.say(
        "warm-up and a curve with a floor overlap: MMEngine's schedulers compose them only approximately,"
        " the deviation grows with the floor"
    )
    return _in_order(case, warmup, main)


def _in_order(case: Case, warmup: Warmup, main: Main) -> Schedulers:
    """Warm-up first, as people know it; but what overwrites must come before it and be repaired."""
    if main.restarts or main.schedulers[0]["type"].startswith("CosineRestart"):
        return [*main.schedulers, *_warm(case, warmup), *_restart_repairs(case, warmup, main)]
    return [*_warm(case, warmup), *main.schedulers]


def _restart_repairs(case: Case, warmup: Warmup, main: Main) -> Schedulers:
    """Take back to the warm-up's factor what a restart during warm-up has overwritten."""
    # A constant counted in epochs is restored after the restart that may stand at its very end.
    only_inside = case.bound.by_epoch and not _restored_after_main(case, warmup)
    repairs = []
    for restart in main.restarts:
        length, moment = _in_one_unit(case, warmup, restart)
        if length is None or moment is None:
            case.say(f"exact if warm-up is over at the first restart, {main.restarts[0]}; the epoch is unknown")
            break
        if moment > length or (only_inside and moment == length):
            continue
        at = moment if case.bound.by_epoch else moment - 1
        gamma = _factor(case, warmup, at, length)
        frame = {"by_epoch": case.bound.by_epoch, "begin": 0}
        repairs.append(case.scheduler("MultiStep", {"milestones": [restart], "gamma": gamma}, frame))
    return repairs


def _restored_after_main(case: Case, warmup: Warmup) -> bool:
    return warmup.kind == "constant" and warmup.by_epoch and not case.upstream


def _in_one_unit(case: Case, warmup: Warmup, progress: int) -> tuple[float | None, float | None]:
    """The warm-up's length and a progress of the policy in one unit; None where the epoch is unknown."""
    if case.bound.by_epoch == warmup.by_epoch:
        return warmup.length, progress
    if case.epoch_length is None:
        return None, None
    stride = case.epoch_length if case.bound.by_epoch else 1
    return warmup.iterations(case.epoch_length), progress * stride


def _factor(case: Case, warmup: Warmup, at: float, length: float) -> float:
    factor = warmup_factor(warmup.kind, at, length, warmup.ratio)
    return factor if case.parameter == "lr" else 1 / factor


def _boundaries(case: Case, warmup: Warmup) -> int:
    """How many epoch boundaries lie inside the warm-up; 0 where that is unknown."""
    if warmup.by_epoch:
        return ceil(warmup.length) - 1
    return 0 if case.epoch_length is None else ceil(warmup.length / case.epoch_length) - 1


def _moves_during(case: Case, warmup: Warmup, main: Main) -> bool:
    """Whether the main curve moves before warm-up is over; an unknown epoch is taken to outlast warm-up."""
    if not case.bound.by_epoch:
        length, still = _in_one_unit(case, warmup, main.still)
        return length is None or still is None or length > still + 1
    if not warmup.by_epoch and case.epoch_length is None:
        case.say(f"exact if warm-up is over after {main.still + 1} epochs; their length is unknown")
        return False
    return _boundaries(case, warmup) > main.still


def _iterations(case: Case, warmup: Warmup) -> float | None:
    if not warmup.by_epoch:
        return warmup.length
    return None if case.epoch_length is None else warmup.iterations(case.epoch_length)


def _steps_of_policy(case: Case, warmup: Warmup) -> float | None:
    """The warm-up's length in the policy's unit; None where that is unknown or no whole number."""
    if case.bound.by_epoch:
        return warmup.length if warmup.by_epoch else None
    return _iterations(case, warmup)


def _is_flat(case: Case, warmup: Warmup) -> bool:
    length = _steps_of_policy(case, warmup)
    return length is not None and (warmup.kind == "constant" or (length == 1 and not case.bound.by_epoch))


def _set_aside(case: Case, warmup: Warmup, main: Main) -> Schedulers:
    """Take a constant factor away before every step of the main curve and put it back after."""
    length = _steps_of_policy(case, warmup)
    assert length is not None
    unit = {"by_epoch": case.bound.by_epoch, "begin": 0}
    ratio = warmup.ratio if case.parameter == "lr" else 1 / warmup.ratio
    away = case.scheduler("Exponential", {"gamma": 1 / ratio}, {**unit, "end": length + 1})
    first = case.scheduler("MultiStep", {"milestones": [0], "gamma": ratio}, unit)
    back = case.scheduler("Exponential", {"gamma": ratio}, {**unit, "end": length})
    return [away, *main.schedulers, first, *([back] if length > 1 else [])]


def _lifted_at_boundaries(case: Case, warmup: Warmup, main: Main, inner: int) -> Schedulers:
    """Lift warm-up off at every epoch boundary it spans, let the main curve step, and lay it on again."""
    stride = 1 if warmup.by_epoch else case.epoch_length or 1
    factors = [_factor(case, warmup, boundary * stride, warmup.length) for boundary in range(1, inner + 1)]
    before, after = [], []
    for gamma in dict.fromkeys(factors):
        boundaries = [k for k, factor in enumerate(factors, 1) if factor == gamma]
        frame = {"by_epoch": True, "begin": 0}
        before.append(case.scheduler("MultiStep", {"milestones": boundaries, "gamma": 1 / gamma}, frame))
        after.append(case.scheduler("MultiStep", {"milestones": boundaries, "gamma": gamma}, frame))
    return [*before, *main.schedulers, *after, *_warm(case, warmup)]


def _reanchored(case: Case, warmup: Warmup, main: Main) -> bool:
    """Whether OpenMMLab's maintainers let this curve begin where warm-up ends."""
    if case.bound.policy.name not in ("Poly", "CosineAnnealing") or warmup.length >= case.loop.length:
        return False
    return warmup.by_epoch == (case.loop.unit == "epoch" and main.schedulers[0]["by_epoch"])


def _later(case: Case, main: Main, warmup: Warmup) -> Schedulers:
    case.say("the main curve begins where warm-up ends, as OpenMMLab's own configs do: another curve than MMCV's")
    moved = [{**scheduler, "begin": warmup.length} for scheduler in main.schedulers]
    for scheduler in moved:
        if "T_max" in scheduler:
            scheduler["T_max"] -= warmup.length
    return moved


def _warm(case: Case, warmup: Warmup) -> Schedulers:
    """The warm-up alone, exact on whatever value stands there.

    Raises:
        NoHonestForm: an exponential one is counted in epochs of unknown length.
    """
    if case.parameter == "momentum":
        return _warm_momentum(case, warmup)
    if warmup.kind == "exp":
        return _warm_exponential(case, warmup)
    stem, name = ("Linear", "start_factor") if warmup.kind == "linear" else ("Constant", "factor")
    return [case.scheduler(stem, {name: warmup.ratio}, _warm_frame(case, warmup))]


def _warm_frame(case: Case, warmup: Warmup) -> dict[str, Any]:
    length = warmup.length
    if not warmup.by_epoch:
        # One iteration alone would never be restored: MMEngine arrives at the last step before the end.
        return iteration_frame(length if case.upstream and length > 1 else length + 1)
    if _restored_after_main(case, warmup):
        # A constant does not move within an epoch, so counting epochs restores it at the right iteration.
        return {"by_epoch": True, "begin": 0, "end": length + 1}
    end = case.epochs_end(floor(length))
    if end == length and not case.upstream:
        case.say(
            "warm-up in epochs ends one iteration early, because the length of an epoch is unknown:"
            " off by at most 1/(its iterations)"
        )
    return converted_frame(0, end)


def _warm_exponential(case: Case, warmup: Warmup) -> Schedulers:
    length = _iterations(case, warmup)
    if length is None:
        raise NoHonestForm("an 'exp' warm-up in epochs needs the number of iterations in an epoch")
    ratio = warmup.ratio
    first = {"start_factor": ratio, "end_factor": 1.0}
    gamma = ratio ** (-1 / length)
    return [
        case.scheduler("Linear", first, iteration_frame(1)),
        case.scheduler("Exponential", {"gamma": gamma}, iteration_frame(length + 1)),
    ]


def _warm_momentum(case: Case, warmup: Warmup) -> Schedulers:
    """Momentum is divided by the warm-up's factor, which MMEngine's factors up to 1 cannot do."""
    ratio, length = warmup.ratio, warmup.length
    frame = {"by_epoch": False, "begin": 0}
    raised = case.scheduler("MultiStep", {"milestones": [0], "gamma": 1 / ratio}, frame)
    if warmup.kind == "constant":
        return [raised, case.scheduler("MultiStep", {"milestones": [ceil(length)], "gamma": ratio}, frame)]
    if warmup.kind == "exp":
        gamma = ratio ** (1 / length)
        return [raised, case.scheduler("Exponential", {"gamma": gamma}, iteration_frame(length + 1))]
    # 1 / (a line) is a polynomial of power -1, entered where it has the right steepness.
    steepness = (1 - ratio) / (ratio * length)
    last_step = floor(1 / steepness + length - 2) + 1
    end = length + (last_step - (1 / steepness + length - 2))
    entered = {"by_epoch": False, "begin": 1, "end": end, "last_step": last_step}
    return [raised, case.scheduler("Poly", {"power": -1.0, "eta_min": 0.0}, entered)]
