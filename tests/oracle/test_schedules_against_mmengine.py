"""The new dialect's arithmetic is that of MMEngine's schedulers under its runner, bit for bit."""

from __future__ import annotations

from typing import Any

import pytest
import schedule_grid
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.schedules import Loop, Parameter, modern_series
from mmbridge.migrate.rules.arrange import arrange
from real_schedules import stepped_by_mmengine

pytestmark = pytest.mark.oracle
EPOCH_LENGTH = schedule_grid.EPOCH_LENGTH


def ours(
    schedulers: Any, loop: Loop, epoch_length: int, bases: tuple[float, ...], parameter: Parameter
) -> list[list[float]]:
    series = modern_series(schedulers, loop=loop, epoch_length=epoch_length, bases=bases, parameter=parameter)
    return [series.values(group) for group in range(len(bases))]


def arranged(parameter: Parameter, style: str, epoch_length: int | None) -> list[Any]:
    configs = schedule_grid.lr_configs() if parameter == "lr" else schedule_grid.momentum_configs()
    cases = []
    for name, config, loop in configs:
        arrangement = arrange(
            *((config, None) if parameter == "lr" else (None, config)),
            loop=loop,
            base_lr=0.02,
            base_momentum=0.9,
            equal_bases=False,
            style=style,
            epoch_length=epoch_length,
        )
        if arrangement.todo is None:
            cases.append(pytest.param(arrangement.schedulers, loop, id=name))
    return cases


@pytest.mark.parametrize(("schedulers", "loop"), arranged("lr", "builtin", EPOCH_LENGTH))
def test_arranged_learning_rate(schedulers: Any, loop: Loop) -> None:
    run = (schedulers, loop, EPOCH_LENGTH, schedule_grid.BASES["lr"], "lr")

    assert stepped_by_mmengine(*run) == ours(*run)


@pytest.mark.parametrize(("schedulers", "loop"), arranged("lr", "upstream", None))
def test_learning_rate_as_maintainers_write_it(schedulers: Any, loop: Loop) -> None:
    run = (schedulers, loop, EPOCH_LENGTH, schedule_grid.BASES["lr"], "lr")

    assert stepped_by_mmengine(*run) == ours(*run)


@pytest.mark.parametrize(("schedulers", "loop"), arranged("momentum", "builtin", EPOCH_LENGTH))
def test_arranged_momentum(schedulers: Any, loop: Loop) -> None:
    run = (schedulers, loop, EPOCH_LENGTH, schedule_grid.BASES["momentum"], "momentum")

    assert stepped_by_mmengine(*run) == ours(*run)


def one(type: str, **arguments: Any) -> list[dict[str, Any]]:
    return [{"type": type, **arguments}]


LISTS: dict[str, list[dict[str, Any]]] = {
    "every default": one("ConstantLR"),
    "constant that is restored": one("ConstantLR", factor=0.1, end=3),
    "linear that overshoots": one("LinearLR", start_factor=0.5, end=2.5),
    "linear of one step": one("LinearLR", start_factor=0.1, end=1),
    "linear in converted epochs": one("LinearLR", start_factor=0.1, end=2, convert_to_iter_based=True),
    "milestones count from begin": one("MultiStepLR", milestones=[2, 2, 4], begin=3, end=12),
    "milestone at the start": one("MultiStepLR", milestones=[0], gamma=7),
    "milestones in converted epochs": one("MultiStepLR", milestones=[2, 5], convert_to_iter_based=True),
    "interval in converted epochs": one("StepLR", step_size=2, convert_to_iter_based=True),
    "exponential from the middle": one("ExponentialLR", gamma=0.9, begin=4, end=9),
    "cosine that rises again": one("CosineAnnealingLR", T_max=4, eta_min=1e-3),
    "cosine by default": one("CosineAnnealingLR"),
    "cosine in converted epochs": one("CosineAnnealingLR", T_max=6, eta_min_ratio=0.1, convert_to_iter_based=True),
    "poly to the last step": one("PolyLR", power=0.9, eta_min=1e-4),
    "poly by iteration": one("PolyLR", power=2, by_epoch=False),
    "poly with a negative begin": one("PolyLR", power=0.9, by_epoch=False, begin=-1),
    "one cycle": one("OneCycleLR", eta_max=0.1, convert_to_iter_based=True),
    "one cycle per group": one("OneCycleLR", eta_max=[0.1, 0.2, 0.3], total_steps=300, by_epoch=False),
    "restarts that end early": one("CosineRestartLR", periods=[3, 4], restart_weights=[1, 0.5], eta_min=1e-4),
    "restarts in converted epochs": one(
        "CosineRestartLR",
        periods=[3, 9],
        restart_weights=[1, 2],
        eta_min_ratio=0.1,
        convert_to_iter_based=True,
    ),
    "scope in front": one("mmengine.ExponentialLR", gamma=0.5),
    "generic": one("ExponentialParamScheduler", param_name="lr", gamma=0.5),
    "generic for another parameter": one("ExponentialParamScheduler", param_name="weight_decay", gamma=0.5),
    "momentum leaves the learning rate": one("ExponentialMomentum", gamma=0.5),
    "floor after a line": one("LinearLR", start_factor=0.1, end=4) + one("CosineAnnealingLR", eta_min=1e-3),
    "line after a floor": one("CosineAnnealingLR", eta_min=1e-3) + one("LinearLR", start_factor=0.1, end=4),
    "one cycle sets the base of later ones": one("OneCycleLR", eta_max=1.0, total_steps=300, by_epoch=False)
    + one("CosineRestartLR", periods=[6, 6], restart_weights=[1, 1], eta_min_ratio=0.1),
    "nothing": [],
}


