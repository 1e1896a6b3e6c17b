from __future__ import annotations

import logging
import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.hooks import (
    CheckInvalidLossHook,
    ExpMomentumEMAHook,
    LinearMomentumEMAHook,
    MemoryProfilerHook,
    NumClassCheckHook,
    SetEpochInfoHook,
    SyncNormHook,
    YOLOXLrUpdaterHook,
    YOLOXModeSwitchHook,
)
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Head(nn.Module):
    num_classes = 2
    use_l1 = False


class RPNHead(nn.Module):
    num_classes = 1


class Detector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bbox_head = Head()
        self.rpn = RPNHead()
        self.epochs: list[int] = []

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)


def runner_with(caplog: Any = None, **attributes: Any) -> Any:
    logger = logging.getLogger("detection-hooks")
    return SimpleNamespace(model=Detector(), logger=logger, world_size=1, **attributes)


def loader(classes: Any) -> Any:
    return SimpleNamespace(dataset=SimpleNamespace(CLASSES=classes))


def test_equal_numbers_of_classes_pass() -> None:
    NumClassCheckHook().before_train_epoch(runner_with(data_loader=loader(("a", "b"))))
    NumClassCheckHook().before_val_epoch(runner_with(data_loader=loader(("a", "b"))))


def test_other_numbers_of_classes_name_the_head() -> None:
    with pytest.raises(ValueError, match=r"num_classes \(2\) of bbox_head \(Head\) does not match the 3 CLASSES"):
        NumClassCheckHook().before_train_epoch(runner_with(data_loader=loader(("a", "b", "c"))))


def test_classes_as_one_text_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"write \('person',\)"):
        NumClassCheckHook().before_train_epoch(runner_with(data_loader=loader("person")))


def test_no_classes_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    NumClassCheckHook().before_train_epoch(runner_with(data_loader=loader(None)))

    assert "Please set `CLASSES`" in caplog.text


def test_an_infinite_loss_stops_the_run() -> None:
    hook = CheckInvalidLossHook(interval=2)
    runner = runner_with(iter=0, outputs={"loss": torch.tensor(float("inf"))})
    hook.after_train_iter(runner)
    runner.iter = 1

    with pytest.raises(BridgeError, match="the loss is inf at iteration 2"):
        hook.after_train_iter(runner)


def test_the_model_is_told_the_epoch() -> None:
    runner = runner_with(epoch=4)
    SetEpochInfoHook().before_train_epoch(runner)

    assert runner.model.epochs == [4]


@pytest.mark.parametrize(
    ("epoch", "switched"), [pytest.param(4, True, id="at its epoch"), pytest.param(5, False, id="later")]
)
def test_yolox_switches_at_its_epoch_only(epoch: int, switched: bool) -> None:
    skipped: list[Any] = []
    data = SimpleNamespace(dataset=SimpleNamespace(update_skip_type_keys=skipped.append), persistent_workers=False)
    runner = runner_with(epoch=epoch, max_epochs=20, data_loader=data)
    YOLOXModeSwitchHook(num_last_epochs=15, skip_type_keys=("Mosaic",)).before_train_epoch(runner)

    assert skipped == ([("Mosaic",)] if switched else [])
    assert runner.model.bbox_head.use_l1 == switched


class Skipping(Dataset[Any]):
    """Tells which process reads it, and what it skips there."""

    skipped: Any = ()

    def update_skip_type_keys(self, keys: Any) -> None:
        self.skipped = keys

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        return os.getpid(), self.skipped


def test_workers_that_live_on_are_replaced_when_yolox_switches() -> None:
    loader = DataLoader(
        Skipping(), batch_size=2, num_workers=1, persistent_workers=True, collate_fn=lambda batch: batch[0]
    )
    hook = YOLOXModeSwitchHook(num_last_epochs=1, skip_type_keys=("Mosaic",))
    seen = []
    for epoch in range(4):
        hook.before_train_epoch(runner_with(epoch=epoch, max_epochs=4, data_loader=loader))
        seen.extend(loader)
    first, second = seen[0][0], seen[-1][0]

    assert seen == [(first, ()), (first, ()), (second, ("Mosaic",)), (second, ("Mosaic",))]
    assert first != second


def test_sync_norm_goes_to_every_epoch_at_the_end() -> None:
    hook = SyncNormHook(num_last_epochs=2, interval=10)
    hook.before_train_epoch(runner_with(epoch=3, max_epochs=6))
    hook.after_train_epoch(runner_with(epoch=3))

    assert hook.interval == 1


def test_momentum_of_the_averages() -> None:
    exp = ExpMomentumEMAHook(momentum=0.1, total_iter=2)
    linear = LinearMomentumEMAHook(momentum=0.5, interval=2, warm_up=10)

    assert [exp.momentum_at(i) for i in range(4)] == pytest.approx([0.645878, 0.431091, 0.300817, 0.221802], rel=1e-5)
    assert [linear.momentum_at(i) for i in (0, 9)] == [0.1, 0.25]


def test_model_average_keeps_counters_and_averages_statistics() -> None:
    model = nn.BatchNorm1d(2)
    runner = SimpleNamespace(model=model, iter=0)
    hook = LinearMomentumEMAHook(momentum=0.5, warm_up=1)
    hook.before_run(runner)
    model.running_mean += 1
    model.num_batches_tracked += 1
    hook.after_train_iter(runner)

    assert model.ema_running_mean.tolist() == [0.5, 0.5]
    assert int(model.ema_num_batches_tracked) == 0
    hook.after_train_epoch(runner)
    assert (model.running_mean.tolist(), int(model.num_batches_tracked)) == ([0.5, 0.5], 0)


def test_yolox_learning_rate() -> None:
    hook = YOLOXLrUpdaterHook(
        1, min_lr_ratio=0.05, by_epoch=False, warmup="exp", warmup_by_epoch=True, warmup_iters=1, warmup_ratio=1
    )
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    runner = SimpleNamespace(optimizer=optimizer, data_loader=[0] * 4, max_iters=16, max_epochs=4, epoch=0, iter=0)
    hook.before_run(runner)
    hook.before_train_epoch(runner)
    seen = []
    for runner.iter in range(16):
        hook.before_train_iter(runner)
        seen.append(round(optimizer.param_groups[0]["lr"], 4))

    assert seen == [0.0625, 0.25, 0.5625, 1, 0.9638, 0.8609, 0.7068, 0.525, 0.3432, 0.1891, 0.0862, *[0.05] * 5]


def test_memory_is_logged_in_mib(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    mib = 2**20
    machine = SimpleNamespace(available=3 * mib, used=2 * mib, percent=40.0)
    swap = SimpleNamespace(total=9 * mib, used=mib, percent=10.0)
    process = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=7 * mib))
    psutil = SimpleNamespace(virtual_memory=lambda: machine, swap_memory=lambda: swap, Process=lambda: process)
    monkeypatch.setitem(sys.modules, "psutil", psutil)
    caplog.set_level(logging.INFO)
    MemoryProfilerHook(interval=1).after_iter(runner_with(iter=0))

    assert "available_memory: 3 MB, used_memory: 2 MB, memory_utilization: 40.0 %" in caplog.text
    assert "available_swap_memory: 8 MB" in caplog.text
    assert "current_process_memory: 7 MB" in caplog.text
