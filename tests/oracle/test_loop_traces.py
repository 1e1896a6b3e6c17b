"""The loop runtime against real MMEngine 0.10.7, run here and now: equal to the last bit."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from mmbridge.runners.trace import Recorder

pytestmark = pytest.mark.oracle
sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures" / "toys" / "loop"))
from drawn_runs import runs  # noqa: E402
from loop_cases import CASES  # noqa: E402
from loop_engines import on_torch_of_today, ours, real  # noqa: E402
from loop_toys import register, run  # noqa: E402


@pytest.fixture(scope="module")
def engines() -> Any:
    pytest.importorskip("mmengine")
    pair = real(), ours()
    for engine in pair:
        register(engine)
    with on_torch_of_today():
        yield pair


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_run_is_mmengines(name: str, engines: Any) -> None:
    there, here = (traced(engine, CASES[name]) for engine in engines)

    assert there[1]
    assert here == there


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=int(os.environ.get("MMBRIDGE_LAWS", 100)))
@given(case=runs())
def test_a_run_as_it_is_drawn_is_mmengines(case: dict[str, Any], engines: Any) -> None:
    """Where MMEngine refuses a setting or fails, so does this runtime, after the same events."""
    there, here = (traced(engine, case) for engine in engines)

    assert here == there


def traced(engine: Any, case: dict[str, Any]) -> tuple[list[str], str]:
    """The events of a run, and what it leaves, as texts: in them NaN is equal to NaN. No text if it fails."""
    recorder = Recorder()
    with tempfile.TemporaryDirectory() as directory:
        try:
            left = json.dumps(vars(run(engine, recorder.hook(engine.Hook), case, directory)))
        except Exception:
            left = ""
    return [*map(repr, recorder.events)], left
