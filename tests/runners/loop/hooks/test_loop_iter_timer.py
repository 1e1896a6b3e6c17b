from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from mmbridge.runners.loop.hooks import Hook

Train = Callable[..., Any]


class Clock:
    """Time that passes only while something works: 1 s for each batch, 2 s for each step."""

    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now


class Work(Hook):
    """Lets the time pass."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.left: list[tuple[str, float]] = []

    priority = "HIGH"

    def _before_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, mode: str = "train") -> None:
        self.clock.now += 1

    def _after_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None, mode: str = "train"
    ) -> None:
        self.clock.now += 2


class Left(Hook):
    """The seconds left, as the timer told them."""

    priority = "LOW"

    def __init__(self) -> None:
        self.seen: list[float] = []

    def _after_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None, mode: str = "train"
    ) -> None:
        self.seen.append(runner.message_hub.get_info("eta"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock.time)
    return clock


def test_times_of_every_mode_and_what_is_left(trained: Train, clock: Clock) -> None:
    left = Left()
    runner = trained(scores=[{"acc": 1.0}], test_scores=[{"acc": 1.0}], custom_hooks=[Work(clock), left])
    runner.test()
    hub = runner.message_hub

    assert {"train": [1.0] * 4, "val": [1.0] * 4, "test": [1.0] * 2} == {
        mode: list(hub.get_scalar(f"{mode}/data_time").data[0]) for mode in ("train", "val", "test")
    }
    assert [3.0] * 4 == list(hub.get_scalar("train/time").data[0])
    assert [9.0, 6.0, 3.0, 0.0, 3.0, 0.0, 3.0, 0.0, 3.0, 0.0] == left.seen


def test_only_iterations_of_this_run_count_for_what_is_left(trained: Train, clock: Clock) -> None:
    trained(epochs=1, custom_hooks=[Work(clock)])
    left = Left()
    trained(epochs=3, resume=True, custom_hooks=[Work(clock), left])

    assert [9.0, 6.0, 3.0, 0.0] == left.seen


def test_training_by_iteration_goes_on_after_a_validation(trained: Train, clock: Clock) -> None:
    left = Left()
    runner = trained(iters=4, train={"val_interval": 2}, scores=[{"acc": 1.0}], custom_hooks=[Work(clock), left])

    assert [9.0, 6.0, 3.0, 0.0, 3.0, 0.0, 3.0, 0.0] == left.seen
    assert 4 == len(runner.message_hub.get_scalar("train/time"))
