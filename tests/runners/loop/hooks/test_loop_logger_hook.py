from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from mmbridge.runners.loop.hooks import LoggerHook
from torch.utils.data import IterableDataset

Train = Callable[..., Any]


def logging(**options: Any) -> dict[str, Any]:
    return {"default_hooks": {"logger": {"type": "LoggerHook", **options}}, "log_level": "INFO"}


def lines(work_dir: Path, start: str) -> list[str]:
    text = next(work_dir.glob("*/*.log")).read_text("utf-8")
    messages = [line.partition(" - INFO - ")[2] for line in text.splitlines()]
    return [message.partition("  ")[0] for message in messages if message.startswith(start)]


@pytest.mark.parametrize(
    ("options", "logged"),
    [
        pytest.param({"interval": 2}, ["[1][2/5]", "[1][4/5]", "[2][2/5]", "[2][4/5]"], id="the rest is left"),
        pytest.param(
            {"interval": 3, "ignore_last": False}, ["[1][3/5]", "[1][5/5]", "[2][3/5]", "[2][5/5]"], id="or not"
        ),
        pytest.param({"interval": 5}, ["[1][5/5]", "[2][5/5]"], id="as long as an epoch"),
        pytest.param({}, ["[1][5/5]", "[2][5/5]"], id="longer than an epoch"),
    ],
)
def test_when_training_is_logged(options: dict[str, Any], logged: list[str], trained: Train, tmp_path: Path) -> None:
    trained(batches=5, **logging(**options))

    assert [f"Epoch(train) {each}" for each in logged] == lines(tmp_path / "work", "Epoch(train)")


def test_the_name_of_the_experiment(trained: Train, tmp_path: Path) -> None:
    runner = trained(batches=5, **logging(interval=5, interval_exp_name=4))

    # After the iterations 4 and 8, and at the ends of the epochs.
    assert [f"Exp name: {runner.experiment_name}"] * 4 == lines(tmp_path / "work", "Exp name")


def test_values_go_to_the_visualizer_by_iteration_metrics_by_epoch(trained: Train, tmp_path: Path) -> None:
    trained(scores=[{"acc": 0.5}], **logging(interval=2))
    file = next((tmp_path / "work").glob("*/vis_data/scalars.json"))
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]

    assert [2, 1, 4, 2] == [row["step"] for row in rows]
    assert [None, 0.5, None, 0.5] == [row.get("acc") for row in rows]


def test_metrics_by_iteration(trained: Train, tmp_path: Path) -> None:
    trained(scores=[{"acc": 0.5}], **logging(interval=5, log_metric_by_epoch=False))
    file = next((tmp_path / "work").glob("*/vis_data/scalars.json"))
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]

    assert [2, 4] == [row["step"] for row in rows if "acc" in row]


def test_a_validation_alone_is_step_0(make: Train, tmp_path: Path) -> None:
    make(scores=[{"acc": 0.5}], **logging()).val()
    file = next((tmp_path / "work").glob("*/vis_data/scalars.json"))

    assert 0 == json.loads(file.read_text("utf-8"))["step"]


def test_behaviour_43_numbers_of_numpy_are_written_as_numbers(make: Train, tmp_path: Path) -> None:
    scores = {
        "n": numpy.int64(3),
        "x": numpy.float32(0.5),
        "rows": numpy.eye(2),
        "t": torch.ones(2),
        "deep": [{"a": numpy.int8(1)}],
    }
    runner = make(test_scores=[{**scores, "thing": object(), "name": "ok"}], **logging())
    runner.test()
    written = json.loads((Path(runner.log_dir) / f"{runner.timestamp}.json").read_text("utf-8"))

    times = {"time": written.pop("time"), "data_time": written.pop("data_time")}
    assert all(isinstance(value, float) for value in times.values())
    assert {
        "n": 3,
        "x": 0.5,
        "rows": [[1.0, 0.0], [0.0, 1.0]],
        "t": [1.0, 1.0],
        "deep": [{"a": 1}],
        "thing": None,
        "name": "ok",
    } == written


@pytest.mark.parametrize("keep", [True, False])
def test_logs_are_copied_away(keep: bool, trained: Train, tmp_path: Path) -> None:
    options = logging(out_dir=str(tmp_path / "copies"), keep_local=keep, out_suffix=[".log", ".json"])
    runner = trained(**options)
    names = [f"{runner.timestamp}/{runner.timestamp}.log", f"{runner.timestamp}/vis_data/scalars.json"]
    here = [(tmp_path / "work" / name).exists() for name in names]
    copies = [(tmp_path / "copies" / "work" / name.partition("/")[2]).exists() for name in names]

    assert [keep] * 2 == here
    assert [True] * 2 == copies


class Stream(IterableDataset[Any]):
    """Data of no known length."""

    def __iter__(self) -> Any:
        return iter([{"inputs": torch.ones(1)}] * 5)


def test_a_stream_of_data_has_no_end_of_epoch(trained: Train, tmp_path: Path) -> None:
    data = {"dataset": Stream(), "sampler": None, "batch_size": 1}
    trained(iters=4, train_dataloader=data, log_processor={"by_epoch": False}, **logging(interval=2))

    assert ["Iter(train) [2/4]", "Iter(train) [4/4]"] == lines(tmp_path / "work", "Iter(train)")


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"interval": 1.5}, TypeError, "interval must be a whole number, found 1.5"),
        ({"interval": 0}, ValueError, "interval must be greater than 0, found 0"),
        ({"interval_exp_name": 0}, ValueError, "interval_exp_name must be greater than 0"),
        ({"ignore_last": 1}, TypeError, "ignore_last must be True or False, found 1"),
        ({"keep_local": "no"}, TypeError, "keep_local must be True or False"),
        ({"out_dir": 3}, TypeError, "out_dir must be a path, found 3"),
        ({"out_suffix": [1]}, TypeError, "out_suffix must be a text or a list of texts"),
        ({"file_client_args": {}}, ValueError, "file_client_args needs out_dir"),
    ],
)
def test_wrong_arguments_are_told_at_once(options: dict[str, Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        LoggerHook(**options)
