"""A project written for MMEngine: unchanged in real MMEngine 0.10.7, and here with its import lines changed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.oracle
sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures" / "toys" / "loop"))
from loop_engines import on_torch_of_today  # noqa: E402
from loop_imports import project  # noqa: E402

RUNS = [
    "train_objects",
    "train_by_config",
    "validate_on_two_sets",
    "train_twice",
    "own_steps_averages_and_groups",
    "tested_after_training",
]


@pytest.fixture(scope="module")
def projects() -> Any:
    pytest.importorskip("mmengine")
    with on_torch_of_today():
        yield [project(here=False), project(here=True)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", RUNS)
def test_a_project_does_the_same_here(name: str, projects: Any, tmp_path: Path) -> None:
    """What its hooks hear, what is logged and the weights are equal to the bit; times are none of it."""
    results = []
    for place, tiny in zip(("there", "here"), projects, strict=True):
        found = tiny.facts(getattr(tiny, name), str(tmp_path / place))
        results.append(json.loads(json.dumps(found)))

    assert results[0] == results[1]
