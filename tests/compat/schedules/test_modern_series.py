"""Values that MMEngine 0.10.7's own schedulers were seen to set."""

from __future__ import annotations

from typing import Any

import pytest
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.schedules import SCHEDULERS, Loop, modern_series

PRINTED = 5e-5  # the recorded values have four or five digits


def lr(schedulers: Any, steps: int, base: float = 1.0) -> list[float]:
    return modern_series(schedulers, loop=Loop("epoch", steps), epoch_length=1, bases=[base]).values()


def new(type: str, **arguments: Any) -> dict[str, Any]:
    return {"type": type, **arguments}


RISE = new("LinearLR", start_factor=0.5, end=3)
FALL = new("CosineAnnealingLR", eta_min=0.05, T_max=4)
OBSERVED: dict[str, tuple[list[float], list[float]]] = {
    "constant without an end is restored at the very last step": (
        lr(new("ConstantLR", factor=0.5), 4, 0.1),
        [0.05, 0.05, 0.05, 0.1],
    ),
    "constant of one step is never restored": (lr(new("ConstantLR", factor=0.5, end=1), 3), [0.5, 0.5, 0.5]),
    "linear arrives at the step before its end": (
        lr(new("LinearLR", start_factor=0.5, end=3), 4),
        [0.5, 0.75, 1, 1],
    ),
    "linear with a fractional end overshoots": (
        lr(new("LinearLR", start_factor=0.5, end=2.5), 4),
        [0.5, 0.8333, 1.1667, 1.1667],
    ),
    "milestones count from begin": (
        lr(new("MultiStepLR", milestones=[2], begin=3), 7),
        [1, 1, 1, 1, 1, 0.1, 0.1],
    ),
    "poly ends at zero": (lr(new("PolyLR"), 4), [1, 0.6667, 0.3333, 0]),
    "poly with a negative begin never arrives": (lr(new("PolyLR", begin=-1), 4), [1, 0.75, 0.5, 0.25]),
    "cosine rises again past its period": (
        lr(new("CosineAnnealingLR", T_max=2), 6),
        [1, 0.5, 0, 0.5, 1, 0.5],
    ),
    "a floor after a line": (lr([RISE, FALL], 4, 0.1), [0.05, 0.07134, 0.07643, 0.05774]),
    "a line after a floor": (lr([FALL, RISE], 4, 0.1), [0.05, 0.075, 0.08619, 0.0606]),
    "nothing": (lr([], 2), [1, 1]),
    "none": (lr(None, 2), [1, 1]),
}


@pytest.mark.parametrize(("found", "expected"), [pytest.param(*case, id=name) for name, case in OBSERVED.items()])
def test_observed_values(found: list[float], expected: list[float]) -> None:
    assert found == pytest.approx(expected, abs=PRINTED)


def test_iterations_step_before_epochs() -> None:
    schedulers = [new("MultiStepLR", milestones=[1], gamma=0.0), new("PolyLR", by_epoch=False, begin=1, end=4)]

    series = modern_series(schedulers, loop=Loop("epoch", 2), epoch_length=2, bases=[1.0])

    # poly stands at 1/2 when the epoch ends, and only then is it multiplied by zero
    assert [1.0, 1.0, 0.0, 0.0] == series.values()


def test_a_scheduler_by_epoch_never_steps_in_a_run_of_iterations() -> None:
    series = modern_series(new("ExponentialLR", gamma=0.5), loop=Loop("iter", 6), epoch_length=2, bases=[1.0])

    assert [1.0] * 6 == series.values()


def test_conversion_to_iterations_multiplies_milestones() -> None:
    scheduler = new("MultiStepLR", milestones=[1], gamma=0.5, convert_to_iter_based=True)

    series = modern_series(scheduler, loop=Loop("epoch", 2), epoch_length=3, bases=[1.0])

    assert [1.0, 1.0, 1.0, 0.5, 0.5, 0.5] == series.values()


