"""Values that MMCV 1.7.2's own hooks were seen to set."""

from __future__ import annotations

from typing import Any

import pytest
import schedule_grid
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.schedules import Loop, legacy_series, policy_named, read_policy

PRINTED = 5e-5  # the recorded values have at least four decimals


def lr(config: dict[str, Any] | None, epochs: int, epoch_length: int = 1) -> list[float]:
    return legacy_series(config, loop=Loop("epoch", epochs), epoch_length=epoch_length, bases=[1.0]).values()


def lr_by_iteration(config: dict[str, Any], iterations: int) -> list[float]:
    return legacy_series(config, loop=Loop("iter", iterations), epoch_length=1, bases=[1.0]).values()


def momentum(config: dict[str, Any], iterations: int) -> list[float]:
    loop = Loop("iter", iterations)
    return legacy_series(config, loop=loop, epoch_length=1, bases=[0.9], parameter="momentum").values()


def warmup(kind: str, length: int, **others: Any) -> dict[str, Any]:
    return {"warmup": kind, "warmup_iters": length, "warmup_ratio": 0.1, **others}


OBSERVED: dict[str, tuple[list[float], list[float]]] = {
    "step list": (
        lr({"policy": "step", "step": [1, 2]}, 4, 2),
        [1, 1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01],
    ),
    "step every two above a floor": (
        lr({"policy": "step", "step": 2, "gamma": 0.5, "min_lr": 0.3}, 6),
        [1, 1, 0.5, 0.5, 0.3, 0.3],
    ),
    "step list out of order jumps once": (
        lr({"policy": "step", "step": [3, 1]}, 5),
        [1, 1, 1, 0.01, 0.01],
    ),
    "linear warm-up across an epoch": (
        lr({"policy": "step", "step": [2], **warmup("linear", 5)}, 3, 3),
        [0.1, 0.28, 0.46, 0.64, 0.82, 1.0, 0.1, 0.1, 0.1],
    ),
    "constant warm-up across a decay": (
        lr({"policy": "step", "step": [1], **warmup("constant", 5)}, 3, 3),
        [0.1, 0.1, 0.1, 0.01, 0.01, 0.1, 0.1, 0.1, 0.1],
    ),
    "poly under exponential warm-up": (
        lr_by_iteration({"policy": "poly", **warmup("exp", 4)}, 6),
        [0.1, 0.14819, 0.21082, 0.28117, 0.33333, 0.16667],
    ),
    "fixed under exponential warm-up": (
        lr({"policy": "fixed", **warmup("exp", 4)}, 1, 5),
        [0.1, 0.17783, 0.31623, 0.56234, 1],
    ),
    "warm-up of one epoch": (
        lr({"policy": "fixed", **warmup("linear", 1, warmup_by_epoch=True)}, 2, 3),
        [0.1, 0.4, 0.7, 1, 1, 1],
    ),
    "cosine": (lr({"policy": "CosineAnnealing", "min_lr_ratio": 0.1}, 4), [1, 0.8682, 0.55, 0.2318]),
    "flat cosine rounds half to even": (
        lr({"policy": "FlatCosineAnnealing", "start_percent": 0.5, "min_lr": 0}, 5),
        [1, 1, 1, 0.75, 0.25],
    ),
    "cosine with restarts": (
        lr({"policy": "CosineRestart", "periods": [2, 2], "restart_weights": [1, 0.5], "min_lr": 0}, 4),
        [1, 0.5, 0.5, 0.25],
    ),
    "cyclic": (
        lr_by_iteration({"policy": "cyclic", "target_ratio": (10, 0.1)}, 10),
        [1, 2.318, 5.5, 8.682, 10, 9.3368, 7.525, 5.05, 2.575, 0.7632],
    ),
    "cyclic twice and flatter": (
        lr_by_iteration({"policy": "cyclic", "target_ratio": (10, 0.1), "cyclic_times": 2, "gamma": 0.5}, 10),
        [1, 5.5, 10, 7.525, 2.575, 1, 3.25, 5.5, 4.15, 1.45],
    ),
    "one cycle": (
        lr_by_iteration({"policy": "OneCycle", "max_lr": 1}, 10),
        [0.04, 0.52, 1, 0.9505, 0.8117, 0.6113, 0.3887, 0.1883, 0.0495, 4e-6],
    ),
    "one cycle in three phases": (
        lr_by_iteration(
            {"policy": "OneCycle", "max_lr": 1, "three_phase": True, "anneal_strategy": "linear", "pct_start": 0.4}, 10
        ),
        [0.04, 0.36, 0.68, 1, 0.68, 0.36, 0.04, 0.02667, 0.01334, 4e-6],
    ),
    "cosine by iteration under linear warm-up": (
        lr_by_iteration({"policy": "CosineAnnealing", "min_lr": 0, **warmup("linear", 2, warmup_ratio=0.5)}, 4),
        [0.5, 0.64017, 0.5, 0.14645],
    ),
    "momentum is divided by a linear warm-up": (
        momentum({"policy": "step", "step": 9, "by_epoch": False, "warmup": "linear", "warmup_iters": 3}, 5),
        [1.0, 0.964286, 0.931034, 0.9, 0.9],
    ),
    "momentum is divided by a constant warm-up": (
        momentum({"policy": "step", "step": 9, "by_epoch": False, "warmup": "constant", "warmup_iters": 3}, 4),
        [1.0, 1.0, 1.0, 0.9],
    ),
    "momentum cyclic": (
        momentum({"policy": "cyclic"}, 10),
        [0.9, 0.886126, 0.852632, 0.819137, 0.805263, 0.811609, 0.828947, 0.852632, 0.876316, 0.893654],
    ),
    "momentum one cycle in three phases": (
        momentum({"policy": "OneCycle", "three_phase": True, "pct_start": 0.4}, 10),
        [0.95, 0.925, 0.875, 0.85, 0.875, 0.925, 0.95, 0.95, 0.95, 0.95],
    ),
    "no config": (lr(None, 2, 2), [1, 1, 1, 1]),
}


