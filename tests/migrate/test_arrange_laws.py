"""Law: an old curve and its arrangement agree at every iteration and in every group, or a note says so."""

from __future__ import annotations

from typing import Any

import pytest
import schedule_grid
from hypothesis import example, given
from hypothesis import strategies as st
from mmbridge.compat.schedules import Loop, Parameter, deviation, legacy_series, modern_series
from mmbridge.migrate.rules.arrange import arrange

# Recursion multiplies some hundred rounding errors; near a floor far below the base cancellation adds two
# digits, and a straight line down to there in cycles adds one more.
ROUNDING = 2e-12


def compare(
    config: dict[str, Any],
    *,
    loop: Loop,
    epoch_length: int,
    bases: tuple[float, ...],
    parameter: Parameter = "lr",
    style: Any = "builtin",
    epoch_known: bool = True,
) -> tuple[float | None, tuple[str, ...]]:
    """The largest relative deviation and the notes; None where nothing was arranged."""
    pair = (config, None) if parameter == "lr" else (None, config)
    arrangement = arrange(
        *pair,
        loop=loop,
        base_lr=bases[0],
        base_momentum=bases[0],
        equal_bases=len(set(bases)) == 1,
        style=style,
        epoch_length=epoch_length if epoch_known else None,
    )
    if arrangement.todo is not None:
        return None, arrangement.notes
    run: dict[str, Any] = {"loop": loop, "epoch_length": epoch_length, "bases": bases, "parameter": parameter}
    found = deviation(legacy_series(config, **run), modern_series(arrangement.schedulers, **run))
    return found.relative, arrangement.notes


def only_says_how(notes: tuple[str, ...]) -> bool:
    """Whether no note announces a deviation."""
    return all("begin=-1" in note or "exact if" in note for note in notes)


def cases(parameter: Parameter) -> list[Any]:
    configs = schedule_grid.lr_configs() if parameter == "lr" else schedule_grid.momentum_configs()
    return [pytest.param(config, loop, id=name) for name, config, loop in configs]


GROUPS = {"equal groups": (1.0, 1.0), "unequal groups": (1.0, 0.1)}


@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("parameter", ["lr", "momentum"])
def test_every_policy_and_warmup(parameter: Parameter, groups: str) -> None:
    base = schedule_grid.BASES[parameter][0]
    bases = tuple(base * factor for factor in GROUPS[groups])
    unannounced = {}
    arranged = 0
    for case in cases(parameter):
        config, loop = case.values
        found, notes = compare(
            config, loop=loop, epoch_length=schedule_grid.EPOCH_LENGTH, bases=bases, parameter=parameter
        )
        arranged += found is not None
        if found is not None and found > ROUNDING and only_says_how(notes):
            unannounced[case.id] = found

    assert unannounced == {}
    assert arranged >= 0.8 * len(cases(parameter))


FLOORS = ("poly with floor", "cosine to floor", "cosine to ratio", "flat cosine early", "restart to ratio")
EXACT_FLOORS = {
    "by epoch": ("linear 15", "exp 20", "linear 45", "exp 45", "linear 1 epochs", "exp 2 epochs", "constant 6 epochs"),
    "by iteration in epochs": ("constant 45", "linear 1", "exp 1", "constant 6 epochs"),
    "by iteration": ("constant 45", "linear 1", "exp 1"),
}


@pytest.mark.parametrize("unit", EXACT_FLOORS)
@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_under_these_warmups_is_exact_for_all_groups(floor: str, unit: str) -> None:
    configs = {name: (config, loop) for name, config, loop in schedule_grid.lr_configs()}
    found = {}
    for warmup in EXACT_FLOORS[unit]:
        config, loop = configs[f"{floor}, {warmup}, {unit}"]
        found[warmup] = compare(config, loop=loop, epoch_length=schedule_grid.EPOCH_LENGTH, bases=(0.02, 0.002))[0]

    assert all(relative is not None and relative < ROUNDING for relative in found.values()), found


@pytest.mark.parametrize("parameter", ["lr", "momentum"])
def test_closed_form_is_exact_for_everything(parameter: Parameter) -> None:
    inexact = {}
    for case in cases(parameter):
        config, loop = case.values
        found, _ = compare(
            config,
            loop=loop,
            epoch_length=schedule_grid.EPOCH_LENGTH,
            bases=schedule_grid.BASES[parameter],
            parameter=parameter,
            style="closed-form",
        )
        if found != 0 and not (config.get("by_epoch", parameter == "momentum") and loop.unit == "iter"):
            inexact[case.id] = found

    assert inexact == {}


@st.composite
def policies(draw: st.DrawFn, steps: int) -> dict[str, Any]:
    """Any policy that pulls to zero or to a ratio, with arguments that fit a run of ``steps``."""
    gamma = draw(st.floats(0.3, 0.95))
    milestones = draw(st.lists(st.integers(1, 2 * steps), max_size=4))
    ratio = draw(st.sampled_from([0.0, 0.01, 0.2]))
    periods = draw(st.lists(st.integers(1, steps), min_size=1, max_size=3))
    weights = draw(st.lists(st.floats(0.2, 1.0), min_size=len(periods) + 1, max_size=len(periods) + 1))
    choices: list[dict[str, Any]] = [
        {"policy": "fixed"},
        {"policy": "step", "step": draw(st.integers(1, steps)), "gamma": gamma},
        {"policy": "step", "step": milestones, "gamma": gamma},
        {"policy": "step", "step": sorted(milestones), "gamma": gamma, "min_lr": draw(st.floats(1e-3, 0.2))},
        {"policy": "exp", "gamma": draw(st.floats(0.9, 1.0))},
        {"policy": "poly", "power": draw(st.floats(0.5, 2.0))},
        {"policy": "poly", "power": draw(st.floats(0.5, 2.0)), "min_lr": ratio * 0.1},
        {"policy": "inv", "gamma": draw(st.floats(0.01, 2.0)), "power": draw(st.floats(0.2, 2.0))},
        {"policy": "CosineAnnealing", "min_lr_ratio": ratio},
        {"policy": "FlatCosineAnnealing", "min_lr_ratio": ratio, "start_percent": draw(st.floats(0.0, 1.0))},
        {
            "policy": "CosineRestart",
            "periods": [*periods, steps],
            "restart_weights": weights,
            "min_lr_ratio": ratio,
        },
        {"policy": "LinearAnnealing", "min_lr_ratio": ratio},
        {"policy": "LinearAnnealing", "min_lr": ratio * 0.1},
    ]
    return draw(st.sampled_from(choices))


