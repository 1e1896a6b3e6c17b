from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.hooks import HOOKS, LrUpdaterHook
from mmbridge.runners.hooks.lr_updater import OneCycleLrUpdaterHook, StepLrUpdaterHook
from mmbridge.runners.hooks.momentum_updater import OneCycleMomentumUpdaterHook, StepMomentumUpdaterHook
from torch import nn

UPDATERS = sorted(name for name in HOOKS.module_dict if name.endswith("UpdaterHook"))


def optimizer(**options: Any) -> Any:
    return torch.optim.SGD([nn.Parameter(torch.zeros(1))], **{"lr": 1.0, **options})


def driven(hook: Any, steps: int, epoch_length: int = 100, **attributes: Any) -> list[Any]:
    """The first group's value at each iteration of a run counted in epochs."""
    runner = SimpleNamespace(
        optimizer=optimizer(momentum=0.9),
        data_loader=[0] * epoch_length,
        max_iters=steps,
        max_epochs=steps // epoch_length,
        **attributes,
    )
    key = hook.parameter
    hook.before_run(runner)
    values = []
    for runner.iter in range(steps):
        runner.epoch = runner.iter // epoch_length
        if runner.iter % epoch_length == 0:
            hook.before_train_epoch(runner)
        hook.before_train_iter(runner)
        values.append(round(runner.optimizer.param_groups[0][key], 6))
    return values


def test_linear_warm_up_crosses_epochs() -> None:
    hook = StepLrUpdaterHook([2], warmup="linear", warmup_iters=5, warmup_ratio=0.1)

    assert driven(hook, 9, 3) == [0.1, 0.28, 0.46, 0.64, 0.82, 1.0, 0.1, 0.1, 0.1]


def test_arguments_may_be_positional() -> None:
    hook = StepLrUpdaterHook(2, 0.5, 0.3)

    assert (hook.step, hook.gamma, hook.min_lr, hook.by_epoch) == (2, 0.5, 0.3, True)


@pytest.mark.parametrize("name", UPDATERS)
def test_signatures_show_the_arguments(name: str) -> None:
    parameters = inspect.signature(HOOKS.module_dict[name]).parameters

    assert "warmup" in parameters or "kwargs" in parameters


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        pytest.param(
            lambda: StepLrUpdaterHook((1, 2)), BridgeError, "must be a positive integer or a list", id="tuple"
        ),
        pytest.param(lambda: StepLrUpdaterHook(), BridgeError, "StepLrUpdaterHook.step: missing", id="missing"),
        pytest.param(lambda: StepLrUpdaterHook(1, 2, 3, 4), TypeError, "takes 3 positional", id="too many"),
        pytest.param(lambda: StepLrUpdaterHook(1, step=2), TypeError, "'step' is given twice", id="twice"),
        pytest.param(
            lambda: StepLrUpdaterHook(1, warmups=2), TypeError, "no argument 'warmups'; it takes", id="unknown"
        ),
        pytest.param(lambda: StepLrUpdaterHook(1, warmup="quadratic"), ValueError, "valid types are", id="warm-up"),
        pytest.param(
            lambda: StepLrUpdaterHook(1, warmup="exp", warmup_iters=1.5), ValueError, "positive integer", id="fraction"
        ),
        pytest.param(
            lambda: StepLrUpdaterHook(1, warmup="exp", warmup_iters=1, warmup_ratio=2), ValueError, "range", id="ratio"
        ),
        pytest.param(
            lambda: OneCycleLrUpdaterHook(1.0, by_epoch=True), ValueError, "works by iteration only", id="by epoch"
        ),
    ],
)
def test_wrong_arguments_are_named(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_run_needs_an_optimizer() -> None:
    with pytest.raises(BridgeError, match="no optimizer whose lr to set"):
        StepLrUpdaterHook(1).before_run(SimpleNamespace(optimizer=None))


def test_warm_up_by_epoch_needs_epochs() -> None:
    hook = StepLrUpdaterHook(1, warmup="linear", warmup_iters=1, warmup_by_epoch=True)

    with pytest.raises(BridgeError, match="needs a runner that counts epochs"):
        hook.before_train_iter(SimpleNamespace(iter=0))


def test_momentum_warm_up_divides() -> None:
    hook = StepMomentumUpdaterHook([99], warmup="linear", warmup_iters=3, warmup_ratio=0.9)

    assert driven(hook, 5, 5) == [1.0, 0.964286, 0.931034, 0.9, 0.9]


def test_momentum_needs_an_optimizer_with_it() -> None:
    adagrad = torch.optim.Adagrad([nn.Parameter(torch.zeros(1))])

    with pytest.raises(KeyError, match="betas"):
        StepMomentumUpdaterHook(1).before_run(SimpleNamespace(optimizer=adagrad))
    with pytest.raises(ValueError, match="Adagrad has no momentum"):
        OneCycleMomentumUpdaterHook().before_run(SimpleNamespace(optimizer=adagrad))


def test_one_cycle_per_group_and_per_optimizer() -> None:
    groups = torch.optim.SGD(
        [{"params": [nn.Parameter(torch.zeros(1))]}, {"params": [nn.Parameter(torch.zeros(1))]}], lr=9.0
    )
    hook = OneCycleLrUpdaterHook([1.0, 2.0])
    runner = SimpleNamespace(optimizer=groups, max_iters=10, max_epochs=1, iter=0, epoch=0)
    hook.before_run(runner)

    assert hook.get_regular_lr(runner) == pytest.approx([0.04, 0.08])  # the cosine of 0 is not exact there

    both = {"a": optimizer(), "b": optimizer()}
    hook = OneCycleLrUpdaterHook(max_lr={"a": 1.0, "b": 4.0})
    runner.optimizer = both
    hook.before_run(runner)

    assert {name: round(rates[0], 9) for name, rates in hook.get_regular_lr(runner).items()} == {"a": 0.04, "b": 0.16}
    assert both["b"].param_groups[0]["initial_lr"] == 0.16


def test_one_cycle_says_at_once_that_its_steps_are_too_few() -> None:
    runner = SimpleNamespace(optimizer=optimizer(), max_iters=10, max_epochs=1, iter=0, epoch=0)

    with pytest.raises(BridgeError, match="at least the run's 10 iterations, got 5"):
        OneCycleLrUpdaterHook(1.0, total_steps=5).before_run(runner)


class Halving(LrUpdaterHook):
    """As users write their own."""

    def get_lr(self, runner: Any, base_lr: float) -> float:
        return base_lr / (runner.iter + 1)

    def get_warmup_lr(self, cur_iters: int) -> Any:
        return [7.0 for _ in self.base_lr]


def test_own_curves_and_warm_ups() -> None:
    hook = Halving(by_epoch=False, warmup="linear", warmup_iters=2)

    assert driven(hook, 4) == [7.0, 7.0, round(1 / 3, 6), 0.25]


class OwnStep(StepLrUpdaterHook):  # type: ignore[misc, valid-type]
    def get_lr(self, runner: Any, base_lr: float) -> float:
        return float(super().get_lr(runner, base_lr)) + 1


def test_a_policy_may_be_overridden() -> None:
    assert driven(OwnStep(step=[1]), 2, 1) == [2.0, 1.1]


def test_a_base_without_a_curve_says_so() -> None:
    with pytest.raises(NotImplementedError, match="must define get_lr"):
        driven(LrUpdaterHook(), 1, 1)