@pytest.mark.parametrize(
    ("scheduler", "lr", "momentum"),
    [
        pytest.param(new("ExponentialMomentum", gamma=0.5), [1, 1], [1, 0.5], id="momentum"),
        pytest.param(new("ExponentialParamScheduler", param_name="lr", gamma=0.5), [1, 0.5], [1, 1], id="generic"),
        pytest.param(new("ExponentialParamScheduler", param_name="eps", gamma=0.5), [1, 1], [1, 1], id="another"),
    ],
)
def test_a_scheduler_drives_its_own_parameter(
    scheduler: dict[str, Any], lr: list[float], momentum: list[float]
) -> None:
    run: dict[str, Any] = {"loop": Loop("epoch", 2), "epoch_length": 1, "bases": [1.0]}

    assert lr == modern_series(scheduler, **run).values()
    assert momentum == modern_series(scheduler, parameter="momentum", **run).values()


REFUSED: dict[str, tuple[Any, str]] = {
    "type missing": ([{"gamma": 1}], r"param_scheduler\[0\].type: missing"),
    "type misspelt": (new("MultistepLR"), "did you mean 'MultiStepLR'"),
    "argument misspelt": (new("StepLR", stepsize=3), "did you mean 'step_size'"),
    "argument missing": ([new("PolyLR"), new("StepLR")], r"param_scheduler\[1\].step_size: missing"),
    "end before begin": (new("PolyLR", begin=9), "must be above begin, got begin=9 and end=4"),
    "conversion of iterations": (new("PolyLR", by_epoch=False, convert_to_iter_based=True), "needs by_epoch=True"),
    "parameter not named": (new("PolyParamScheduler"), "param_name: missing"),
    "several optimizers": ({"generator": []}, "several optimizers .generator."),
    "metric": (new("ReduceOnPlateauLR"), "follows a validation metric"),
    "division": (new("LinearLR", start_factor=0.0), "iteration 1: the scheduler has no value: .*zero"),
    "closed form by epoch": (
        new("LegacyPolicyLR", config={"policy": "fixed"}),
        "add convert_to_iter_based=True",
    ),
    "closed form that begins late": (
        new("LegacyPolicyLR", config={"policy": "fixed"}, by_epoch=False, begin=1),
        "must begin at 0",
    ),
}


@pytest.mark.parametrize(("schedulers", "words"), [pytest.param(*case, id=name) for name, case in REFUSED.items()])
def test_a_bad_list_gets_a_sentence(schedulers: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        lr(schedulers, 4)


def test_every_name_that_mmengine_registers() -> None:
    names = {suffix: sum(name.endswith(suffix) for name in SCHEDULERS) for suffix in ("LR", "Momentum", "Scheduler")}

    assert {"LR": 10, "Momentum": 9, "Scheduler": 10} == names


@pytest.mark.parametrize("unit", ["epoch", "iter"])
def test_the_closed_form_plays_the_old_values_and_then_stays(unit: Any) -> None:
    frame = {"by_epoch": True, "end": 2, "convert_to_iter_based": True}
    if unit == "iter":
        frame = {"by_epoch": False, "end": 4}
    scheduler = new("LegacyPolicyLR", config={"policy": "poly", "by_epoch": False}, **frame)

    series = modern_series(scheduler, loop=Loop(unit, 3 if unit == "epoch" else 6), epoch_length=2, bases=[1.0])

    assert [1.0, 0.75, 0.5, 0.25, 0.25, 0.25] == series.values()


def test_two_cycles_of_other_heights_are_refused() -> None:
    """The second one's constructor writes its heights where the first one looks for its own."""
    cycles = [new("OneCycleLR", eta_max=eta_max, total_steps=6, by_epoch=False) for eta_max in (1.0, 0.5)]

    with pytest.raises(ConfigError, match=r"param_scheduler\[1\]: would replace the eta_max of the one cycle"):
        modern_series(cycles, loop=Loop("iter", 6), epoch_length=6, bases=[1.0])
