"""What MMEngine was seen to do when a run goes on or begins from a file.

docs/reference/loop-behaviours.md lists all of its behaviours, those tested elsewhere too.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from hook_toys import loader
from hook_toys import make as small
from mmbridge.runners.loop.hooks import Hook
from mmbridge.runners.loop.model import BaseModule

COSINE = {"type": "CosineAnnealingLR"}
ROUNDING = 1e-12  # the recursion of a cosine, a few steps long


def optimizer(lr: float) -> dict[str, Any]:
    return {"optimizer": {"type": "SGD", "lr": lr}}


class Seen(Hook):
    """The rate and the sample of every iteration."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.samples: list[float] = []

    def before_train_iter(self, runner: Any, data_batch: Any) -> None:
        self.rates.append(runner.current_lr()[0])
        self.samples.append(float(data_batch["inputs"][0]))


def going_on(engine: Any, work_dir: Path, first: dict[str, Any], then: dict[str, Any]) -> tuple[Any, Seen]:
    """A run as ``first`` says, then another in the same directory that resumes as ``then`` says."""
    small(engine, work_dir, **first).train()
    seen = Seen()
    runner = small(engine, work_dir, **then, resume=True, custom_hooks=[seen])
    runner.train()
    return runner, seen


def test_behaviour_21_a_longer_run_keeps_the_old_curve(engine: Any, tmp_path: Path) -> None:
    """Over 3 epochs the rate is .1, .075, .025, and there it stays."""
    run = {"batches": 1, "param_scheduler": COSINE, "optim_wrapper": optimizer(0.1)}
    _, seen = going_on(engine, tmp_path, {"epochs": 3, **run}, {"epochs": 6, **run})

    assert pytest.approx([0.025] * 3, rel=ROUNDING) == seen.rates


def test_behaviour_21_another_kind_of_scheduler_takes_over_the_old_state(
    engine: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    linear = {"type": "LinearLR", "start_factor": 0.5, "end": 5}
    step = {"type": "StepLR", "step_size": 1, "gamma": 0.1}
    run = {"batches": 1, "optim_wrapper": optimizer(0.1)}
    first, then = {"epochs": 2, **run, "param_scheduler": linear}, {"epochs": 4, **run, "param_scheduler": step}
    runner, seen = going_on(engine, tmp_path, first, then)

    assert pytest.approx([0.075, 0.0075], rel=ROUNDING) == seen.rates
    assert (0.5, 5) == (runner.param_schedulers[0].start_factor, runner.param_schedulers[0].end)
    assert "StepLR: the checkpoint's schedule is of another kind" in capsys.readouterr().out


def test_behaviour_21_the_rate_of_the_config_is_ignored(engine: Any, tmp_path: Path) -> None:
    first = {"epochs": 1, "optim_wrapper": optimizer(0.1)}
    _, seen = going_on(engine, tmp_path, first, {"epochs": 2, "optim_wrapper": optimizer(0.777)})

    assert [0.1, 0.1] == seen.rates


def test_behaviour_22_a_checkpoint_by_iteration_restarts_its_epoch(engine: Any, tmp_path: Path) -> None:
    """So a run of 2 epochs of 4 ends at iteration 10."""
    saving = {"checkpoint": {"type": "CheckpointHook", "by_epoch": False, "interval": 6, "save_last": False}}
    small(engine, tmp_path, epochs=2, batches=4, default_hooks=saving).train()
    seen = Seen()
    runner = small(engine, tmp_path, epochs=2, batches=4, resume=True, custom_hooks=[seen])
    runner.train()

    assert (10, 8, 2) == (runner.iter, runner.max_iters, runner.epoch)
    assert [0, 1, 2, 3] == seen.samples


def test_behaviour_22_a_run_by_iteration_draws_the_batches_before(engine: Any, tmp_path: Path) -> None:
    fetched: list[int] = []

    class Counted(list):  # type: ignore[type-arg]
        def __getitem__(self, index: Any) -> Any:
            fetched.append(index)
            return super().__getitem__(index)

    saving = {"checkpoint": {"type": "CheckpointHook", "by_epoch": False, "interval": 3}}
    small(engine, tmp_path, iters=3, batches=8, default_hooks=saving).train()
    data = loader(8)
    seen = Seen()
    data["dataset"] = Counted(data["dataset"])
    small(
        engine, tmp_path, iters=6, train_dataloader=data, default_hooks=saving, resume=True, custom_hooks=[seen]
    ).train()

    assert ([0, 1, 2, 3, 4, 5], [3, 4, 5]) == (fetched, seen.samples)


def test_behaviour_48_the_number_of_gpus_is_not_checked_in_checkpoints_of_this_runtime(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only those of MMCV tell it."""
    small(engine, tmp_path, epochs=1).train()
    runner = small(engine, tmp_path, epochs=2)
    monkeypatch.setattr(type(runner), "world_size", 8)
    runner.resume(str(tmp_path / "epoch_1.pth"))

    assert (1, 2) == (runner.epoch, runner.iter)


@pytest.mark.parametrize(
    ("size", "told"), [pytest.param(2, [], id="the same data"), pytest.param(3, ["metainfo"], id="other data")]
)
def test_other_data_are_told_another_batch_size_is_not(
    size: int, told: list[str], engine: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Described(list):  # type: ignore[type-arg]
        def __init__(self, samples: list[Any], size: int) -> None:
            super().__init__(samples)
            self.metainfo = {"classes": size}

    def data(size: int, batch_size: int) -> dict[str, Any]:
        plain = loader(4)
        return {**plain, "dataset": Described(plain["dataset"], size), "batch_size": batch_size}

    small(engine, tmp_path, epochs=1, train_dataloader=data(2, 1)).train()
    runner = small(engine, tmp_path, epochs=2, train_dataloader=data(size, 2))
    runner.logger.addHandler(caplog.handler)
    runner.resume(str(tmp_path / "epoch_1.pth"))

    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert told == [word for word in ("metainfo", "batch") if any(word in line for line in warned)]


def test_a_checkpoint_of_a_run_initialises_a_part(engine: Any, tmp_path: Path) -> None:
    runner = small(engine, tmp_path, epochs=2)
    runner.train()

    class Part(BaseModule):
        def __init__(self) -> None:
            super().__init__({"type": "Pretrained", "checkpoint": str(tmp_path / "epoch_2.pth")})
            self.w = torch.nn.Parameter(torch.zeros(1))
            self.register_buffer("seen", torch.zeros(1))

    part = Part()
    part.init_weights()

    assert runner.bare_model.w.item() == part.w.item() == 5.0
