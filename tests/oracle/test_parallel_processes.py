"""Two processes train, and average, as they do with the real MMCV 1.7.2: bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torchrun import run_processes

pytestmark = pytest.mark.oracle
SCRIPT = Path(__file__).with_name("distributed_training.py")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What both processes found, with MMCV and with ours."""
    pytest.importorskip("mmcv.parallel")
    folder = tmp_path_factory.mktemp("two")
    for name in ("mmcv", "mmbridge"):
        run_processes(SCRIPT, name, str(folder))
    return {
        f"{name}{rank}": torch.load(folder / f"{name}{rank}.pt") for name in ("mmcv", "mmbridge") for rank in (0, 1)
    }


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("case", ["plain", "no_broadcast", "unused"])
def test_training(found: dict[str, Any], case: str, rank: int) -> None:
    expected_losses, expected = found[f"mmcv{rank}"][case]
    losses, weights = found[f"mmbridge{rank}"][case]

    assert expected_losses == losses
    assert list(expected) == list(weights)
    assert [] == [name for name in expected if not torch.equal(expected[name], weights[name])]


@pytest.mark.parametrize("rank", [0, 1])
def test_averages(found: dict[str, Any], rank: int) -> None:
    expected, actual = (found[f"{name}{rank}"]["averages"] for name in ("mmcv", "mmbridge"))

    assert len(expected) == len(actual) == 21
    assert all(torch.equal(*pair) for pair in zip(expected, actual, strict=True))
