"""A project that overrides parts of MMEngine: unchanged in real MMEngine 0.10.7, and here with other import lines."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.oracle
sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures" / "toys" / "loop"))
from loop_engines import on_torch_of_today  # noqa: E402
from loop_imports import OVERRIDING, project  # noqa: E402

RUNS = [
    "a_runner",
    "a_runner_of_its_own_arguments",
    "loops",
    "several_sets_of_data",
    "several_sets_and_a_timer",
    "averages",
    "seeds",
]


@pytest.fixture(scope="module")
def projects() -> Any:
    pytest.importorskip("mmengine")
    with on_torch_of_today():
        yield [project(here=here, path=OVERRIDING) for here in (False, True)]


def test_these_are_all_runs(projects: Any) -> None:
    assert [run.__name__ for run in projects[0].RUNS] == RUNS


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", RUNS)
def test_what_is_overridden_is_used_here_as_there(name: str, projects: Any, tmp_path: Path) -> None:
    results = []
    for place, found in zip(("there", "here"), projects, strict=True):
        facts = found.facts(getattr(found, name), str(tmp_path / place))
        results.append(json.loads(json.dumps(facts)))

    assert results[0]["heard"]
    assert results[1] == results[0]
