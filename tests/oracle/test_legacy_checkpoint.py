"""Checkpoints go both ways between real MMCV 1.7.2 and here."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners.checkpoint import load_checkpoint, read_file, save_checkpoint
from torch import nn

pytestmark = pytest.mark.oracle


@pytest.fixture
def theirs() -> Any:
    return pytest.importorskip("mmcv.runner")


def weights(model: nn.Module) -> list[list[float]]:
    return [tensor.flatten().tolist() for tensor in model.state_dict().values()]


def test_theirs_is_read_here(theirs: Any, tmp_path: Path) -> None:
    config = pytest.importorskip("mmcv.utils").ConfigDict(a={"b": [1, {"c": 2}]})
    model, other = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    nn.init.normal_(model.weight)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    theirs.save_checkpoint(model, str(tmp_path / "x.pth"), optimizer, {"config_dict": config, "gpu_ids": range(2)})
    loaded = load_checkpoint(other, str(tmp_path / "x.pth"), strict=True)

    assert weights(other) == weights(model)
    assert loaded["meta"]["config_dict"] == {"a": {"b": [1, {"c": 2}]}}
    assert loaded["optimizer"] == optimizer.state_dict()


def test_ours_is_read_there(theirs: Any, tmp_path: Path) -> None:
    model, other = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    nn.init.normal_(model.weight)
    save_checkpoint(model, str(tmp_path / "x.pth"), meta={"epoch": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = theirs.load_checkpoint(other, str(tmp_path / "x.pth"), strict=True)

    assert weights(other) == weights(model)
    assert (loaded["meta"]["epoch"], loaded["meta"]["mmcv_version"]) == (1, "1.7.2")


def test_keys_are_in_the_same_order(theirs: Any, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Sequential(nn.BatchNorm2d(1), nn.Linear(1, 1)))
    model.register_buffer("own", torch.zeros(1), persistent=False)
    theirs.save_checkpoint(model, str(tmp_path / "theirs.pth"))
    save_checkpoint(model, str(tmp_path / "ours.pth"))
    expected, actual = (read_file(str(tmp_path / f"{name}.pth"))["state_dict"] for name in ("theirs", "ours"))

    assert list(actual) == list(expected)
    assert actual._metadata == expected._metadata
