from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest
import torch
from mmbridge.runners.loop.hooks import Hook, RuntimeInfoHook

Train = Callable[..., Any]


class Stages(Hook):
    """What the hub says of the stage, the epoch and the iteration, wherever this hook is called."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    def _note(self, runner: Any) -> None:
        self.seen.append(tuple(runner.message_hub.get_info(each) for each in ("loop_stage", "epoch", "iter")))

    def after_train_iter(self, runner: Any) -> None:
        self._note(runner)

    def before_val_epoch(self, runner: Any) -> None:
        self._note(runner)

    def before_test_epoch(self, runner: Any) -> None:
        self._note(runner)


def test_the_hub_knows_stage_and_progress(trained: Train) -> None:
    hook = Stages()
    runner = trained(scores=[{"acc": 1.0}], test_scores=[{"acc": 1.0}], custom_hooks=[hook])
    runner.test()
    info = runner.message_hub.runtime_info
    epochs = [
        [("train", epoch, 2 * epoch), ("train", epoch, 2 * epoch + 1), ("val", epoch, 2 * epoch + 1)]
        for epoch in (0, 1)
    ]

    assert [*epochs[0], *epochs[1], ("test", 1, 3)] == hook.seen
    assert "loop_stage" not in info
    assert (2, 4) == (info["max_epochs"], info["max_iters"])
    assert (runner.seed, runner.experiment_name) == (info["seed"], info["experiment_name"])


def test_validating_alone_leaves_no_stage(make: Train) -> None:
    hook = Stages()
    runner = make(scores=[{"acc": 1.0}], custom_hooks=[hook])
    runner.val()

    assert [("val", None, None)] == hook.seen
    assert runner.message_hub.get_info("loop_stage") is None


def test_rates_losses_and_metrics_have_histories(trained: Train) -> None:
    scores = [{"acc": numpy.float64(0.5), "one": torch.ones(1), "table": [1, 2], "word": "good"}]
    runner = trained(scores=scores, param_scheduler={"type": "ExponentialLR", "gamma": 0.5})
    hub = runner.message_hub

    assert [1.0, 1.0, 0.5, 0.5] == list(hub.get_scalar("train/lr").data[0])
    assert [-1.0, -2.0, -3.0, -3.5] == list(hub.get_scalar("train/loss").data[0])
    assert (0.5, 1.0) == (hub.get_scalar("val/acc").current(), hub.get_scalar("val/one").current())
    assert ([1, 2], "good") == (hub.get_info("val/table"), hub.get_info("val/word"))


def test_an_optimizer_wrapper_of_another_kind_is_told(make: Train) -> None:
    runner = make()
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.optim_wrapper.get_lr = lambda: [0.1]

    with pytest.raises(TypeError, match="must give a dict of lists of learning rates, found list"):
        RuntimeInfoHook().before_train(runner)
