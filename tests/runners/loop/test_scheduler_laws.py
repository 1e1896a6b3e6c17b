"""What holds for any list of schedulers: the proof computes the values they set, and a resumed run goes on the same."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
import scheduler_lists
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.schedules import Loop, modern_series
from mmbridge.runners.loop import scheduler as schedulers
from mmbridge.runners.loop.optim import OptimWrapper
from mmbridge.runners.loop.registry import PARAM_SCHEDULERS
from scheduler_lists import EPOCH_LENGTH, Run

EPOCHS = 6
BASES = (0.1, 0.03)
REFUSED = (ArithmeticError, LookupError, ValueError)
"""What a scheduler raises that cannot be built, or has no value at some step."""


def run_of(configs: list[dict[str, Any]]) -> Run:
    """A run of several groups, in a wrapper; schedulers without an end get the run's, as the Runner does it."""
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in BASES]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9, weight_decay=0.05)
    ended = []
    for config in configs:
        by_epoch = config.get("by_epoch", True)
        ended.append({"end": EPOCHS if by_epoch else EPOCHS * EPOCH_LENGTH, **config})
    return Run(OptimWrapper(optimizer), PARAM_SCHEDULERS, ended)


@given(scheduler_lists.lists(parameters=("lr",), last_step=False))
def test_the_proof_computes_what_is_set(configs: list[dict[str, Any]]) -> None:
    try:
        series = modern_series(configs, loop=Loop("epoch", EPOCHS), epoch_length=EPOCH_LENGTH, bases=BASES)
    except ConfigError:
        assume(False)
    run = run_of(configs)
    values: list[list[float]] = []
    for iteration in range(series.iterations):
        values.append([group["lr"] for group in run.optimizer.optimizer.param_groups])
        if iteration + 1 < series.iterations:
            run.step()

    assert [[series.at(iteration, group) for group in (0, 1)] for iteration in range(series.iterations)] == values


def saved_and_loaded(state: Any) -> Any:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@given(scheduler_lists.lists(), st.integers(0, 12))
def test_a_resumed_run_goes_on_the_same(configs: list[dict[str, Any]], at: int) -> None:
    """From a file that torch loads without running code."""
    whole: list[str] = []
    try:
        first, second = run_of(configs), run_of(configs)
        for iteration in range(EPOCHS * EPOCH_LENGTH):
            if iteration == at:
                second.resume(saved_and_loaded(first.state()))
            if iteration >= at:
                whole.append(first.seen())
            first.step()
    except REFUSED:
        assume(False)
    rest = []
    for _ in whole:
        rest.append(second.seen())
        second.step()

    assert whole == rest


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)


def test_a_resumed_plateau_goes_on_the_same() -> None:
    first = schedulers.ReduceOnPlateauLR(optimizer(), patience=1, factor=0.5)
    for loss in (1, 0.9, 0.9):
        first.step({"loss": torch.tensor(loss)})
    second = schedulers.ReduceOnPlateauLR(optimizer())
    second.load_state_dict(saved_and_loaded(first.state_dict()))
    for each in (first, second):
        each.step({"loss": 0.9})

    assert [0.5] == first.get_last_value() == second.get_last_value()
    assert first.state_dict() == second.state_dict()


def test_a_longer_run_keeps_the_saved_end() -> None:
    """As with MMEngine: the arguments are part of the state, those of the new config are given up."""
    saved = schedulers.CosineAnnealingLR(optimizer(), T_max=4, end=4).state_dict()
    longer = schedulers.CosineAnnealingLR(optimizer(), T_max=8, end=8)
    longer.load_state_dict(saved)

    assert (4, 4) == (longer.T_max, longer.end)


def test_a_state_of_another_scheduler_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    step = schedulers.StepLR(optimizer(), step_size=3)
    step.load_state_dict(schedulers.ExponentialLR(optimizer(), gamma=0.7).state_dict())
    told = capsys.readouterr().out

    assert 0.7 == step.gamma
    assert "StepLR: the checkpoint's schedule is of another kind or version: the two differ in step_size." in told


def test_a_state_of_the_same_scheduler_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    schedulers.StepLR(optimizer(), step_size=3).load_state_dict(
        schedulers.StepLR(optimizer(), step_size=2).state_dict()
    )

    assert "" == capsys.readouterr().out


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(SimpleNamespace(__name__="_annealing_linear"), id="itself"),
        pytest.param("_annealing_linear", id="its name, read from a file"),
    ],
)
def test_mmengine_saves_the_strategy_as_a_method(method: Any, capsys: pytest.CaptureFixture[str]) -> None:
    cycle = schedulers.OneCycleLR(optimizer(), eta_max=1.0, total_steps=5)
    state = {key: value for key, value in cycle.state_dict().items() if key != "anneal_strategy"}
    cycle.load_state_dict({**state, "anneal_func": method})

    assert "linear" == cycle.anneal_strategy
    assert "anneal_func" not in cycle.state_dict()
    assert "" == capsys.readouterr().out