@st.composite
def schedules(draw: st.DrawFn) -> tuple[dict[str, Any], Loop, int]:
    """(lr_config, run, epoch length) of any policy, unit and warm-up."""
    epoch_length, epochs = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    unit = draw(st.sampled_from(schedule_grid.UNITS))
    steps = epochs if unit == "by epoch" else epochs * epoch_length
    config = draw(policies(steps))
    if unit != "by epoch":
        config["by_epoch"] = False
    kind = draw(st.sampled_from([None, "constant", "linear", "exp"]))
    if kind:
        config |= {"warmup": kind, "warmup_ratio": draw(st.floats(0.001, 1.0))}
        config["warmup_iters"] = draw(st.integers(1, 40))
        if unit != "by iteration" and draw(st.booleans()):
            config |= {"warmup_by_epoch": True, "warmup_iters": draw(st.integers(1, 5))}
    loop = Loop("iter", steps) if unit == "by iteration" else Loop("epoch", epochs)
    return config, loop, epoch_length


@given(schedules(), st.sampled_from([(0.1,), (0.1, 0.01)]))
def test_any_schedule(schedule: tuple[dict[str, Any], Loop, int], bases: tuple[float, ...]) -> None:
    config, loop, epoch_length = schedule

    found, notes = compare(config, loop=loop, epoch_length=epoch_length, bases=bases)

    # Steep warm-ups and late steps of a curve to zero cancel more digits than the grid's.
    assert found is None or found < 1e-9 or not only_says_how(notes)


@given(schedules())
@example(({"policy": "step", "step": [1, 1, 2], "gamma": 0.5, "min_lr": 0.015625}, Loop("epoch", 2), 1))
def test_any_schedule_while_the_epoch_is_unknown(schedule: tuple[dict[str, Any], Loop, int]) -> None:
    config, loop, epoch_length = schedule

    found, notes = compare(config, loop=loop, epoch_length=epoch_length, bases=(0.1,), epoch_known=False)

    assert found is None or found < 1e-9 or any("begin=-1" not in note for note in notes)


@given(schedules(), st.sampled_from([(0.1,), (0.1, 0.01)]))
def test_closed_form_of_any_schedule(schedule: tuple[dict[str, Any], Loop, int], bases: tuple[float, ...]) -> None:
    config, loop, epoch_length = schedule

    found, _ = compare(config, loop=loop, epoch_length=epoch_length, bases=bases, style="closed-form")

    assert found == 0


@st.composite
def momentum_schedules(draw: st.DrawFn) -> tuple[dict[str, Any], Loop, int]:
    """(momentum_config, run, epoch length) of any momentum policy and warm-up."""
    epoch_length, epochs = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    unit = draw(st.sampled_from(schedule_grid.UNITS))
    steps = epochs if unit == "by epoch" else epochs * epoch_length
    choices: list[dict[str, Any]] = [
        {"policy": "step", "step": draw(st.integers(1, steps)), "gamma": draw(st.floats(0.3, 0.95))},
        {"policy": "step", "step": [draw(st.integers(1, steps))], "min_momentum": draw(st.floats(0.3, 0.8))},
        {"policy": "CosineAnnealing", "min_momentum_ratio": draw(st.sampled_from([0.0, 0.2]))},
        {"policy": "LinearAnnealing", "min_momentum_ratio": draw(st.sampled_from([0.0, 0.2]))},
        {"policy": "LinearAnnealing", "min_momentum": draw(st.sampled_from([0.0, 0.2]))},
    ]
    config = draw(st.sampled_from(choices))
    if unit != "by epoch":
        config["by_epoch"] = False
        strategy = draw(st.sampled_from(["cos", "linear"]))
        cyclic = {"policy": "cyclic", "cyclic_times": draw(st.integers(1, min(3, steps))), "anneal_strategy": strategy}
        config = draw(st.sampled_from([config, cyclic]))
    kind = draw(st.sampled_from([None, "constant", "linear", "exp"]))
    if kind:
        config |= {
            "warmup": kind,
            "warmup_ratio": draw(st.floats(0.001, 1.0)),
            "warmup_iters": draw(st.integers(1, 40)),
        }
    return config, Loop("iter", steps) if unit == "by iteration" else Loop("epoch", epochs), epoch_length


@given(momentum_schedules(), st.sampled_from([(0.9,), (0.9, 0.5)]))
def test_any_momentum_schedule(schedule: tuple[dict[str, Any], Loop, int], bases: tuple[float, ...]) -> None:
    config, loop, epoch_length = schedule

    found, notes = compare(config, loop=loop, epoch_length=epoch_length, bases=bases, parameter="momentum")

    # A ratio near 1 makes the inverse line start far away, where its position has fewer digits.
    assert found is None or found < 1e-9 or not only_says_how(notes)
