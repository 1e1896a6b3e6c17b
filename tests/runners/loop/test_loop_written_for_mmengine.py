"""A project written for MMEngine runs here once its import lines are changed; tests/oracle runs it there, unchanged."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "fixtures" / "toys" / "loop"))
from loop_imports import project, text

RUNS = {
    "train_objects": (2, 8),
    "train_by_config": (3, 12),
    "validate_on_two_sets": (3, 12),
    "train_twice": (2, 16),
    "own_steps_averages_and_groups": (3, 12),
    "tested_after_training": (0, 0),
}
"""The runs of the project, and how many epochs and iterations each has."""


@pytest.fixture(scope="module")
def tiny() -> Any:
    return project(here=True)


def test_nothing_but_import_lines_is_changed() -> None:
    before, after = text(here=False).splitlines(), text(here=True).splitlines()
    changed = [old for old, new in zip(before, after, strict=True) if old != new]

    assert len(changed) >= 10
    assert all(line.startswith("from mmengine.") for line in changed)
    assert "mmengine" not in "".join(line for line in after if "import" in line and '"""' not in line)


def test_these_are_all_runs(tiny: Any) -> None:
    assert list(RUNS) == [run.__name__ for run in tiny.RUNS]


@pytest.mark.parametrize("name", RUNS)
def test_a_project_runs(name: str, tiny: Any, tmp_path: Path) -> None:
    found = tiny.facts(getattr(tiny, name), str(tmp_path))

    assert RUNS[name] == found["counters"]
    assert found["heard"] or name == "train_objects"


def test_a_classifier_given_as_objects(tiny: Any, tmp_path: Path) -> None:
    logged = tiny.facts(tiny.train_objects, str(tmp_path))["logged"]

    assert (8, 2) == (len(logged["train/loss"]), len(logged["val/accuracy"]))
    assert all(0 <= each <= 100 for each in logged["val/accuracy"])


def test_points_of_a_loop_of_its_own(tiny: Any, tmp_path: Path) -> None:
    """Between the scores of the first set of data and the end of the validation."""
    found = tiny.facts(tiny.validate_on_two_sets, str(tmp_path))
    second = [event for event in found["heard"] if "valloader2" in event]

    once = [
        "('before_valloader2_iter', 0, 4)",
        "('after_valloader2_iter', 0, 4)",
        "('before_valloader2_iter', 1, 4)",
        "('after_valloader2_iter', 1, 4)",
        "('after_valloader2_epoch', ['tiny/acc', 'tiny/count'])",
    ]
    assert ["('before_valloader2_epoch', 1, 4)", *once] == second[:6]
    assert [8.0] * 3 == found["logged"]["val/second_tiny/count"]


def test_each_batch_twice(tiny: Any, tmp_path: Path) -> None:
    """The counter moves at every run of a batch, so the run is twice as long as it says."""
    found = tiny.facts(tiny.train_twice, str(tmp_path))
    seen = [event for event in found["heard"] if event.startswith("('after_train_iter'")]

    assert [f"('after_train_iter', {2 * n + 1}, {n % 4}" for n in range(8)] == [each.rsplit(", [")[0] for each in seen]
    assert "('before_run', 'TinyNet', 2, 8)" == found["heard"][0]


def test_averages_constructors_and_steps_of_its_own(tiny: Any, tmp_path: Path) -> None:
    found = tiny.facts(tiny.own_steps_averages_and_groups, str(tmp_path))

    assert {"train/base_lr", "train/lr", "train/grad_norm", "train/head", "train/loss_decay"} <= set(found["logged"])
    assert (tmp_path / "epoch_3.pth").is_file()
