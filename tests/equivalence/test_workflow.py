"""A workflow with ``val`` in both runtimes: the same losses on validation data, the same weights."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.hook import EngineHook, LegacyHook
from mmbridge.runners.legacy import EpochBasedRunner
from mmbridge.runners.loop.runner import Runner
from torch.utils.data import DataLoader

sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures" / "toys"))
from toys import Points, Regressor

WORKFLOW = [("train", 2), ("val", 1)]


class OldLosses(LegacyHook):
    """The averages of each val epoch."""

    def __init__(self) -> None:
        self.seen: list[dict[str, float]] = []

    def after_val_epoch(self, runner: Any) -> None:
        runner.log_buffer.average()
        self.seen.append({name: value for name, value in runner.log_buffer.output.items() if "time" not in name})
        runner.log_buffer.clear()

    def after_train_epoch(self, runner: Any) -> None:
        runner.log_buffer.clear()


class NewLosses(EngineHook):
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def after_val_epoch(self, runner: Any, metrics: Any = None) -> None:
        self.seen.append(metrics)


def loaders() -> tuple[DataLoader[Any], DataLoader[Any]]:
    return DataLoader(Points(12, 0), 4), DataLoader(Points(10, 1), 4)


def old_run(tmp_path: Path) -> tuple[Any, list[Any]]:
    torch.manual_seed(0)
    model, hook = Regressor(), OldLosses()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    runner = EpochBasedRunner(
        model, optimizer=optimizer, work_dir=str(tmp_path), logger=logging.Logger("x"), max_epochs=5
    )
    runner.register_training_hooks({"policy": "fixed"}, {"grad_clip": None})
    runner.register_hook(hook)
    runner.run(list(loaders()), WORKFLOW)
    return model, hook.seen


def new_run(tmp_path: Path, **settings: Any) -> tuple[Any, list[Any]]:
    torch.manual_seed(0)
    model, hook = Regressor(), NewLosses()
    train, val = loaders()
    cfg = {"type": "WorkflowTrainLoop", "max_epochs": 5, "workflow": WORKFLOW, "val_dataloader": val, **settings}
    runner = Runner(
        model,
        tmp_path,
        train_dataloader=train,
        train_cfg=cfg,
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1, "momentum": 0.9}},
        custom_hooks=[hook],
        log_level="ERROR",
    )
    runner.train()
    return model, hook.seen


def test_a_workflow_measures_what_it_did(tmp_path: Path) -> None:
    old_model, old_losses = old_run(tmp_path / "old")
    new_model, new_losses = new_run(tmp_path / "new")

    assert old_losses == new_losses
    assert 3 == len(new_losses)  # after 2, 4 and 5 epochs: training stops in a flow, val flows are finished
    for old, new in zip(old_model.state_dict().values(), new_model.state_dict().values(), strict=True):
        assert old.equal(new)


@pytest.mark.parametrize(
    ("workflow", "expected"),
    [
        ("train", "must be a list of (mode, times), found 'train'"),
        ([("val", 1)], "never trains, so it would never end; add ('train', 1)"),
        ([("train", 1), ("test", 1)], "modes are 'train' and 'val', each 1 time or more"),
        ([("train", 0)], "modes are 'train' and 'val', each 1 time or more"),
    ],
)
def test_a_workflow_that_cannot_be_run_is_told(tmp_path: Path, workflow: Any, expected: str) -> None:
    with pytest.raises(ConfigError) as error:
        new_run(tmp_path, workflow=workflow)

    assert expected in str(error.value)


def test_a_workflow_with_val_needs_its_data(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs the data to measure the loss on"):
        new_run(tmp_path, val_dataloader=None)
