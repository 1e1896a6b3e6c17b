from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners.parallel import MMDataParallel
from torchrun import in_two_processes

SCRIPT = Path(__file__).with_name("two_processes.py")
# Two processes add the same gradients in another order than one: a few roundings of double precision.
ROUNDING = 1e-14


@pytest.fixture(scope="module")
def script() -> Any:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("two_processes", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes that torchrun started has found."""
    return in_two_processes(SCRIPT, tmp_path_factory.mktemp("two"))


def test_the_processes_know_their_ranks(found: list[dict[str, Any]]) -> None:
    assert [(0, 2), (1, 2)] == [rank["info"] for rank in found]
    assert ["ran", None] == [rank["master_only"] for rank in found]


def test_nccl_becomes_gloo_without_cuda(found: list[dict[str, Any]]) -> None:
    for rank in found:
        assert rank["backend"] == "gloo"
        assert ["backend 'nccl' needs CUDA, which is absent here; 'gloo' is used"] == rank["warnings"]


@pytest.mark.parametrize("how", ["together", "each", "buckets"])
def test_averages(found: list[dict[str, Any]], how: str) -> None:
    params = [[0.5], [5.0], [6], [1.5]]  # the integers 6 and 7 are averaged toward zero
    grads = [[0.5, 0.5], None, [2.5, 2.5]]

    assert [(params, grads)] * 2 == [rank["averages"][how] for rank in found]


@pytest.mark.parametrize(
    ("kind", "accumulate", "unused"),
    [
        pytest.param("trained", False, False, id="plain"),
        pytest.param("accumulated", True, False, id="gradients_accumulated_without_sync"),
        pytest.param("with_unused", False, True, id="a_parameter_without_gradient"),
    ],
)
def test_training_equals_one_process(
    found: list[dict[str, Any]], script: Any, kind: str, accumulate: bool, unused: bool
) -> None:
    alone = MMDataParallel(script.toy(unused))
    expected = script.train(alone, list(range(script.SAMPLES)), accumulate)

    for rank in found:
        torch.testing.assert_close(rank[kind], expected, rtol=ROUNDING, atol=ROUNDING)
    for name, value in found[0][kind].items():
        assert torch.equal(value, found[1][kind][name]), "the two processes differ"


def test_a_step_runs_the_model_once_with_the_buffers_of_the_first_process(
    found: list[dict[str, Any]],
) -> None:
    """It grows by 1 in process 0 and by 2 in process 1; every forward starts from that of process 0."""
    expected = [call for seen in range(4) for call in (f"train_step after seeing {seen}", "forward hook")]

    assert [expected, expected] == [rank["calls"] for rank in found]


def test_buffers_stay_apart_without_broadcast(found: list[dict[str, Any]]) -> None:
    seen = [[call for call in rank["calls_without_broadcast"] if "seeing" in call] for rank in found]

    assert [f"train_step after seeing {2 * step}" for step in range(4)] == seen[1]
    assert [f"train_step after seeing {step}" for step in range(4)] == seen[0]


def test_containers_are_unpacked_and_split(found: list[dict[str, Any]]) -> None:
    assert [["0-0", "0-2", "0-4"], ["0-1", "0-3", "0-5"]] == [rank["val_step"] for rank in found]
    assert [(3, 2)] * 2 == [tuple(rank["forward"]) for rank in found]


def test_the_model_stays_in_its_place(found: list[dict[str, Any]]) -> None:
    assert ["module.weight", "module.offset", "module.unused", "module.seen"] == found[0]["keys"]
    assert found[0]["module_after_an_error"] == "Toy"
