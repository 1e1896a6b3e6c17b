"""Devices, and blocks in lower precision on them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from mmbridge.runners.loop import device
from mmbridge.runners.loop.runner import autocast


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
    ids=["cuda", "mps", "cpu"],
)
def test_the_device_to_compute_with(cuda: bool, mps: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: cuda)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: mps)

    assert (cuda, mps, expected) == (device.is_cuda_available(), device.is_mps_available(), device.get_device())


def test_the_most_memory_is_counted_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be no GPU here, so torch's own counters are replaced."""
    taken = {"cuda:1": 5 * 2**20 + 1}
    monkeypatch.setattr("torch.cuda.max_memory_allocated", lambda which: taken[which])
    monkeypatch.setattr("torch.cuda.reset_peak_memory_stats", lambda which: taken.update({which: 0}))

    assert [5, 0] == [device.get_max_cuda_memory("cuda:1") for _ in range(2)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, torch.bfloat16, id="default"),
        pytest.param({"dtype": torch.bfloat16}, torch.bfloat16, id="bfloat16"),
        pytest.param({"enabled": False}, torch.float32, id="switched_off"),
    ],
)
def test_autocast_on_the_cpu(options: dict[str, Any], expected: torch.dtype) -> None:
    with autocast("cpu", **options):
        product = torch.ones(2, 2) @ torch.ones(2, 2)

    assert expected == product.dtype


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, torch.float16, id="default"),
        pytest.param({"dtype": torch.bfloat16}, torch.bfloat16, id="bfloat16"),
    ],
)
def test_autocast_on_cuda(options: dict[str, Any], expected: torch.dtype) -> None:
    with autocast(**options):
        product = torch.ones(2, 2, device="cuda") @ torch.ones(2, 2, device="cuda")

    assert expected == product.dtype
