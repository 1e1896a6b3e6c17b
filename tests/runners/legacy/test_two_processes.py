"""Training in two processes, through torchrun on CPU, is training in one on the same batches."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torchrun import in_two_processes

TOYS = Path(__file__).parents[3] / "fixtures" / "toys"
sys.path.insert(0, str(TOYS))
ROUNDING = 1e-6  # the mean of two half batches' gradients, beside the gradient of the whole: float32


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of the two processes found."""
    return in_two_processes(TOYS / "distributed.py", tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    from distributed import main

    return main(tmp_path_factory.mktemp("one"))


def test_the_train_entry_in_two_processes(together: list[dict[str, Any]]) -> None:
    first, second = (each["entry"] for each in together)

    assert first["weights"] == second["weights"]
    assert {"DistSamplerSeedHook", "DistEvalHook"} <= set(first["hooks"])
    assert (first["best"], second["best"]) == (1.0, None)


RUNS = ["epochs", "epochs resumed", "iters", "iters resumed"]


def flat(weights: Any) -> list[float]:
    return torch.cat([torch.tensor(each).flatten() for each in weights]).tolist()


@pytest.mark.parametrize("run", RUNS)
def test_all_processes_hold_the_same_model(run: str, together: list[dict[str, Any]]) -> None:
    assert together[0][run]["weights"] == together[1][run]["weights"]


@pytest.mark.parametrize("run", RUNS)
def test_two_processes_train_as_one(run: str, together: list[dict[str, Any]], alone: dict[str, Any]) -> None:
    assert flat(together[0][run]["weights"]) == pytest.approx(flat(alone[run]["weights"]), rel=ROUNDING, abs=ROUNDING)
    assert together[0][run]["counters"] == alone[run]["counters"]


def test_epochs_resume_exactly(together: list[dict[str, Any]]) -> None:
    assert together[0]["epochs resumed"]["weights"] == together[0]["epochs"]["weights"]


@pytest.mark.parametrize("run", RUNS)
def test_rank_0_alone_writes_and_evaluates(run: str, together: list[dict[str, Any]], alone: dict[str, Any]) -> None:
    expected = [name for name in alone[run]["files"] if not name.endswith(".log.json")]

    assert [name for name in together[0][run]["files"] if not name.endswith(".log.json")] == expected
    assert [each[run]["results"] for each in together] == [8, 0]
