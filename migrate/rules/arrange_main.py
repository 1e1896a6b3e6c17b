"""The main curve of an old policy as MMEngine schedulers, without its warm-up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor
from typing import Any, Literal

from mmbridge.compat.schedules.cosine import flat_start
from mmbridge.compat.schedules.steps import step as step_value

from .arrange_case import Case, NoHonestForm, Schedulers, converted_frame, iteration_frame
from .arrange_cycles import cyclic_segments, one_cycle_momentum_segments, segments

Kind = Literal["factor", "floor", "absolute"]

FAR = 10_000_000
"""Iterations that no run has, for curves that need some end and have none."""


@dataclass(frozen=True, slots=True)
class Main:
    """The schedulers of the main curve and what they do to a value that warm-up has touched.

    ``factor``: they only multiply, so warm-up may stand anywhere. ``floor``: they pull towards a fixed value.
    ``absolute``: they overwrite. ``still`` is the last progress, in the policy's unit, before they move.
    ``restarts`` are the progresses at which a factor curve overwrites the value.
    """

    schedulers: Schedulers
    kind: Kind = "factor"
    still: int = 0
    restarts: tuple[int, ...] = ()
    factor_form: Schedulers | None = None


def main_curve(case: Case) -> Main:
    """The main curve of ``case``.

    Raises:
        NoHonestForm: MMEngine has nothing that comes close.
    """
    return _MAINS[case.parameter, case.bound.policy.name](case)


def _floor(case: Case) -> dict[str, Any]:
    if case.arguments["floor_ratio"] is not None:
        return {"eta_min_ratio": case.arguments["floor_ratio"]}
    return {"eta_min": case.arguments["floor"]}


def _kind(case: Case) -> Kind:
    return "floor" if case.arguments["floor"] or case.arguments.get("floor_ratio") else "factor"


def _fixed(case: Case) -> Main:
    return Main([])


def _step(case: Case) -> Main:
    bottom, interval = case.arguments["floor"], case.arguments["step"]
    gamma = case.arguments["gamma"]
    if bottom and _reaches(case, bottom):
        return _step_with_floor(case, bottom)
    if isinstance(interval, int):
        return Main([case.scheduler("Step", {"step_size": interval, "gamma": gamma}, case.open_end())])
    milestones = _milestones(interval)
    if not milestones:
        return Main([])
    return Main([_multi_step(case, milestones, gamma)])


def _milestones(listed: list[int]) -> list[int]:
    """The list, if it is sorted; else where the old curve really drops, once per power of gamma."""
    if listed == sorted(listed):
        return listed
    dropped: list[int] = []
    for milestone in sorted(set(listed)):
        passed = next((k for k, later in enumerate(listed) if milestone < later), len(listed))
        dropped += [milestone] * (passed - len(dropped))
    return dropped


def _multi_step(case: Case, milestones: list[int], gamma: float) -> dict[str, Any]:
    return case.scheduler("MultiStep", {"milestones": milestones, "gamma": gamma}, case.open_end())


def _reaches(case: Case, bottom: float) -> bool:
    """Whether the floor of a step policy matters; with an unknown base it is taken not to, and said."""
    least = f"min_{case.parameter}={bottom}"
    if case.base is None:
        case.say(f"{least} is dropped: the initial value is unknown, and MMEngine's steps have no floor")
        return False
    values = [value for _, value in _levels(case, case.base)]
    if min(values) > bottom:
        if not case.equal_bases:
            case.say(f"{least} is dropped: the main groups stay above it, a group with a smaller base may not")
        return False
    if not case.equal_bases:
        case.say(f"{least} is exact for the groups with the base {case.base} only; MMEngine's steps have no floor")
    return True


def _levels(case: Case, base: float) -> list[tuple[int, float]]:
    """(progress, value) of a step policy wherever the value may change; the first one is the start."""
    interval, bottom = case.arguments["step"], case.arguments["floor"]
    if not isinstance(interval, int):
        progresses = [0, *sorted(set(interval))]
    else:
        horizon = case.loop.length if not case.converted else case.iterations or FAR
        progresses = list(range(0, min(horizon, 1000 * interval), interval))
    levels: list[tuple[int, float]] = []
    for progress in progresses:
        levels.append((progress, step_value(progress, 0, base, **case.arguments)))
        if case.converted and isinstance(interval, int) and levels[-1][1] == bottom:
            break
    return levels


def _step_with_floor(case: Case, bottom: float) -> Main:
    assert case.base is not None
    gamma, interval = case.arguments["gamma"], case.arguments["step"]
    drops = Counter(_milestones(interval)) if not isinstance(interval, int) else None
    plain, clipped, present = [], [], case.base
    for progress, value in _levels(case, case.base):
        if value == present:
            continue
        if value > bottom and progress:
            plain += [progress] * (drops[progress] if drops else 1)  # a milestone named twice drops twice
        else:
            clipped.append(_multi_step(case, [progress], value / present))
        present = value
    return Main([*([_multi_step(case, plain, gamma)] if plain else []), *clipped])


def _exponential(case: Case) -> Main:
    return Main([case.scheduler("Exponential", {"gamma": case.arguments["gamma"]}, case.open_end())])


def _poly(case: Case) -> Main:
    extra = 0 if case.upstream else 1
    arguments = {"power": case.arguments["power"], "eta_min": case.arguments["floor"]}
    scheduler = case.scheduler("Poly", arguments, case.whole_run(extra))
    line = _line(case, extra) if case.arguments["power"] == 1 else None
    return Main([scheduler], _kind(case), factor_form=[line] if line else None)


def _line(case: Case, extra: int) -> dict[str, Any] | None:
    """A straight line to the floor as a pure factor, where one factor fits all groups."""
    ratio = case.arguments.get("floor_ratio")
    if ratio is None and case.shared_base is not None:
        ratio = case.arguments["floor"] / case.shared_base
    if ratio is None or not 0 <= ratio <= 1:
        return None
    factors = {"start_factor": 1.0, "end_factor": ratio}
    return case.scheduler("Linear", factors, case.whole_run(extra))


def _linear(case: Case) -> Main:
    line = _line(case, 1)
    if line is not None:
        return Main([line])
    bottom = case.arguments["floor"]
    if bottom is None and case.shared_base is not None:
        bottom = case.arguments["floor_ratio"] * case.shared_base
    if bottom is None:
        raise NoHonestForm("the end ratio is outside 0 to 1, which MMEngine's LinearLR refuses")
    return Main([case.scheduler("Poly", {"power": 1.0, "eta_min": bottom}, case.whole_run(1))], _kind(case))


def _inverse(case: Case) -> Main:
    """``PolyLR`` with a negative power, entered at its middle: ``last_step`` says how far it claims to be."""
    gamma, power = case.arguments["gamma"], case.arguments["power"]
    if not gamma > 0:
        raise NoHonestForm(f"policy 'inv' needs gamma above 0, got {gamma!r}")
    horizon = case.loop.length if not case.converted else case.iterations or FAR
    if horizon == FAR:
        case.say("exact to about 1e-9 only, because the number of iterations is unknown")
    last_step = ceil(horizon + 1 / gamma)
    end = last_step - 1 / gamma + 2
    by_epoch = case.bound.by_epoch
    # A scheduler that starts late needs one before it that has recorded the initial value.
    first = case.scheduler("Constant", {"factor": 1.0}, case.open_end())
    frame = {"by_epoch": by_epoch, "begin": 1, "end": end, "last_step": last_step}
    return Main([first, case.scheduler("Poly", {"power": -power, "eta_min": 0.0}, frame)])


def _cosine(case: Case) -> Main:
    arguments = {"T_max": case.loop.length, **_floor(case)}
    return Main([case.scheduler("CosineAnnealing", arguments, case.whole_run())], _kind(case))


def _flat_cosine(case: Case) -> Main:
    share = case.arguments["start_percent"]
    if not case.converted:
        start, length = flat_start(case.loop.length, share), case.loop.length
        frame = {"by_epoch": case.bound.by_epoch, "begin": start, "end": length}
    elif case.iterations is not None:
        start, length = flat_start(case.iterations, share), case.iterations
        frame = iteration_frame(length, start)
    else:
        start, length = _whole(share * case.loop.length), case.loop.length
        frame = converted_frame(start, length)
        if not isinstance(start, int):
            case.say("the cosine may begin one iteration off: the flat part is no whole number of epochs")
    if start >= length:
        return Main([])
    arguments = {"T_max": length - start, **_floor(case)}
    return Main([case.scheduler("CosineAnnealing", arguments, frame)], _kind(case), still=floor(start))


def _whole(number: float) -> Any:
    return round(number) if abs(number - round(number)) < 1e-9 else number


def _cosine_restart(case: Case) -> Main:
    periods, weights = list(case.arguments["periods"]), list(case.arguments["restart_weights"])
    horizon = case.iterations if case.converted else case.loop.length
    if horizon is not None and sum(periods) < horizon:
        raise NoHonestForm(
            f"its periods cover {sum(periods)} steps of {horizon}; MMCV stops there and MMEngine goes on"
        )
    kind = _kind(case)
    if kind == "floor" and any(weight != 1 for weight in weights):
        ratio = case.arguments["floor_ratio"]
        if ratio is None and case.base:
            ratio = case.arguments["floor"] / case.base
        if ratio is None:
            case.say("restart weights act on the whole value in MMEngine, on its height above the floor in MMCV")
        else:
            # MMCV weighs the height above the floor, MMEngine the whole value.
            weights = [ratio + weight * (1 - ratio) for weight in weights]
            if case.arguments["floor_ratio"] is None and not case.equal_bases:
                case.say(f"restart weights are exact for the groups with the base {case.base} only")
    arguments = {"periods": periods, "restart_weights": weights, **_floor(case)}
    restarts = tuple(sum(periods[:k]) for k in range(1, len(periods)))
    return Main([case.scheduler("CosineRestart", arguments, case.open_end())], kind, restarts=restarts)


def _one_cycle(case: Case) -> Main:
    given = case.arguments
    peak = given["max_lr"]
    if isinstance(peak, (list, tuple)) and len(peak) > 1:
        peak = [*peak, peak[0]]
        case.say("eta_max has one value more than max_lr, for the group that MMEngine's optimizer wrapper adds")
    # Both engines give these the same names and defaults.
    shape = {
        argument.name: given[argument.name]
        for argument in case.bound.policy.arguments
        if argument.name not in ("max_lr", "total_steps") and given[argument.name] != argument.default
    }
    if given["total_steps"] is None and case.converted:
        scheduler = case.scheduler("OneCycle", {"eta_max": peak, **shape}, converted_frame(0, case.loop.length))
    else:
        total = given["total_steps"] or case.loop.length
        frame = {"by_epoch": False, "begin": 0} if case.converted else case.whole_run()
        scheduler = case.scheduler("OneCycle", {"eta_max": peak, "total_steps": total, **shape}, frame)
    return Main([scheduler], "absolute")


def _cyclic(case: Case) -> Main:
    kind: Kind = "floor" if case.arguments["anneal_strategy"] == "cos" else "factor"
    return Main(segments(case, cyclic_segments(case)), kind)


def _one_cycle_momentum(case: Case) -> Main:
    kind: Kind = "floor" if case.arguments["anneal_strategy"] == "cos" else "factor"
    return Main(segments(case, one_cycle_momentum_segments(case)), kind)


_MAINS: dict[tuple[str, str], Callable[[Case], Main]] = {
    ("lr", "Fixed"): _fixed,
    ("lr", "Step"): _step,
    ("lr", "Exp"): _exponential,
    ("lr", "Poly"): _poly,
    ("lr", "Inv"): _inverse,
    ("lr", "CosineAnnealing"): _cosine,
    ("lr", "FlatCosineAnnealing"): _flat_cosine,
    ("lr", "CosineRestart"): _cosine_restart,
    ("lr", "Cyclic"): _cyclic,
    ("lr", "OneCycle"): _one_cycle,
    ("lr", "LinearAnnealing"): _linear,
    ("momentum", "Step"): _step,
    ("momentum", "CosineAnnealing"): _cosine,
    ("momentum", "LinearAnnealing"): _linear,
    ("momentum", "Cyclic"): _cyclic,
    ("momentum", "OneCycle"): _one_cycle_momentum,
}
