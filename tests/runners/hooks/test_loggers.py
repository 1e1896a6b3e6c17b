from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.hooks import ClosureHook, IterTimerHook, LoggerHook, TextLoggerHook
from mmbridge.runners.legacy import EpochBasedRunner, IterBasedRunner
from torch import nn

PLACES = {IterTimerHook: "LOW", ClosureHook: "NORMAL"}


class Model(nn.Linear):
    def __init__(self) -> None:
        super().__init__(1, 1)

    def train_step(self, data: Any, optimizer: Any) -> dict[str, Any]:
        return {"loss": 0, "log_vars": {"loss": 0.25}, "num_samples": 1}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock comes five seconds later: ten per iteration, five of them for the data."""
    now = [0.0]

    def tick() -> float:
        now[0] += 5.0
        return now[0]

    monkeypatch.setattr("mmbridge.runners.hooks.iter_timer.time", SimpleNamespace(time=tick))


def run(work_dir: Path | None, *hooks: Any, kind: Any = EpochBasedRunner, batches: int = 10, **options: Any) -> Any:
    model = Model()
    logger = logging.getLogger("loggers")
    logger.setLevel(logging.INFO)
    limit = {"max_epochs": 1} if kind is EpochBasedRunner else {"max_iters": batches}
    optimizer = options.pop("optimizer", None) or torch.optim.SGD(model.parameters(), lr=0.1)
    runner = kind(model, optimizer=optimizer, work_dir=work_dir, logger=logger, **{**limit, **options})
    runner.timestamp = "t"
    for hook in hooks:
        runner.register_hook(hook, PLACES.get(type(hook), "VERY_LOW"))
    runner.run([[0] * batches], [("train", 1)])
    return runner


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if "\t" in record.message]


def records(work_dir: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (work_dir / "t.log.json").read_text().splitlines()]


def test_the_line_and_what_is_left(clock: None, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    run(tmp_path, IterTimerHook(), TextLoggerHook(interval=2))

    assert lines(caplog) == [
        f"Epoch [1][{i}/10]\tlr: 1.000e-01, eta: {eta}, time: 10.000, data_time: 5.000, loss: 0.2500"
        for i, eta in ((2, "0:01:20"), (4, "0:01:00"), (6, "0:00:40"), (8, "0:00:20"), (10, "0:00:00"))
    ]
    assert records(tmp_path)[0] == {
        "mode": "train", "epoch": 1, "iter": 2, "lr": 0.1, "data_time": 5.0, "loss": 0.25, "time": 10.0,
    }  # fmt: skip


def test_the_line_by_iteration(clock: None, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    run(tmp_path, IterTimerHook(), TextLoggerHook(interval=5, by_epoch=False), kind=IterBasedRunner)

    assert [line.partition("\t")[0] for line in lines(caplog)] == ["Iter [5/10]", "Iter [10/10]"]


def test_rates_of_several_optimizers(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    both = {name: torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=lr) for name, lr in (("a", 0.5), ("b", 0.05))}
    run(tmp_path, IterTimerHook(), TextLoggerHook(interval=10), optimizer=both)

    assert "lr_a: 5.000e-01 lr_b: 5.000e-02, eta" in lines(caplog)[0]
    assert records(tmp_path)[0]["lr"] == {"a": 0.5, "b": 0.05}


def test_meta_is_the_first_record(tmp_path: Path) -> None:
    meta = {"seed": 1, "ratio": 0.123456789, "many": [0.123456789], "gpu_ids": range(2), "t": torch.ones(2)}
    run(tmp_path, TextLoggerHook(), meta=meta)

    expected = {"seed": 1, "ratio": 0.12346, "many": [0.12346], "gpu_ids": [0, 1], "t": [1.0, 1.0]}
    assert records(tmp_path)[0] == expected


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="unsupported for json"):
        run(tmp_path, TextLoggerHook(), meta={"object": object()})


def test_without_a_directory_there_is_the_console(caplog: pytest.LogCaptureFixture) -> None:
    run(None, IterTimerHook(), TextLoggerHook(interval=10))

    assert len(lines(caplog)) == 1


def test_a_learning_rate_may_be_a_tensor(tmp_path: Path) -> None:
    optimizer = torch.optim.Adam([nn.Parameter(torch.ones(1))], lr=torch.tensor(0.5), capturable=False, foreach=False)
    run(tmp_path, IterTimerHook(), TextLoggerHook(interval=10), optimizer=optimizer)

    assert records(tmp_path)[0]["lr"] == 0.5


def test_logs_are_copied_when_the_run_is_over(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for name in ("config.py", "a.txt"):
        (work / name).write_text("x = 1\n")
    hook = TextLoggerHook(interval=10, out_dir=str(tmp_path / "other"), keep_local=False)
    run(work, IterTimerHook(), hook)

    assert sorted(path.name for path in (tmp_path / "other" / "work").iterdir()) == ["config.py", "t.log.json"]
    assert sorted(path.name for path in work.iterdir()) == ["a.txt"]


def test_the_text_logger_checks_its_input() -> None:
    with pytest.raises(ValueError, match="file_client_args should be None"):
        TextLoggerHook(file_client_args={"backend": "disk"})
    with pytest.raises(TypeError, match="out_dir should be None or a str"):
        TextLoggerHook(out_dir=3)  # type: ignore[arg-type]
    with pytest.raises(BridgeError, match="only files on disk"):
        run(None, TextLoggerHook(out_dir="s3://x"))


def test_a_record_without_data_time(clock: None, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    def evaluate(runner: Any) -> None:  # by iteration, registered before the timer
        runner.log_buffer.clear()
        runner.log_buffer.output["acc"] = 0.5
        runner.log_buffer.ready = True

    hooks = [ClosureHook("after_train_iter", evaluate), IterTimerHook(), TextLoggerHook(interval=1, by_epoch=False)]
    run(tmp_path, *hooks, kind=IterBasedRunner, batches=1)

    assert lines(caplog) == ["Iter [1/1]\tlr: 1.000e-01, eta: 0:00:00, time: 10.000, acc: 0.5000"]


class Kept(LoggerHook):
    """Keeps what it would log."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kept: list[dict[str, Any]] = []

    def log(self, runner: Any) -> None:
        self.kept.append(self.get_loggable_tags(runner, allow_text=True))


