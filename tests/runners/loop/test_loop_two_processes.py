"""Training in two processes, through torchrun on CPU, is training in one on the same batches."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torchrun import in_two_processes

TOYS = Path(__file__).parents[3] / "fixtures" / "toys" / "loop"
sys.path.insert(0, str(TOYS))
ROUNDING = 1e-12  # the mean of two half batches' gradients, beside the gradient of the whole: doubles, a few steps
WHOLE = [f"{model}, {unit}" for model in ("New", "Old") for unit in ("epochs", "iterations")]
RUNS = [run for name in WHOLE for run in (name, f"{name}, resumed")]


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of the two processes found."""
    return in_two_processes(TOYS / "loop_distributed.py", tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    from loop_distributed import main

    return main(tmp_path_factory.mktemp("one"))


def flat(run: dict[str, Any]) -> list[float]:
    return torch.cat([each.flatten() for each in run["weights"]]).tolist()


@pytest.mark.parametrize("run", RUNS)
def test_all_processes_hold_the_same_model(run: str, together: list[dict[str, Any]]) -> None:
    assert flat(together[0][run]) == flat(together[1][run])


@pytest.mark.parametrize("run", RUNS)
def test_two_processes_train_as_one(run: str, together: list[dict[str, Any]], alone: dict[str, Any]) -> None:
    for each in together:
        assert flat(each[run]) == pytest.approx(flat(alone[run]), rel=ROUNDING, abs=ROUNDING)
        assert each[run]["norm"] == pytest.approx(alone[run]["norm"], rel=ROUNDING)
        assert (each[run]["counters"], each[run]["rate"]) == (alone[run]["counters"], alone[run]["rate"])
    assert alone[run]["norm"] > 0


@pytest.mark.parametrize("run", RUNS)
def test_both_kinds_of_models_are_wrapped(run: str, together: list[dict[str, Any]], alone: dict[str, Any]) -> None:
    kind = "LegacyModel" if run.startswith("Old") else "MMDistributedDataParallel"

    assert [kind, kind] == [each[run]["wrapper"] for each in together]
    assert {"New": "New", "Old": "LegacyModel"}[run[:3]] == alone[run]["wrapper"]


@pytest.mark.parametrize("mode", ["validated", "tested"])
@pytest.mark.parametrize("run", RUNS)
def test_every_process_knows_the_scores_of_all_samples(
    run: str, mode: str, together: list[dict[str, Any]], alone: dict[str, Any]
) -> None:
    """Seven samples: one of the processes has one more, and what filled it up is left out."""
    for each in together:
        assert each[run][mode] == pytest.approx(alone[run][mode], rel=ROUNDING)
    assert [7] == [value for name, value in alone[run][mode].items() if name.endswith("count")]


@pytest.mark.parametrize("run", WHOLE)
def test_a_resumed_run_is_the_uninterrupted_one(run: str, together: list[dict[str, Any]]) -> None:
    for each in together:
        whole, resumed = each[run], each[f"{run}, resumed"]

        assert flat(whole) == flat(resumed)
        assert [whole[key] for key in ("counters", "rate", "norm", "validated", "tested")] == [
            resumed[key] for key in ("counters", "rate", "norm", "validated", "tested")
        ]


@pytest.mark.parametrize("run", WHOLE)
def test_rank_0_alone_writes(run: str, together: list[dict[str, Any]], alone: dict[str, Any]) -> None:
    assert alone[run]["files"] == together[0][run]["files"]
    assert [] == together[1][run]["files"]
    assert any(name.endswith(".pth") for name in alone[run]["files"])
