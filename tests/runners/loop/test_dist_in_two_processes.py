"""MMEngine's distributed functions in two processes on the CPU, or three, by gloo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from torchrun import found_by, in_two_processes, run_processes

SCRIPT = Path(__file__).with_name("dist_of_two.py")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes that torchrun started has found."""
    return in_two_processes(SCRIPT, tmp_path_factory.mktemp("dist"))


@pytest.mark.parametrize("rank", [0, 1])
def test_who_is_this(found: list[dict[str, Any]], rank: int) -> None:
    who = found[rank]["who"]

    assert "init_local_group(node_rank, num_gpus_per_node)" in who.pop("no group")
    assert f"does not fit the process of rank {rank} among 2" in who.pop("wrong node")
    assert {
        "info": (rank, 2),
        "rank": (rank, 2, rank == 0, True),
        "backend": "gloo",
        "launcher": "pytorch",
        "comm": "cpu",
        "default": True,
        "by launcher": (rank, 2),
        "by group": (rank, 2, (rank, 2)),
    } == who
    assert [None, "ran"][rank == 0] == found[rank]["master"]


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("sum", [12, 8]),
        ("mean", [6, 4]),
        ("PRODUCT", [36, 15]),
        ("min", [6, 3]),
        ("max", [6, 5]),
        ("band", [6, 1]),
        ("bor", [6, 7]),
        ("bxor", [0, 6]),
    ],
)
def test_reductions(found: list[dict[str, Any]], op: str, expected: list[int]) -> None:
    """Of [6, 3] and [6, 5]."""
    assert [expected, expected] == [rank["reduced"][op] for rank in found]


def test_a_parameter_that_is_not_contiguous_is_reduced_in_place(found: list[dict[str, Any]]) -> None:
    expected = torch.arange(6.0).reshape(2, 3).t() + 0.5

    assert all(torch.equal(expected, rank["parameter"]) for rank in found)


def test_a_dict_is_reduced_to_the_common_type(found: list[dict[str, Any]]) -> None:
    assert [{"b": [3.0, 5.0], "a": 1.0}] * 2 == [rank["reduced"]["dict"] for rank in found]


@pytest.mark.parametrize("way", [{}, {"coalesce": False}, {"bucket_size_mb": 1}, {"op": "mean"}], ids=str)
def test_parameters_are_reduced(found: list[dict[str, Any]], way: dict[str, Any]) -> None:
    """Of [1, 2] and [2, 4], and of the integers 4 and 7, whose mean is rounded toward zero."""
    expected = [[1.5, 3.0], 5] if way == {"op": "mean"} else [[3.0, 6.0], 11]

    assert [expected, expected] == [rank["reduced"][f"params {way}"] for rank in found]


def test_tensors_and_objects_travel(found: list[dict[str, Any]]) -> None:
    everything, objects = [[0, 7], [1, 7]], [{"of": 0}, {"of": 1}]
    expected = {
        "all_gather": everything,
        "gather": everything,
        "broadcast": [[1, 2], [1, 3]],
        "objects": [{"of": 1}, 1],
        "all_gather_object": objects,
        "gather_object": objects,
    }

    assert [{**expected, "gather": [], "gather_object": None}, expected] == [rank["moved"] for rank in found]


def test_ranks_are_those_within_the_group(tmp_path: Path) -> None:
    """Of processes 1 and 2 of three."""
    run_processes(SCRIPT.with_name("dist_of_three.py"), str(tmp_path), count=3)
    expected = {
        "info": (1, 2),
        "main": False,
        "backend": "gloo",
        "all_reduce": 1.5,
        "broadcast": 1,
        "objects": [1],
        "params": 3.0,
        "all_gather": [0, 1],
        "gather": [0, 1],
        "all_gather_object": ["of 0", "of 1"],
        "gather_object": ["of 0", "of 1"],
        "seeds": 1,
    }
    elsewhere = {**expected, "info": (0, 2), "main": True, "gather": [], "gather_object": None}

    assert [None, elsewhere, expected] == found_by(3, tmp_path)


@pytest.mark.parametrize(("way", "expected"), [("cpu", 5), ("gpu", 4), ("files", 5), ("device", 5)])
def test_results_meet_in_the_order_of_the_samples(found: list[dict[str, Any]], way: str, expected: int) -> None:
    assert [[*range(expected)], None] == [rank["collected"][way] for rank in found]


def test_seeds_are_those_of_the_first_process(found: list[dict[str, Any]]) -> None:
    drawn = numpy.random.RandomState(0)
    expected = [drawn.randint(2**31), drawn.randint(2**31)]

    assert [expected, expected] == [rank["seeds"] for rank in found]
