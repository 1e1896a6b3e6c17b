"""What people override in MMEngine's parts is used here; tests/oracle runs the same project there, unchanged."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from mmbridge.runners.loop.runner import randomness, set_random_seed

sys.path.insert(0, str(Path(__file__).parents[3] / "fixtures" / "toys" / "loop"))
from loop_imports import OVERRIDING, project


@pytest.fixture(scope="module")
def own() -> Any:
    return project(here=True, path=OVERRIDING)


@pytest.fixture
def heard(own: Any, tmp_path: Path) -> Any:
    """``heard(name)``: what the parts of the project saw in that run."""
    return lambda name: own.facts(getattr(own, name), str(tmp_path))["heard"]


def test_the_environment_and_the_log_processor(heard: Any) -> None:
    first = "('setup_env', 'none', ['dist_cfg', 'mp_cfg'], None)"

    assert [first, "('scope', 'mmengine', 3)", "('before', 12, 3)"] == heard("a_runner")


def test_a_runner_gets_every_argument_by_its_name(heard: Any) -> None:
    given, _, hooks, files = heard("a_runner_of_its_own_arguments")

    assert given.startswith("('given', None, False, 'none', ['auto_scale_lr', 'cfg', 'custom_hooks',")
    assert hooks.startswith("(True, ") and "AlwaysAverage" in hooks
    assert "('files', ['epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth'])" == files


def test_a_loop_may_set_its_length(heard: Any) -> None:
    lines = [f"('line', 'Iter(train) [{n}/6]', 10)" for n in (2, 4, 6)]

    expected = ["('before', 12, 3)", *lines, "('length', 6, 3)", "('before', 3, 1)", "('length', 3, 5)"]
    assert expected == heard("loops")


def test_a_loop_may_have_its_data_from_the_run_on(heard: Any) -> None:
    lines = [each for each in heard("several_sets_of_data") if "val" in each]

    assert [f"('line', 'Epoch(val) [{epoch}][{n}/5]', 10)" for epoch in (1, 2, 3) for n in (2, 4)] == lines


def test_a_timer_may_reckon_itself_and_the_best_file_is_told(heard: Any) -> None:
    found = heard("several_sets_and_a_timer")

    left = [10.0, 8.0, 12.0, 9.0, 6.0, 3.0, 0.0, 6.0, 4.0, 12.0, 9.0, 6.0, 3.0, 0.0, 2.0, 0.0, 12.0, 9.0, 6.0, 3.0, 0.0]
    assert left == [float(each.split(", ")[2].strip(")")) for each in found if each.startswith("('eta'")]
    assert "('best', 'best_acc_epoch_3.pth', True)" == found[-1]


def test_an_average_may_be_taken_from_every_checkpoint(heard: Any) -> None:
    assert "('averaged', 7.0, 3.314" == heard("averages")[-1][:23]


def test_a_seed_is_returned_and_drawn_from_numpy(heard: Any) -> None:
    seeds, drawn = heard("seeds")

    assert seeds.startswith("('seeds', 3, ") and seeds.endswith(", True, True)")
    assert drawn in ("('seed', 953453411)", "('seed', 1097127993)")  # the second one without NumPy


def test_each_process_may_have_a_seed_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: Any) -> None:
    monkeypatch.setattr(randomness, "get_dist_info", lambda: (2, 4))
    options = {**own.config(str(tmp_path)), "randomness": {"seed": 5, "diff_rank_seed": True}}

    assert 9 == set_random_seed(7, diff_rank_seed=True)
    assert 7 == own.Runner(**options).seed
