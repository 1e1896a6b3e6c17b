"""The old dialect's arithmetic is that of MMCV's updater hooks, bit for bit."""

from __future__ import annotations

from typing import Any

import pytest
import schedule_grid
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.schedules import Loop, Parameter, legacy_series
from real_schedules import stepped_by_mmcv

pytestmark = pytest.mark.oracle


def ours(
    config: dict[str, Any], loop: Loop, epoch_length: int, bases: tuple[float, ...], parameter: Parameter
) -> list[list[float]]:
    series = legacy_series(config, loop=loop, epoch_length=epoch_length, bases=bases, parameter=parameter)
    return [series.values(group) for group in range(len(bases))]


def cases(parameter: Parameter) -> list[Any]:
    configs = schedule_grid.lr_configs() if parameter == "lr" else schedule_grid.momentum_configs()
    return [pytest.param(config, loop, id=name) for name, config, loop in configs]


@pytest.mark.parametrize(("config", "loop"), cases("lr"))
def test_learning_rate(config: dict[str, Any], loop: Loop) -> None:
    run = (config, loop, schedule_grid.EPOCH_LENGTH, schedule_grid.BASES["lr"], "lr")

    assert stepped_by_mmcv(*run) == ours(*run)


@pytest.mark.parametrize(("config", "loop"), cases("momentum"))
def test_momentum(config: dict[str, Any], loop: Loop) -> None:
    run = (config, loop, schedule_grid.EPOCH_LENGTH, schedule_grid.BASES["momentum"], "momentum")

    assert stepped_by_mmcv(*run) == ours(*run)


def test_detection_for_twelve_epochs() -> None:
    """The most frequent schedule of all: 87,960 iterations."""
    config = {
        "policy": "step",
        "step": [8, 11],
        "warmup": "linear",
        "warmup_iters": 500,
        "warmup_ratio": 0.001,
    }
    run = (config, Loop("epoch", 12), 7330, (0.02,), "lr")

    assert stepped_by_mmcv(*run) == ours(*run)


@pytest.mark.parametrize("parameter", ["lr", "momentum"])
def test_by_epoch_in_a_run_of_iterations_changes_nothing(parameter: Parameter) -> None:
    config = {"policy": "step", "step": [1], "by_epoch": True, "warmup": "linear", "warmup_iters": 3}
    run = (config, Loop("iter", 8), 2, (0.9,), parameter)

    assert stepped_by_mmcv(*run) == ours(*run) == [[0.9] * 8]


def test_one_maximum_per_group() -> None:
    run = ({"policy": "OneCycle", "max_lr": [0.1, 0.3]}, Loop("iter", 30), 1, (0.02, 0.02), "lr")

    assert stepped_by_mmcv(*run) == ours(*run)


BAD = {
    "policy unknown": {"policy": "stepp"},
    "policy in wrong case": {"policy": "cosineannealing", "min_lr": 0},
    "step missing": {"policy": "step"},
    "step is a tuple": {"policy": "step", "step": (1,)},
    "step is zero": {"policy": "step", "step": 0},
    "no floor": {"policy": "CosineAnnealing"},
    "two floors": {"policy": "CosineAnnealing", "min_lr": 0, "min_lr_ratio": 0},
    "start percent is an int": {"policy": "FlatCosineAnnealing", "min_lr": 0, "start_percent": 1},
    "periods too short": {"policy": "CosineRestart", "periods": [2], "min_lr": 0},
    "periods without weights": {"policy": "CosineRestart", "periods": [9, 9], "min_lr": 0},
    "cyclic by epoch": {"policy": "cyclic", "by_epoch": True},
    "cyclic ratio is a list": {"policy": "cyclic", "target_ratio": [10, 1]},
    "cyclic too often": {"policy": "cyclic", "cyclic_times": 99},
    "one cycle too short": {"policy": "OneCycle", "max_lr": 1, "total_steps": 3},
    "one cycle turns at the start": {"policy": "OneCycle", "max_lr": 1, "pct_start": 1 / 12},
    "inv through a pole": {"policy": "inv", "gamma": -1.0},
    "warm-up unknown": {"policy": "fixed", "warmup": "cosine", "warmup_iters": 3},
    "warm-up without length": {"policy": "fixed", "warmup": "linear"},
    "warm-up length is a float": {"policy": "fixed", "warmup": "linear", "warmup_iters": 3.0},
    "warm-up ratio above one": {"policy": "fixed", "warmup": "linear", "warmup_iters": 3, "warmup_ratio": 2},
}


@pytest.mark.parametrize("config", [pytest.param(config, id=name) for name, config in BAD.items()])
def test_what_mmcv_refuses_gets_a_sentence(config: dict[str, Any]) -> None:
    run = (config, Loop("epoch", 4), 3, (0.1,), "lr")

    with pytest.raises((AssertionError, ArithmeticError, KeyError, TypeError, ValueError)):
        stepped_by_mmcv(*run)
    with pytest.raises(ConfigError, match=r"^lr_config\.?\w*: .+"):
        ours(*run)
