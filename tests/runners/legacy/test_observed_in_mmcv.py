"""Small behaviours of MMCV 1.7.2, seen in runs of it, that the recorded traces do not show.

docs/reference/legacy-behaviours.md lists all of them, those tested elsewhere too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.compat.config import Config, ConfigError
from mmbridge.runners.checkpoint import read_file
from mmbridge.runners.hooks import (
    CheckpointHook,
    ClosureHook,
    EvalHook,
    GradientCumulativeOptimizerHook,
    IterTimerHook,
    TextLoggerHook,
)
from torch.utils.data import DataLoader, Dataset


def rates(runner: Any, loader: Any, **lr_config: Any) -> list[float]:
    """The learning rate at every iteration."""
    seen: list[float] = []
    runner.register_lr_hook(lr_config)
    runner.register_hook(ClosureHook("after_train_iter", lambda runner: seen.append(round(runner.current_lr()[0], 6))))
    runner.run([loader], [("train", 1)])
    return seen


def test_cosine_restarts_end_with_their_last_period(epochs: Any, data: Any) -> None:
    with pytest.raises(ConfigError, match=r"periods: \[2\] cover 2 steps, the run has 3"):
        rates(epochs(max_epochs=3), data(1), policy="CosineRestart", periods=[2], min_lr=0)


def test_iterations_left_after_the_last_cycle_begin_another(epochs: Any, data: Any) -> None:
    config = {"policy": "cyclic", "cyclic_times": 2, "target_ratio": (10, 0.1), "anneal_strategy": "linear"}

    assert rates(epochs(max_epochs=1), data(5), **config) == [10.0, 5.05, 10.0, 5.05, 10.0]


def test_one_cycle_needs_room_for_its_first_phase(epochs: Any, data: Any) -> None:
    with pytest.raises(ZeroDivisionError, match="OneCycleLrUpdaterHook: has no value at step 0 of 10"):
        rates(epochs(max_epochs=1), data(10), policy="OneCycle", max_lr=1.0, pct_start=0.1)
    with pytest.raises(ConfigError, match="pct_start: must be a float"):
        rates(epochs(max_epochs=1), data(10), policy="OneCycle", max_lr=1.0, pct_start=1)


def test_iterations_are_saved_at_the_interval_and_at_the_end(iters: Any, data: Any) -> None:
    runner = iters(max_iters=7)
    runner.register_hook(CheckpointHook(interval=2, by_epoch=False))
    runner.run([data(3)], [("train", 1)])
    saved = sorted(path.name for path in Path(runner.work_dir).glob("iter_*.pth"))

    assert saved == ["iter_2.pth", "iter_4.pth", "iter_6.pth", "iter_7.pth"]


class Scored(Dataset[Any]):
    """Two samples; each evaluation returns the next result."""

    def __init__(self, *results: Any) -> None:
        self.results = iter(results)

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        return {"x": torch.ones(1)}

    def evaluate(self, results: Any, logger: Any = None, **options: Any) -> dict[str, Any]:
        return {"acc": next(self.results)}


def test_a_checkpoint_tells_of_the_epoch_before(epochs: Any, data: Any) -> None:
    runner = epochs(max_epochs=2, meta={})
    runner.register_hook(CheckpointHook(interval=1))
    runner.register_hook(EvalHook(DataLoader(Scored(0.5, 0.7)), save_best="acc"), "LOW")
    runner.run([data(1)], [("train", 1)])
    first, second = (read_file(f"{runner.work_dir}/epoch_{number}.pth")["meta"]["hook_msgs"] for number in (1, 2))

    assert (first.get("best_score"), "last_ckpt" in first) == (None, False)
    assert (second["best_score"], Path(second["last_ckpt"]).name) == (0.5, "epoch_1.pth")
    assert runner.meta["hook_msgs"]["best_score"] == 0.7


def test_a_compiled_model_is_saved_under_its_wrappers_names(epochs: Any) -> None:
    runner = epochs()
    runner.model = torch.compile(runner.model, backend="eager")
    runner.save_checkpoint(runner.work_dir)

    assert list(read_file(f"{runner.work_dir}/epoch_1.pth")["state_dict"]) == ["_orig_mod.weight"]


def test_time_left_may_be_negative_after_resuming_with_scaled_iterations(
    epochs: Any, data: Any, caplog: pytest.LogCaptureFixture
) -> None:
    runner = epochs(max_epochs=1)
    runner._iter = 5000  # as after a resume on fewer GPUs
    timed = {"time": 10.0}
    runner.register_hook(ClosureHook("after_train_iter", lambda runner: runner.log_buffer.update(timed)))
    runner.register_hook(TextLoggerHook(interval=1), "VERY_LOW")
    with caplog.at_level("INFO"):
        runner.run([data(1)], [("train", 1)])

    assert "eta: -1 day, " in caplog.text


def test_numbers_of_numpy_in_lines_and_records(epochs: Any, data: Any, caplog: pytest.LogCaptureFixture) -> None:
    numpy = pytest.importorskip("numpy")
    results = {"single": numpy.float32(0.5), "double": numpy.float64(0.123456789), "tensor": torch.tensor(0.5)}
    dataset = Scored()
    dataset.evaluate = lambda results_, **options: results  # type: ignore[method-assign, assignment]
    runner = epochs(max_epochs=1, meta={"nested": {"ratio": 0.123456789}})
    runner.timestamp = "t"
    runner.register_hook(EvalHook(DataLoader(dataset)), "LOW")
    runner.register_hook(TextLoggerHook(interval=10), "VERY_LOW")
    with caplog.at_level("INFO"):
        runner.run([data(1)], [("train", 1)])
    meta, record = (json.loads(line) for line in Path(runner.work_dir, "t.log.json").read_text().splitlines())

    assert "single: 0.5, double: 0.1235, " in caplog.text
    assert meta == {"nested": {"ratio": 0.123456789}}  # only what stands at the top, and lists, are rounded
    assert (record["single"], record["double"], record["tensor"]) == (0.5, 0.12346, 0.5)


def test_evaluation_before_the_timer_in_a_run_of_iterations_is_logged(
    iters: Any, data: Any, caplog: pytest.LogCaptureFixture
) -> None:
    runner = iters(max_iters=1)
    runner.register_hook(EvalHook(DataLoader(Scored(0.5)), by_epoch=False), "NORMAL")
    runner.register_hook(IterTimerHook(), "LOW")
    runner.register_hook(TextLoggerHook(interval=1, by_epoch=False), "VERY_LOW")
    with caplog.at_level("INFO"):
        runner.run([data(1)], [("train", 1)])

    assert "acc: 0.5000" in caplog.text


@pytest.mark.parametrize(
    ("n", "batches", "length", "steps", "warnings"),
    [
        pytest.param(2, 5, 1, [1, 3, 4], 1, id="two of five"),
        pytest.param(2, 3, 2, [1, 3, 5], 0, id="across epochs"),
        pytest.param(8, 5, 1, [4], 5, id="more than the run"),
    ],
)
def test_accumulation_steps_at_the_end_too_and_warns_at_each_iteration_of_it(
    n: int, batches: int, length: int, steps: list[int], warnings: int,
    epochs: Any, data: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    runner = epochs(max_epochs=length)
    seen: list[int] = []
    step = runner.optimizer.step
    monkeypatch.setattr(runner.optimizer, "step", lambda: (seen.append(runner.iter), step()))
    runner.register_hook(GradientCumulativeOptimizerHook(n))
    runner.run([data(batches)], [("train", 1)])

    assert seen == steps
    assert caplog.text.count("Loss will be divided by") == warnings


def test_a_reference_within_quotes_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("root = 'x'\nkeys = ['a']\n")
    for text in ("path = '{{_base_.root}}'", "path = 'data/{{_base_.root}}'", "path = dict(a=[('{{_base_.root}}',)])"):
        (tmp_path / "a.py").write_text(f"_base_ = 'base.py'\nlr = 1\n{text}\n")

        with pytest.raises(ConfigError, match=r"a\.py:3: \{\{_base_\.root\}\} stands inside a string"):
            Config.fromfile(tmp_path / "a.py", execute=True)
    (tmp_path / "a.py").write_text("path = {{_base_.root}}\n")
    with pytest.raises(ConfigError, match=r"a\.py:1: .* in a file without _base_; there is no value"):
        Config.fromfile(tmp_path / "a.py", execute=True)


def test_texts_with_quotes_are_written_so_that_they_can_be_read(tmp_path: Path) -> None:
    values = {"a": "it's", "b": {"c": 'say "x"', "d": "two\nlines"}}

    assert Config.fromstring(Config(values).pretty_text, ".py").to_dict() == values
