"""The loop runtime against real MMEngine 0.10.7, run here and now: equal to the last bit."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mmbridge.runners.trace import Recorder

pytestmark = pytest.mark.oracle
sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures" / "toys" / "loop"))
from loop_cases import CASES  # noqa: E402
from loop_engines import on_torch_of_today, ours, real  # noqa: E402
from loop_toys import register, run  # noqa: E402


@pytest.fixture(scope="module")
def engines() -> Any:
    pytest.importorskip("mmengine")
    if "torchvision" in sys.modules and not hasattr(sys.modules["torchvision"], "__version__"):
        sys.modules["torchvision"].__version__ = "0"  # MMEngine logs it
    pair = real(), ours()
    for engine in pair:
        register(engine)
    with on_torch_of_today():
        yield pair


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_run_is_mmengines(name: str, engines: Any, tmp_path: Path) -> None:
    results = []
    for place, engine in zip(("there", "here"), engines, strict=True):
        (tmp_path / place).mkdir()
        recorder = Recorder()
        result = run(engine, recorder.hook(engine.Hook), CASES[name], str(tmp_path / place))
        results.append((recorder.events, json.loads(json.dumps(vars(result)))))
    (events, result), (our_events, our_result) = results

    assert our_events == events
    assert our_result == result
