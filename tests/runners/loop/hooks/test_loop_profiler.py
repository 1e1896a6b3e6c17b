from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mmbridge.runners.loop.hooks import ProfilerHook

Train = Callable[..., Any]


def profiling(**options: Any) -> dict[str, Any]:
    return {"custom_hooks": [{"type": "ProfilerHook", **options}]}


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        pytest.param({}, 3, id="an epoch"),
        pytest.param({"by_epoch": False, "profile_times": 2}, 2, id="iterations"),
        pytest.param({"by_epoch": False, "profile_times": 5}, 3, id="iterations, an epoch at most"),
    ],
)
def test_what_is_profiled(options: dict[str, Any], steps: int, trained: Train, tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    seen: list[Any] = []
    trained(batches=3, **profiling(json_trace_path=str(path), on_trace_ready=seen.append, **options))
    names = [event.get("name", "") for event in json.loads(path.read_text("utf-8"))["traceEvents"]]

    assert steps == names.count("Optimizer.step#SGD.step")
    assert 1 == len(seen)


def test_traces_for_tensorboard_are_within_the_log_directory(trained: Train) -> None:
    runner = trained(**profiling(on_trace_ready={"type": "tb_trace", "dir_name": "traces", "worker_name": "me"}))

    assert list(Path(runner.log_dir, "traces").glob("me.*.json"))


@pytest.mark.filterwarnings("ignore:Warning. Profiler clears events at the end of each cycle")  # its own table
def test_a_table_is_logged(trained: Train) -> None:
    ready = {"type": "log_trace", "sort_by": "self_cpu_time_total"}
    runner = trained(
        log_level="INFO", **profiling(on_trace_ready=ready, schedule={"wait": 0, "warmup": 1, "active": 1})
    )

    assert "Self CPU time total" in next(Path(runner.log_dir).glob("*.log")).read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"by_epoch": 1}, TypeError, "by_epoch must be True or False, found 1"),
        ({"activity_with_cuda": "yes"}, TypeError, "activity_with_cuda must be True or False, found 'yes'"),
        ({"schedule": 3}, TypeError, "schedule must be a dict"),
        ({"profile_times": 0}, ValueError, "profile_times must be greater than 0, found 0"),
        ({"profile_times": 2}, ValueError, "one is the most; by_epoch=False counts iterations"),
        ({"on_trace_ready": {"type": "x"}}, ValueError, "must be of type 'log_trace' or 'tb_trace', found 'x'"),
        ({"on_trace_ready": 3}, ValueError, "found 3"),
    ],
)
def test_wrong_arguments_are_told_at_once(options: dict[str, Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        ProfilerHook(**options)


def test_the_profiler_cannot_outlast_the_run(make: Train) -> None:
    with pytest.raises(ValueError, match="profile_times must not be greater than 4, found 9"):
        make(**profiling(by_epoch=False, profile_times=9)).train()
