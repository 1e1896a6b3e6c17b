"""The same training as recorded in real MMCV 1.7.2: the same events, lines, records and files."""

from __future__ import annotations

import json
import re
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mmbridge.runners.hooks import HOOKS, EvalHook
from mmbridge.runners.legacy import build_runner
from mmbridge.runners.trace import Event, Recorder, read_trace, write_trace

FIXTURES = Path(__file__).parents[2] / "fixtures"
sys.path.insert(0, str(FIXTURES / "toys"))
from cases import CASES  # noqa: E402
from toys import train  # noqa: E402

OURS = SimpleNamespace(build_runner=build_runner, EvalHook=EvalHook)
CLOSE = {"rel": 1e-3, "abs": 2e-4}  # another processor adds float32 in another order, and lines have 4 digits


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def exact(event: Event) -> tuple[Any, ...]:
    return event.point, event.epoch, event.iter, event.inner_iter, event.lr, event.momentum


def numbers(value: Any) -> list[float]:
    return [float(each) for each in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", json.dumps(value))]


def words(value: Any) -> str:
    return re.sub(r"-?\d+\.\d+(?:e-?\d+)?", "#", json.dumps(value))


@pytest.mark.parametrize("name", CASES)
def test_training_is_as_recorded(name: str, tmp_path: Path) -> None:
    recorder = Recorder()
    expected = read_trace(FIXTURES / "traces" / f"{slug(name)}.jsonl")
    stored = json.loads((FIXTURES / "traces" / f"{slug(name)}.json").read_text("utf-8"))
    (tmp_path / "work").mkdir()

    result = vars(train(OURS, recorder.hook(), CASES[name], str(tmp_path / "work")))

    assert list(map(exact, recorder.events)) == list(map(exact, expected))
    for field in ("loss", "grad_norm"):
        ours = [getattr(event, field) or 0.0 for event in recorder.events]
        assert ours == pytest.approx([getattr(event, field) or 0.0 for event in expected], **CLOSE)
    for key, value in stored.items():
        ours = json.loads(json.dumps(result[key]))
        assert words(ours) == words(value)
        assert numbers(ours) == pytest.approx(numbers(value), **CLOSE)


def test_every_recorded_trace_has_its_case() -> None:
    recorded = {path.stem for path in (FIXTURES / "traces").glob("*.jsonl")}

    assert recorded == {slug(name) for name in CASES}


def test_the_cases_cover_every_policy() -> None:
    used = {
        type_of(case.get(key), suffix)
        for case in CASES.values()
        for key, suffix in (("lr_config", "Lr"), ("momentum_config", "Momentum"))
        if case.get(key)
    }
    known = {name for name in HOOKS.module_dict if name.endswith(("LrUpdaterHook", "MomentumUpdaterHook"))}

    assert used == known - {"YOLOXLrUpdaterHook"}  # of MMDetection, not of MMCV


def type_of(config: dict[str, Any], kind: str) -> str:
    policy = config["policy"]
    return f"{policy.title() if policy == policy.lower() else policy}{kind}UpdaterHook"


def test_a_trace_reads_back_equal(tmp_path: Path) -> None:
    events = [
        Event("before_run", 0, 0),
        Event("before_train_iter", 0, 1, 2, lr=(0.1, 1e-300), momentum=(0.9,)),
        Event("after_train_iter", 0, 1, None, loss=float("inf"), grad_norm=None, params="00ff"),
    ]
    write_trace(tmp_path / "t.jsonl", events)

    assert read_trace(tmp_path / "t.jsonl") == events


def test_recorded_runs_warn_of_nothing(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(OURS, None, CASES["epochs"], str(tmp_path))
