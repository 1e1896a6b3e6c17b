"""Curves that go up and down, cut into segments that MMEngine can follow one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmbridge.compat.schedules.cyclic import cycle_lengths, ratio_pair
from mmbridge.compat.schedules.one_cycle import phase_ends

from .arrange_case import Case, NoHonestForm, Schedulers, converted_frame, iteration_frame

MOST_CYCLES = 16
"""Beyond this many cycles a list of segments helps nobody."""


@dataclass(frozen=True, slots=True)
class Segment:
    """From ``first`` to ``last`` times the initial value, in ``length`` steps beginning at ``start``.

    ``start`` and ``length`` are iterations, or epochs where the length of an epoch is unknown.
    """

    start: float
    length: float
    first: float
    last: float


def segments(case: Case, parts: list[Segment]) -> Schedulers:
    """The schedulers that follow ``parts``; a jump stands between two that do not meet.

    Raises:
        NoHonestForm: a later segment would have to start from zero.
    """
    schedulers: Schedulers = []
    present = 1.0
    for part in parts:
        if case.iterations is not None and part.start >= case.iterations:
            break
        jump = part.first / present if present else 0.0
        if part.first and not present:
            raise NoHonestForm("a cycle ends at zero, from where no factor leads back")
        if jump != 1:
            schedulers.append(_jump(case, part.start, jump))
        if part.first != part.last:
            schedulers += _cosine(case, part) if case.arguments["anneal_strategy"] == "cos" else _line(case, part)
        present = part.last
    return schedulers


def _frame(case: Case, part: Segment) -> dict[str, Any]:
    end = part.start + part.length
    if case.iterations is not None:
        return iteration_frame(end + 1, part.start)
    case.say("the turning points may lie one iteration off, because the length of an epoch is unknown")
    return converted_frame(part.start, end)


def _jump(case: Case, at: float, factor: float) -> dict[str, Any]:
    frame = {"by_epoch": case.iterations is None, "begin": 0}
    return case.scheduler("MultiStep", {"milestones": [at], "gamma": factor}, frame)


def _cosine(case: Case, part: Segment) -> Schedulers:
    if case.upstream and case.shared_base is not None:
        floor = {"eta_min": float(f"{case.shared_base * part.last:.12g}")}
    else:
        floor = {"eta_min_ratio": part.last}
    return [case.scheduler("CosineAnnealing", {"T_max": part.length, **floor}, _frame(case, part))]


def _line(case: Case, part: Segment) -> Schedulers:
    growth = part.last / part.first
    if growth <= 1:
        return [case.scheduler("Linear", {"start_factor": 1.0, "end_factor": growth}, _frame(case, part))]
    # LinearLR takes factors up to 1 only, so the value first jumps to the top and is held down from there.
    factors = {"start_factor": 1 / growth, "end_factor": 1.0}
    return [_jump(case, part.start, growth), case.scheduler("Linear", factors, _frame(case, part))]


def cyclic_segments(case: Case) -> list[Segment]:
    """The segments of policy ``cyclic``.

    Raises:
        NoHonestForm: there are too many cycles, or they do not fit whole epochs of unknown length.
    """
    given = case.arguments
    times, rising, gamma = given["cyclic_times"], given["step_ratio_up"], given["gamma"]
    peak, end = ratio_pair(given["target_ratio"])
    if times > MOST_CYCLES:
        raise NoHonestForm(f"{times} cycles need several schedulers each")
    total: int
    length: float
    up: float
    if case.iterations is not None:
        total = case.iterations
        length, up = cycle_lengths(total, times, rising)
    else:
        total = case.loop.length
        if total % times:
            raise NoHonestForm(f"{times} cycles do not divide {total} epochs of unknown length")
        length = total // times
        up = _whole(rising * length)
    parts = []
    for cycle in range(-(-total // int(length))):
        start, scale = cycle * length, gamma**cycle
        top = 1 - scale + peak * scale
        if up:
            parts += [Segment(start, up, 1.0, top), Segment(start + up, length - up, top, end)]
        else:
            parts.append(Segment(start, length, peak, 1 - scale + end * scale))
    return parts


def _whole(number: float) -> float:
    return round(number) if abs(number - round(number)) < 1e-9 else number


def one_cycle_momentum_segments(case: Case) -> list[Segment]:
    """The segments of the one-cycle momentum curve.

    Raises:
        NoHonestForm: what it needs is unknown, or its turning point is no whole iteration.
    """
    given, total = case.arguments, case.iterations
    low, high = given["base_momentum"], given["max_momentum"]
    if case.shared_base is None or isinstance(low, list) or isinstance(high, list):
        raise NoHonestForm("MMEngine has no one-cycle momentum; without the optimizer's one momentum it has no form")
    if total is None:
        raise NoHonestForm("MMEngine has no one-cycle momentum; without the length of an epoch it has no form")
    first, last = high / case.shared_base, low / case.shared_base
    ends = [_whole(end) for end in phase_ends(total, given["pct_start"], bool(given["three_phase"]))][:2]
    if any(not isinstance(end, int) for end in ends) or ends[0] <= 0:
        raise NoHonestForm("MMEngine has no one-cycle momentum, and this one turns between two iterations")
    turn, back = ends
    return [Segment(0, turn, first, last), Segment(turn, back - turn, last, first)]