def test_tags(tmp_path: Path) -> None:
    hook = Kept(interval=10)
    run(None, IterTimerHook(), hook)

    assert hook.kept == [{"train/loss": 0.25, "learning_rate": 0.1, "momentum": 0}]


@pytest.mark.parametrize(
    ("value", "scalar"),
    [
        pytest.param(1, True, id="int"),
        pytest.param(torch.ones(()), True, id="tensor without dimensions"),
        pytest.param(torch.ones(1), True, id="tensor of one"),
        pytest.param(torch.ones(2), False, id="tensor of two"),
        pytest.param("x", False, id="text"),
    ],
)
def test_what_a_scalar_is(value: Any, scalar: bool) -> None:
    assert LoggerHook.is_scalar(value) is scalar


def test_numpy_scalars() -> None:
    numpy = pytest.importorskip("numpy")

    assert [LoggerHook.is_scalar(numpy.zeros(n)) for n in (1, 2)] == [True, False]
    assert LoggerHook.is_scalar(numpy.float32(1))


def test_memory_stays_flat_in_a_long_run() -> None:
    hook = Kept(interval=5, by_epoch=False)
    runner = run(None, IterTimerHook(), hook, kind=IterBasedRunner, batches=1000)

    assert max(map(len, runner.log_buffer.val_history.values())) <= 5
    assert len(hook.kept) == 200


def test_another_mode_is_refused() -> None:
    hook = Kept()
    runner = run(None)
    runner.mode = "test"

    with pytest.raises(ValueError, match="runner mode should be 'train' or 'val', but got test"):
        hook.get_mode(runner)
