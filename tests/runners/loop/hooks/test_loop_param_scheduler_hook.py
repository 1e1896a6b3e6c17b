from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from mmbridge.runners.loop.hooks import ParamSchedulerHook

Train = Callable[..., Any]

STEPS = {"type": "MultiStepLR", "milestones": [1], "gamma": 0.1}
BY_ITER = {"type": "LinearLR", "start_factor": 0.5, "end": 3, "by_epoch": False}
PLATEAU = {"type": "ReduceOnPlateauLR", "monitor": "loss", "patience": 1, "factor": 0.5}


def rates(runner: Any) -> list[float]:
    return [round(float(rate), 5) for rate in runner.message_hub.get_scalar("train/lr").data[0]]


@pytest.mark.parametrize(
    ("schedulers", "expected"),
    [
        pytest.param(None, [1, 1, 1, 1], id="none"),
        pytest.param(STEPS, [1, 1, 0.1, 0.1], id="by epoch"),
        pytest.param(BY_ITER, [0.5, 0.75, 1, 1], id="by iteration"),
        pytest.param([BY_ITER, STEPS], [0.5, 0.75, 0.1, 0.1], id="both"),
    ],
)
def test_when_schedulers_step(schedulers: Any, expected: list[float], trained: Train) -> None:
    assert expected == rates(trained(param_scheduler=schedulers))


def test_a_scheduler_of_metrics_steps_after_each_validation(trained: Train) -> None:
    runner = trained(epochs=5, batches=1, scores=[{"loss": 1.0}], param_scheduler=PLATEAU)

    assert [1, 1, 1, 0.5, 0.5] == rates(runner)


def test_schedulers_by_optimizer_all_step() -> None:
    def scheduler(by_epoch: bool) -> Any:
        each = SimpleNamespace(by_epoch=by_epoch, steps=0)
        each.step = lambda: setattr(each, "steps", each.steps + 1)
        return each

    ones = {"a": [scheduler(True), scheduler(False)], "b": [scheduler(False)]}
    hook, runner = ParamSchedulerHook(), SimpleNamespace(param_schedulers=ones)
    hook.after_train_iter(runner, 0)
    hook.after_train_iter(runner, 1)
    hook.after_train_epoch(runner)

    assert {"a": [1, 2], "b": [2]} == {name: [each.steps for each in some] for name, some in ones.items()}


@pytest.mark.parametrize("schedulers", [STEPS, [STEPS], {"a": STEPS, "b": [STEPS]}])
def test_a_run_that_only_validates_steps_nothing(schedulers: Any, make: Train) -> None:
    assert {"acc": 1.0} == make(scores=[{"acc": 1.0}], param_scheduler=schedulers).val()


def test_anything_else_is_told() -> None:
    runner = SimpleNamespace(param_schedulers=3)

    with pytest.raises(TypeError, match=r"must be a list of schedulers, .* found int"):
        ParamSchedulerHook().after_train_iter(runner, 0)
