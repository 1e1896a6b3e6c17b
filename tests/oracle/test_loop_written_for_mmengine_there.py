"""Projects written for MMEngine: unchanged in real MMEngine 0.10.7, and here with their import lines changed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.oracle
sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures" / "toys" / "loop"))
from loop_engines import on_torch_of_today  # noqa: E402
from loop_imports import OVERRIDING, PROJECT, project  # noqa: E402

RUNS = {
    PROJECT: [
        "train_objects",
        "train_by_config",
        "validate_on_two_sets",
        "train_twice",
        "own_steps_averages_and_groups",
        "tested_after_training",
    ],
    OVERRIDING: [
        "a_runner",
        "a_runner_of_its_own_arguments",
        "loops",
        "several_sets_of_data",
        "several_sets_and_a_timer",
        "averages",
        "seeds",
    ],
}


@pytest.fixture(scope="module")
def projects() -> Any:
    pytest.importorskip("mmengine")
    with on_torch_of_today():
        yield {path: [project(here=here, path=path) for here in (False, True)] for path in RUNS}


def test_what_is_overridden_is_all_run(projects: Any) -> None:
    assert [run.__name__ for run in projects[OVERRIDING][0].RUNS] == RUNS[OVERRIDING]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("path", "name"), [(path, name) for path, names in RUNS.items() for name in names])
def test_a_project_does_the_same_here(path: Path, name: str, projects: Any, tmp_path: Path) -> None:
    """What its hooks hear, what is logged and the weights are equal to the bit; times are none of it."""
    results = []
    for place, tiny in zip(("there", "here"), projects[path], strict=True):
        found = tiny.facts(getattr(tiny, name), str(tmp_path / place))
        results.append(json.loads(json.dumps(found)))

    assert results[0] == results[1]
    assert path == PROJECT or results[0]["heard"]
