"""The scheduler that plays the old formula, on a plain optimizer of torch; no engine is installed here."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import schedule_grid
import torch
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.schedules import Loop, Parameter, legacy_series
from mmbridge.runners.closed_form import LegacyPolicyLR, LegacyPolicyMomentum

LENGTH = schedule_grid.EPOCH_LENGTH
Kind = type[LegacyPolicyLR]
KINDS: dict[Parameter, Kind] = {"lr": LegacyPolicyLR, "momentum": LegacyPolicyMomentum}
POLY = {"policy": "poly", "min_lr": 1e-4, "by_epoch": False, "warmup": "linear", "warmup_iters": 3}


def optimizer_of(*values: float, parameter: str = "lr", kind: Any = torch.optim.SGD) -> Any:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], parameter: value} for value in values]
    return kind(groups, lr=0.1)


def built(
    kind: type[LegacyPolicyLR], optimizer: Any, config: dict[str, Any], loop: Loop, **more: Any
) -> LegacyPolicyLR:
    if loop.unit == "epoch":
        return kind.build_iter_from_epoch(
            optimizer=optimizer, config=config, end=loop.length, epoch_length=LENGTH, **more
        )
    return kind(optimizer, config, end=loop.length, **more)


def played(scheduler: LegacyPolicyLR, iterations: int) -> list[list[float]]:
    """The values of all groups at every iteration: the scheduler steps after each."""
    values = []
    for _ in range(iterations):
        values.append(scheduler.get_last_value())
        assert values[-1] == [scheduler.read(group) for group in scheduler.optimizer.param_groups]
        scheduler.step()
    return values


def old(config: dict[str, Any], loop: Loop, bases: tuple[float, ...], parameter: Parameter) -> list[list[float]]:
    series = legacy_series(config, loop=loop, epoch_length=LENGTH, bases=bases, parameter=parameter)
    return [[series.at(i, group) for group in range(len(bases))] for i in range(series.iterations)]


CASES = [
    *(pytest.param("lr", config, loop, id=f"lr: {name}") for name, config, loop in schedule_grid.lr_configs()),
    *(
        pytest.param("momentum", config, loop, id=f"momentum: {name}")
        for name, config, loop in schedule_grid.momentum_configs()
    ),
]


@pytest.mark.parametrize(("parameter", "config", "loop"), CASES[::7])
def test_plays_the_old_values(parameter: Parameter, config: dict[str, Any], loop: Loop) -> None:
    """Every seventh of all policies and warm-ups; all of them are played in the real engines."""
    bases = schedule_grid.BASES[parameter]
    scheduler = built(KINDS[parameter], optimizer_of(*bases, parameter=parameter), config, loop)

    assert old(config, loop, bases, parameter) == played(scheduler, loop.iterations(LENGTH))


def test_the_last_value_stays() -> None:
    scheduler = LegacyPolicyLR(optimizer_of(0.1), {"policy": "poly", "by_epoch": False}, end=4)
    values = played(scheduler, 7)

    assert values[3:] == [values[3]] * 4
    assert 4 == len({value for (value,) in values})


def test_adam_moves_its_first_beta() -> None:
    config = {"policy": "step", "step": [2], "by_epoch": False}
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], betas=(0.8, 0.99))
    scheduler = LegacyPolicyMomentum(optimizer, config, end=4)
    betas = []
    for _ in range(4):
        betas.append(optimizer.param_groups[0]["betas"])
        scheduler.step()

    assert betas == [(0.8, 0.99), (0.8, 0.99), (0.4, 0.99), (0.4, 0.99)]
    assert [0.4] == scheduler.get_last_value()


def test_momentum_of_an_optimizer_without() -> None:
    with pytest.raises(KeyError, match="betas"):
        LegacyPolicyMomentum(
            torch.optim.Adagrad([torch.nn.Parameter(torch.zeros(1))]), {"policy": "step", "step": 1}, end=2
        )


@pytest.mark.parametrize("at", [0, 1, 17, 119])
def test_resumed_in_the_middle(at: int) -> None:
    loop, bases = Loop("epoch", 6), (0.2, 0.02)
    whole = old(POLY, loop, bases, "lr")
    first = built(LegacyPolicyLR, optimizer_of(*bases), POLY, loop)
    played(first, at)
    optimizer = optimizer_of(*bases)
    second = built(LegacyPolicyLR, optimizer, POLY, loop)
    optimizer.load_state_dict(first.optimizer.state_dict())
    second.load_state_dict(first.state_dict())

    assert whole[at:] == played(second, len(whole) - at)
    assert {"last_step": at, "base_values": [0.2, 0.02]} == first.state_dict()


def test_resumed_for_longer_follows_the_longer_curve() -> None:
    longer = Loop("epoch", 9)
    first = built(LegacyPolicyLR, optimizer_of(0.2), POLY, Loop("epoch", 6))
    played(first, 50)
    second = built(LegacyPolicyLR, optimizer_of(0.7), POLY, longer)
    second.load_state_dict(first.state_dict())

    assert old(POLY, longer, (0.2,), "lr")[50:] == played(second, longer.iterations(LENGTH) - 50)


def test_resumed_by_its_last_step() -> None:
    loop = Loop("epoch", 6)
    optimizer = optimizer_of(0.7)
    optimizer.param_groups[0]["initial_lr"] = 0.2
    scheduler = built(LegacyPolicyLR, optimizer, POLY, loop, last_step=49)

    assert old(POLY, loop, (0.2,), "lr")[50:] == played(scheduler, loop.iterations(LENGTH) - 50)


def test_last_step_without_initial_values() -> None:
    with pytest.raises(KeyError, match="initial_lr"):
        LegacyPolicyLR(optimizer_of(0.1), POLY, end=9, last_step=3)


def test_state_of_another_scheduler() -> None:
    scheduler = LegacyPolicyLR(optimizer_of(0.1), POLY, end=9)

    with pytest.raises(ValueError, match="LegacyPolicyLR: the checkpoint's schedule is of another kind, with gamma"):
        scheduler.load_state_dict({"gamma": 0.1, "last_step": 3, "base_values": [0.1]})


def test_one_value_per_group_beside_the_settings_of_a_wrapper() -> None:
    """MMEngine's wrapper lists its own settings behind the groups: they are no group of the old run."""
    config = {"policy": "OneCycle", "max_lr": [0.1, 0.3]}
    optimizer = optimizer_of(0.02, 0.04, 0.02)
    optimizer.base_param_settings = optimizer.param_groups[-1]
    loop = Loop("iter", 30)
    values = played(built(LegacyPolicyLR, optimizer, config, loop), 30)

    assert old(config, loop, (0.02, 0.04), "lr") == [row[:2] for row in values]
    assert [row[0] for row in values] == [row[2] for row in values]


