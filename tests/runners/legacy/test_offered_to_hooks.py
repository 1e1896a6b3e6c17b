"""Hooks written for MMEngine find in the runners of MMCV 1.x what they read."""

from __future__ import annotations

import weakref
from typing import Any

import pytest
import torch
from mmbridge.compat.hook import EngineHook
from mmbridge.runners.hooks import EvalHook
from torch.utils.data import DataLoader


class Informing(EngineHook):
    """In the manner of MMEngine's RuntimeInfoHook."""

    def before_train(self, runner: Any) -> None:
        runner.message_hub.update_info("dataset", len(runner.train_dataloader.dataset))
        self.before = sorted(runner.optim_wrapper.get_lr())

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        runner.message_hub.update_scalar("train/rate", runner.optim_wrapper.get_lr()["lr"][0])
        runner.message_hub.update_scalar("train/momentum", runner.optim_wrapper.get_momentum()["momentum"][0])

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        runner.message_hub.update_info("left", runner.train_loop.max_iters - runner.train_loop.iter - 1)


@pytest.mark.parametrize("kind", ["epochs", "iters"])
def test_a_hook_that_informs(kind: str, request: pytest.FixtureRequest, data: Any) -> None:
    runner = request.getfixturevalue(kind)(meta={"exp_name": "toy.py", "seed": 3})
    hook = Informing()
    runner.register_lr_hook({"policy": "exp", "gamma": 0.5, "by_epoch": False})
    runner.register_hook(hook)
    runner.run([data(2)], [("train", 1)])
    hub = runner.message_hub
    histories = {name: history.data[0].tolist() for name, history in hub.log_scalars.items()}

    assert hook.before == ["lr"]
    assert histories == {
        "train/rate": [1.0, 0.5, 0.25, 0.125],
        "train/lr": [1.0, 0.5, 0.25, 0.125],
        "train/momentum": [0.0] * 4,
        "train/loss": [1.0] * 4,
    }
    assert (hub.get_info("dataset"), hub.get_info("left"), hub.get_info("iter"), runner.seed) == (2, 0, 3, 3)
    assert hub.instance_name == f"toy_{runner.timestamp}"


def test_nothing_is_made_that_nobody_asks_for(epochs: Any, data: Any) -> None:
    runner = epochs()
    runner.run([data(2)], [("train", 1)])

    assert (runner._hub, runner._view, runner._optim_wrapper) == (None, None, None)


def test_wrappers_follow_the_optimizer(epochs: Any) -> None:
    runner = epochs()
    first = runner.optim_wrapper
    two = {name: torch.optim.SGD(runner.model.parameters(), lr=lr) for name, lr in (("a", 0.5), ("b", 0.25))}

    assert (first.optimizer, runner.optim_wrapper) == (runner.optimizer, first)
    runner.optimizer = two
    assert runner.optim_wrapper["a"].optimizer is two["a"]
    assert runner.optim_wrapper.get_lr() == {"a.lr": [0.5], "b.lr": [0.25]}
    runner.optimizer = None
    assert runner.optim_wrapper is None


def test_rates_are_those_of_the_optimizers_groups(epochs: Any) -> None:
    groups = [{"params": [torch.nn.Parameter(torch.ones(1))], "lr": lr} for lr in (0.5, 0.25)]
    runner = epochs(optimizer=torch.optim.SGD(groups, lr=9.0))

    assert runner.optim_wrapper.get_lr() == {"lr": [0.5, 0.25]}


@pytest.mark.parametrize(
    ("kind", "ends"), [pytest.param("epochs", (1, 3), id="epochs"), pytest.param("iters", (0, 1), id="iters")]
)
def test_a_hook_may_stop_the_training(kind: str, ends: Any, request: pytest.FixtureRequest, data: Any) -> None:
    class Stopping(EngineHook):
        def after_train_iter(self, runner: Any, batch_idx: int, **facts: Any) -> None:
            runner.train_loop.stop_training = True

    runner = request.getfixturevalue(kind)()
    runner.register_hook(Stopping())
    runner.run([data(3)], [("train", 1)])

    assert (runner.epoch, runner.iter) == ends


def test_the_loaders_by_their_use(epochs: Any, data: Any) -> None:
    runner = epochs()
    train, val, evaluated = data(1), data(2), DataLoader([0])
    before = runner.train_dataloader, runner.val_dataloader
    runner.run([train, val], [("train", 1), ("val", 1)])
    of_workflow = runner.train_dataloader, runner.val_dataloader, runner.train_loop.dataloader
    runner.register_hook(EvalHook(evaluated))

    assert before == (None, None)
    assert of_workflow == (train, val, train)
    assert runner.val_dataloader is evaluated


def test_a_hub_ends_with_its_runner(epochs: Any) -> None:
    runner = epochs()
    hub = weakref.ref(runner.message_hub)
    del runner

    assert hub() is None
