from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from torchrun import in_two_processes

SCRIPT = Path(__file__).with_name("metrics_of_two.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the two processes write."""
    return tmp_path_factory.mktemp("two")


@pytest.fixture(scope="module")
def found(folder: Path) -> list[dict[str, Any]]:
    """What each of two processes that torchrun started has found."""
    return in_two_processes(SCRIPT, folder)


@pytest.mark.parametrize("way", ["memory", "unequal", "files", "device"])
def test_results_meet_in_rank_0_in_the_order_of_the_samples(found: list[dict[str, Any]], way: str) -> None:
    """Without what a sampler has added; every process is told the scores."""
    expected = {"toy/all": [0, 1, 2, 3, 4], "toy/computed_by": 0}

    assert [expected, expected] == [rank[way] for rank in found]


def test_dataset_evaluates_in_rank_0(found: list[dict[str, Any]]) -> None:
    expected = {"all": [0, 1, 2, 3, 4], "computed_by": 0}

    assert [expected, expected] == [rank["dataset"] for rank in found]


def test_shared_folder_is_cleared(found: list[dict[str, Any]]) -> None:
    assert found[1]["folder_is_gone"]


def test_dump_is_written_once(found: list[dict[str, Any]], folder: Path) -> None:
    assert [{}, {}] == [rank["dump"] for rank in found]
    assert [0, 1, 2, 3, 4] == pickle.loads((folder / "out.pkl").read_bytes())


def test_drawn_seeds_are_shared(found: list[dict[str, Any]]) -> None:
    assert found[0]["seeds"] == found[1]["seeds"]
    assert 2 == len(set(found[0]["seeds"]))


@pytest.mark.parametrize("kind", ["forward_only", "with_step"])
def test_gradients_of_models_of_mmcv_1_are_averaged(found: list[dict[str, Any]], kind: str) -> None:
    """Mean of x over both processes and steps: ((1 + 3) / 2 + (2 + 4) / 2) / 2 = 2.5."""
    for rank in found:
        assert -1.5 == rank[kind]["weight"]
        assert [-1.5, -1.5] == rank[kind]["results"]
        assert ["weight"] == rank[kind]["keys"]


def test_logged_losses_are_means_over_the_processes(found: list[dict[str, Any]]) -> None:
    expected = [{"loss_x": 1.5, "acc": 1.5, "loss": 1.5}, {"loss_x": 3.5, "acc": 3.5, "loss": 3.5}]

    assert [expected, expected] == [rank["forward_only"]["logged"] for rank in found]
    assert [[{"loss": 1.0}, {"loss": 3.0}], [{"loss": 2.0}, {"loss": 4.0}]] == [
        rank["with_step"]["logged"] for rank in found
    ]