@pytest.mark.parametrize(
    ("config", "frame", "expected"),
    [
        pytest.param(POLY, {"end": 9, "by_epoch": True}, "add convert_to_iter_based=True", id="by epoch"),
        pytest.param(POLY, {"end": 9, "begin": 1}, "must begin at 0", id="begins later"),
        pytest.param({"policy": "stepp"}, {"end": 9}, "did you mean", id="unknown policy"),
        pytest.param({"policy": "OneCycle", "max_lr": [1, 2]}, {"end": 9}, "2 values for 1", id="too many values"),
    ],
)
def test_what_cannot_be_played(config: dict[str, Any], frame: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        LegacyPolicyLR(optimizer_of(0.1), config, **frame)


def test_a_schedule_by_iteration_is_not_converted() -> None:
    with pytest.raises(ConfigError, match="needs by_epoch=True"):
        LegacyPolicyLR.build_iter_from_epoch(optimizer_of(0.1), POLY, end=9, epoch_length=2, by_epoch=False)


def test_verbose_logs_every_value(capsys: pytest.CaptureFixture[str]) -> None:
    LegacyPolicyLR(optimizer_of(0.1, 0.2), {"policy": "fixed"}, end=9, verbose=True)
    lines = capsys.readouterr().out.splitlines()

    assert ["lr of group 0 is now 1.0000e-01", "lr of group 1 is now 2.0000e-01"] == [
        line.rpartition(" - ")[2] for line in lines
    ]


def test_importing_needs_neither_engine() -> None:
    code = "import sys; sys.modules['mmengine'] = None; import mmbridge.runners.closed_form as m; m.LegacyPolicyLR"

    assert 0 == subprocess.run([sys.executable, "-c", code]).returncode
