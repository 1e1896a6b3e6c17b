"""The same runs as recorded in real MMEngine 0.10.7: the same events, log lines, logged values and files."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from mmbridge.runners.loop.registry import PARAM_SCHEDULERS
from mmbridge.runners.trace import Event, Recorder, read_trace

FIXTURES = Path(__file__).parents[3] / "fixtures"
RECORDED = FIXTURES / "traces" / "loop"
sys.path.insert(0, str(FIXTURES / "toys" / "loop"))
from loop_cases import CASES, GOING_ON  # noqa: E402
from loop_engines import ours  # noqa: E402
from loop_toys import register, run  # noqa: E402

CLOSE = {"rel": 1e-3, "abs": 2e-4}  # another processor adds float32 in another order, and lines have 4 digits


@pytest.fixture(scope="module")
def engine() -> Any:
    engine = ours()
    register(engine)
    return engine


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def exact(event: Event) -> tuple[Any, ...]:
    return event.point, event.epoch, event.iter, event.inner_iter, event.lr, event.momentum


def numbers(value: Any) -> list[float]:
    return [float(each) for each in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", json.dumps(value))]


def words(value: Any) -> str:
    return re.sub(r"-?\d+\.\d+(?:e-?\d+)?", "#", json.dumps(value))


def same(recorder: Recorder, result: Any, name: str) -> None:
    """Fail unless the run is as recorded under ``name``."""
    expected = read_trace(RECORDED / f"{slug(name)}.jsonl")
    stored = json.loads((RECORDED / f"{slug(name)}.json").read_text("utf-8"))

    assert list(map(exact, recorder.events)) == list(map(exact, expected))
    for field in ("loss", "grad_norm"):
        found = [getattr(event, field) or 0.0 for event in recorder.events]
        assert found == pytest.approx([getattr(event, field) or 0.0 for event in expected], **CLOSE)
    for key, value in stored.items():
        found = json.loads(json.dumps(vars(result)[key]))
        assert words(found) == words(value)
        assert numbers(found) == pytest.approx(numbers(value), **CLOSE)


@pytest.mark.parametrize("name", CASES)
def test_run_is_as_recorded(name: str, engine: Any, tmp_path: Path) -> None:
    recorder = Recorder()

    same(recorder, run(engine, recorder.hook(engine.Hook), CASES[name], str(tmp_path)), name)


def test_a_run_goes_on_from_a_checkpoint_of_mmengine(engine: Any, tmp_path: Path) -> None:
    """It holds histories, a one cycle and milestones as MMEngine writes them; nothing in it is run to read it."""
    recorder = Recorder()
    shutil.copy(RECORDED / "iter_6_of_mmengine.pth", tmp_path)
    case = {**GOING_ON, "load_from": "iter_6_of_mmengine.pth", "resume": True}

    same(recorder, run(engine, recorder.hook(engine.Hook), case, str(tmp_path)), "going on from a checkpoint")


def test_every_recorded_trace_has_its_case() -> None:
    recorded = {path.stem for path in RECORDED.glob("*.jsonl")}

    assert recorded == {slug(name) for name in [*CASES, "going on from a checkpoint"]}


def test_the_cases_cover_every_scheduler_of_the_rate() -> None:
    schedulers = [each for case in CASES.values() for each in flat(case.get("param_scheduler"))]
    PARAM_SCHEDULERS.get("StepLR")  # registers the built-in ones

    known = {name for name in PARAM_SCHEDULERS.module_dict if name.endswith("LR")}
    assert known <= {each["type"] for each in schedulers}


def flat(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if isinstance(value, dict):
        return [value] if "type" in value else [one for each in value.values() for one in flat(each)]
    return [one for each in value for one in flat(each)]