@pytest.mark.parametrize(("found", "expected"), [pytest.param(*case, id=name) for name, case in OBSERVED.items()])
def test_observed_values(found: list[float], expected: list[float]) -> None:
    assert found == pytest.approx(expected, rel=0, abs=PRINTED)


@pytest.mark.parametrize("parameter", ["lr", "momentum"])
def test_by_epoch_in_a_run_of_iterations_changes_nothing(parameter: Any) -> None:
    config = {"policy": "step", "step": [1], "by_epoch": True, "warmup": "linear", "warmup_iters": 2}

    series = legacy_series(config, loop=Loop("iter", 5), epoch_length=1, bases=[0.9], parameter=parameter)

    assert [0.9] * 5 == series.values()


def test_a_run_of_iterations_makes_them_the_unit_of_the_learning_rate_only() -> None:
    config = {"policy": "step", "step": [3]}

    assert not read_policy(config, unit="iter", parameter="lr").by_epoch
    assert read_policy(config, unit="iter", parameter="momentum").by_epoch


def test_a_long_step_schedule_has_as_many_runs_as_changes() -> None:
    config = {"policy": "step", "step": [60_000, 80_000], "by_epoch": False}

    series = legacy_series(config, loop=Loop("iter", 100_000), epoch_length=1, bases=[1.0])

    assert [(0, 60_000), (60_000, 80_000), (80_000, 100_000)] == [(run.start, run.stop) for run in series.runs]


@pytest.mark.parametrize(
    ("spelling", "hook"),
    [
        ("step", "StepLrUpdaterHook"),
        ("Step", "StepLrUpdaterHook"),
        ("CosineAnnealing", "CosineAnnealingLrUpdaterHook"),
    ],
)
def test_a_policy_in_lower_case_gets_title_case(spelling: str, hook: str) -> None:
    assert hook == policy_named(spelling).hook


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "policy missing": ({}, "lr_config.policy: missing"),
    "policy is no name": ({"policy": 3}, "must be the name of a policy, got 3"),
    "policy misspelt": ({"policy": "ploy"}, "did you mean 'Poly'"),
    "mixed case is kept": ({"policy": "cosineannealing"}, "did you mean 'CosineAnnealing'"),
    "argument missing": ({"policy": "step"}, "lr_config.step: missing; it must be a positive integer or a list"),
    "argument of wrong type": ({"policy": "poly", "power": "2"}, "lr_config.power: must be a number, got '2'"),
    "floor missing": ({"policy": "CosineAnnealing"}, "exactly one of"),
    "periods too short": ({"policy": "CosineRestart", "periods": [2], "min_lr": 0}, "lr_config.periods: "),
    "cyclic by epoch": ({"policy": "cyclic", "by_epoch": True}, "works by iteration only"),
    "warm-up unknown": ({"policy": "fixed", "warmup": "lin"}, "did you mean 'linear'"),
    "pole": ({"policy": "inv", "gamma": -0.5}, "policy 'Inv' has no value: "),
    "complex": ({"policy": "inv", "gamma": -0.7, "power": 0.5}, "is complex"),
    "one value for two groups": ({"policy": "OneCycle", "max_lr": [1, 2, 3]}, "3 values for 2 parameter groups"),
}


@pytest.mark.parametrize(("config", "words"), [pytest.param(*case, id=name) for name, case in REFUSED.items()])
def test_a_bad_config_gets_a_sentence(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        legacy_series(config, loop=Loop("epoch", 4), epoch_length=2, bases=[1.0, 2.0])


def test_a_warmup_in_epochs_needs_epochs() -> None:
    config = {"policy": "fixed", **warmup("linear", 1, warmup_by_epoch=True)}

    with pytest.raises(ConfigError, match="a run counted in iterations has no epochs"):
        legacy_series(config, loop=Loop("iter", 4), epoch_length=2, bases=[1.0])


def test_keys_left_over_from_another_policy_play_no_part() -> None:
    config = {"policy": "fixed", "step": [8], "gamma": 0.1}

    assert ("step", "gamma") == read_policy(config, unit="epoch").ignored
    assert [1.0, 1.0] == lr(config, 2)


@given(st.sampled_from(list(schedule_grid.lr_configs())), st.integers(0, 239))
def test_scaling_every_base_scales_every_value_of_a_ratio_curve(case: Any, iteration: int) -> None:
    _, config, loop = case
    if config.get("min_lr") or config["policy"] == "OneCycle":
        return

    series = legacy_series(config, loop=loop, epoch_length=schedule_grid.EPOCH_LENGTH, bases=(0.25, 1.0))

    # a power of two scales every intermediate value without rounding
    assert series.at(iteration, 0) * 4 == series.at(iteration, 1)
