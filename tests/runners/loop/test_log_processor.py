"""Log lines and records: their form, what they average, wrong settings."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmbridge.runners.loop.logging import MessageHub
from mmbridge.runners.loop.registry import LOG_PROCESSORS
from mmbridge.runners.loop.runner.log_processor import LogProcessor


def runner_of(mode: str, trains: bool = True) -> Any:
    hub = MessageHub("run")
    for step in range(4):
        hub.update_scalars({f"{mode}/lr": 0.05, f"{mode}/loss": step / 2, f"{mode}/acc": step})
        hub.update_scalars({f"{mode}/time": 0.125, f"{mode}/data_time": 0.0625})
    hub.update_info("eta", 61)
    loop = SimpleNamespace(dataloader=[0] * 10)
    loops = {f"{each}_dataloader": loop.dataloader for each in ("train", "val", "test")}
    counters = {"epoch": 1, "iter": 3, "max_epochs": 12, "max_iters": 1000}
    return SimpleNamespace(
        message_hub=hub, model=None, _train_loop=loop if trains else {"by_epoch": True}, **loops, **counters
    )


@pytest.fixture(autouse=True)
def without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


NUMBERS = "lr: 5.0000e-02  eta: 0:01:01  time: 0.1250  data_time: 0.0625  "


@pytest.mark.parametrize(
    ("by_epoch", "mode", "trains", "line"),
    [
        (True, "train", True, f"Epoch(train)  [2][ 4/10]  {NUMBERS}loss: 0.7500  acc: 3"),
        (False, "train", True, f"Iter(train) [   4/1000]  {NUMBERS}loss: 0.7500  acc: 3"),
        (True, "val", True, f"Epoch(val)  [1][ 4/10]  {NUMBERS}"),
        (True, "val", False, f"Epoch(val)[0][ 4/10]  {NUMBERS}"),
        (False, "val", True, f"Iter(val) [ 4/10]  {NUMBERS}"),
        (True, "test", True, f"Epoch(test) [ 4/10]  {NUMBERS}"),
        (False, "test", True, f"Iter(test) [ 4/10]  {NUMBERS}"),
    ],
)
def test_the_line_after_an_iteration(by_epoch: bool, mode: str, trains: bool, line: str) -> None:
    assert line == LogProcessor(by_epoch=by_epoch).get_log_after_iter(runner_of(mode, trains), 3, mode)[1]


def test_the_record_after_an_iteration() -> None:
    record, _ = LogProcessor(window_size=2).get_log_after_iter(runner_of("train"), 3, "train")

    expected = {"lr": 0.05, "loss": 1.25, "acc": 3, "time": 0.125, "data_time": 0.0625, "epoch": 2, "iter": 4}
    assert expected == record


def test_records_may_keep_the_mode() -> None:
    record, line = LogProcessor(log_with_hierarchy=True).get_log_after_iter(runner_of("train"), 3, "train")

    assert ["train/lr", "train/loss", "train/acc", "train/time", "train/data_time", "epoch", "iter"] == list(record)
    assert f"Epoch(train)  [2][ 4/10]  {NUMBERS}loss: 0.7500  acc: 3" == line


@pytest.mark.parametrize(
    ("by_epoch", "mode", "head"),
    [
        (True, "val", "Epoch(val) [1][10/10]"),
        (True, "test", "Epoch(test) [10/10]"),
        (False, "val", "Iter(val) [10/10]"),
    ],
)
def test_the_line_after_an_epoch(by_epoch: bool, mode: str, head: str) -> None:
    runner = runner_of(mode)
    runner.message_hub.update_info(f"{mode}/names", ["a"])
    runner.message_hub.update_info(f"{mode}/matrix", torch.eye(1))
    record, line = LogProcessor(by_epoch=by_epoch, num_digits=2).get_log_after_epoch(runner, 10, mode)

    numbers = "lr: 0.05  loss: 0.75  acc: 3  names: ['a']  matrix: \ntensor([[1.]])\n  data_time: 0.06  time: 0.12"
    assert sorted(f"{head}    {numbers}".split("  ")) == sorted(line.split("  "))
    assert line.startswith(f"{head}    lr: 0.05")
    assert ["lr", "loss", "acc", "time", "data_time"] == list(record)


def test_facts_in_the_record_where_asked_for() -> None:
    runner = runner_of("test")
    runner.message_hub.update_info("test/names", ["a"])
    record, _ = LogProcessor().get_log_after_epoch(runner, 10, "test", with_non_scalar=True)

    assert ["a"] == record["names"]


def test_custom_statistics() -> None:
    custom = [
        {"data_src": "loss", "log_name": "worst", "method_name": "max", "window_size": "epoch"},
        {"data_src": "loss", "log_name": "all", "method_name": "mean", "window_size": "global"},
        {"data_src": "acc", "method_name": "min", "window_size": 2},
        {"data_src": "nothing", "method_name": "min"},
    ]
    record, _ = LogProcessor(custom_cfg=custom).get_log_after_iter(runner_of("train"), 1, "train")

    assert (1.5, 0.75, 2) == (record["worst"], record["all"], record["acc"])
    assert "nothing" not in record


def test_the_memory_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    reset = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 5 * 2**20 + 1)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: reset.append(True))
    record, line = LogProcessor().get_log_after_iter(runner_of("train"), 3, "train")

    assert f"Epoch(train)  [2][ 4/10]  {NUMBERS}memory: 5  loss: 0.7500  acc: 3" == line
    assert (5, [True]) == (record["memory"], reset)


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({"custom_cfg": [{"log_name": "a"}]}, ValueError, r"custom_cfg\[0\]: data_src must name the scalar"),
        (
            {"custom_cfg": [{"data_src": "a"}, {"data_src": "b", "log_name": "a"}]},
            ValueError,
            r"custom_cfg\[1\]: there is an entry 'a' already",
        ),
        (
            {"by_epoch": False, "custom_cfg": [{"data_src": "a", "window_size": "epoch"}]},
            ValueError,
            "window_size='epoch' needs by_epoch=True",
        ),
        ({"custom_cfg": [{"data_src": "a", "window_size": "run"}]}, TypeError, "'epoch' or 'global', found 'run'"),
    ],
    ids=["no source", "a name twice", "epoch by iteration", "unknown window"],
)
def test_wrong_settings(config: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        LogProcessor(**config)


def test_wrong_modes() -> None:
    with pytest.raises(ValueError, match="found 'eval'"):
        LogProcessor().get_log_after_iter(runner_of("train"), 0, "eval")
    with pytest.raises(ValueError, match="found 'train'"):
        LogProcessor().get_log_after_epoch(runner_of("train"), 0, "train")


def test_it_is_registered() -> None:
    built = LOG_PROCESSORS.build({"type": "LogProcessor", "window_size": 5})

    assert 5 == built.window_size
