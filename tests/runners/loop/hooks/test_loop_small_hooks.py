from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from mmbridge.runners.loop.hooks import SyncBuffersHook
from torch.utils.data import BatchSampler, SequentialSampler

Train = Callable[..., Any]


class Counting(SequentialSampler):
    """Keeps the epochs it was told."""

    def __init__(self) -> None:
        super().__init__(range(2))
        self.told: list[int] = []

    def set_epoch(self, epoch: int) -> None:
        self.told.append(epoch)


@pytest.mark.parametrize("batched", [False, True], ids=["sampler", "batch sampler"])
def test_a_sampler_is_told_the_epoch(batched: bool, trained: Train) -> None:
    sampler = Counting()
    data = {"dataset": [{"inputs": torch.ones(1)}] * 2}
    loader = {"batch_sampler": BatchSampler(sampler, 1, False)} if batched else {"sampler": sampler}
    trained(epochs=3, train_dataloader={**data, "sampler": None, **loader})

    assert [0, 1, 2] == sampler.told


@pytest.mark.parametrize(
    ("options", "times"),
    [
        pytest.param({}, 4, id="after epochs"),
        pytest.param({"before_epoch": True, "after_epoch": False}, 4, id="before epochs"),
        pytest.param({"after_epoch": False, "after_iter": True}, 8, id="after iterations"),
    ],
)
def test_the_cache_is_emptied_in_every_mode(
    options: dict[str, Any], times: int, trained: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[None] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append(None))
    trained(scores=[{"acc": 1.0}], custom_hooks=[{"type": "EmptyCacheHook", **options}])

    assert times == len(calls)


def test_buffers_are_averaged_once_between_epoch_and_validation(
    trained: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[float]] = []
    averaged = lambda buffers: calls.append([buffer.item() for buffer in buffers])  # noqa: E731
    monkeypatch.setattr("mmbridge.runners.loop.hooks.sync_buffer.allreduce_params", averaged)
    runner = trained(scores=[{"acc": 1.0}], custom_hooks=[{"type": "SyncBuffersHook"}])
    runner.val()

    assert [[2.0], [4.0], [4.0]] == calls


def test_buffers_are_averaged_before_a_validation_in_the_middle_of_an_epoch(
    trained: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[None] = []
    monkeypatch.setattr("mmbridge.runners.loop.hooks.sync_buffer.allreduce_params", lambda _: calls.append(None))
    trained(iters=4, train={"val_interval": 2}, scores=[{"acc": 1.0}], custom_hooks=[SyncBuffersHook()])

    assert 3 == len(calls)