@pytest.mark.parametrize("unit", ["epoch", "iter"])
@pytest.mark.parametrize("schedulers", [pytest.param(entry, id=name) for name, entry in LISTS.items()])
def test_lists_that_people_write(schedulers: Any, unit: str) -> None:
    run = (schedulers, schedule_grid.LOOPS[unit], EPOCH_LENGTH, schedule_grid.BASES["lr"], "lr")

    assert stepped_by_mmengine(*run) == ours(*run)


def test_detection_for_twelve_epochs() -> None:
    """The most frequent schedule of all: 87,960 iterations."""
    schedulers = [
        *one("LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=501),
        *one("MultiStepLR", milestones=[8, 11], gamma=0.1, by_epoch=True, begin=0, end=12),
    ]
    run = (schedulers, Loop("epoch", 12), 7330, (0.02,), "lr")

    assert stepped_by_mmengine(*run) == ours(*run)


BAD = {
    "type unknown": one("StepL"),
    "argument unknown": one("StepLR", step_sise=3),
    "argument missing": one("StepLR"),
    "factor above one": one("ConstantLR", factor=2),
    "end before begin": one("ExponentialLR", gamma=0.5, begin=13),
    "start factor zero": one("LinearLR", start_factor=0.0),
    "two floors": one("CosineAnnealingLR", eta_min=0, eta_min_ratio=0),
    "restart without floor": one("CosineRestartLR", periods=[12]),
    "one cycle too short": one("OneCycleLR", eta_max=1, total_steps=3),
    "conversion of iterations": one("ExponentialLR", gamma=0.5, by_epoch=False, convert_to_iter_based=True),
    "first one resumes": one("ExponentialLR", gamma=0.5, last_step=3),
    "no value for the wrapper's own group": one("OneCycleLR", eta_max=[0.1, 0.2]),
}


@pytest.mark.parametrize("schedulers", [pytest.param(entry, id=name) for name, entry in BAD.items()])
def test_what_mmengine_refuses_gets_a_sentence(schedulers: Any) -> None:
    run = (schedulers, schedule_grid.LOOPS["epoch"], EPOCH_LENGTH, schedule_grid.BASES["lr"], "lr")

    with pytest.raises((AssertionError, ArithmeticError, KeyError, TypeError, ValueError)):
        stepped_by_mmengine(*run)
    with pytest.raises(ConfigError, match=r"^param_scheduler\[0\]\.?\w*: .+"):
        ours(*run)


def test_a_scheduler_that_follows_a_metric_has_no_values() -> None:
    with pytest.raises(ConfigError, match="follows a validation metric"):
        ours(one("ReduceOnPlateauLR"), Loop("epoch", 2), 2, (0.1,), "lr")
