"""Loading and going on, beyond the recorded runs."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from loop_cases import EPOCHS, ITERS
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.checkpoint import NoCheckpoint
from mmbridge.runners.legacy.interrupt import Interrupted
from mmbridge.runners.loop.hooks import Hook
from mmbridge.runners.loop.interrupt import LoopInterruptHook

SCHEDULED = {
    **EPOCHS,
    "param_scheduler": [
        {"type": "LinearLR", "start_factor": 0.1, "by_epoch": False, "end": 6},
        {"type": "MultiStepLR", "milestones": [2], "by_epoch": True},
    ],
}


def weights(runner: Any) -> dict[str, Any]:
    return {name: value.tolist() for name, value in runner.model.state_dict().items()}


def test_checkpoints_load_safely(make: Any, tmp_path: Path) -> None:
    make(**SCHEDULED).train()
    saved = torch.load(tmp_path / "epoch_3.pth", weights_only=True)

    assert {"meta", "state_dict", "message_hub", "optimizer", "param_schedulers"} == set(saved)
    assert {"epoch", "iter", "cfg", "seed", "experiment_name", "time", "mmengine_version", "dataset_meta"} == set(
        saved["meta"]
    )


def test_resume_without_a_checkpoint_trains_from_the_beginning(make: Any) -> None:
    runner = make(**EPOCHS, resume=True)
    runner.train()

    assert (3, 9) == (runner.epoch, runner.iter)


def test_a_missing_file_is_told(make: Any) -> None:
    with pytest.raises(NoCheckpoint, match=r"checkpoint nowhere\.pth cannot be found"):
        make(**EPOCHS, load_from="nowhere.pth").train()


def test_bare_weights_cannot_be_resumed_from(make: Any, tmp_path: Path) -> None:
    runner = make(**EPOCHS)
    torch.save({"state_dict": runner.model.state_dict()}, tmp_path / "bare.pth")

    with pytest.raises(BridgeError, match=r"has no meta\['epoch'\], so it cannot be resumed from; load_from alone"):
        runner.resume(str(tmp_path / "bare.pth"))


def test_a_schedule_does_not_begin_on_rates_of_another_in_silence(
    make: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """LinearLR would multiply the rate that it had brought up already."""
    make(**{**SCHEDULED, "train_cfg": {"by_epoch": True, "max_epochs": 1}}).train()
    saved = torch.load(tmp_path / "epoch_1.pth", weights_only=True)
    del saved["param_schedulers"]
    torch.save(saved, tmp_path / "without.pth")
    saved["meta"]["mmcv_version"] = "1.7.2"
    torch.save(saved, tmp_path / "old.pth")
    runner = make(**SCHEDULED)
    runner.logger.addHandler(caplog.handler)

    with pytest.raises(BridgeError, match=r"old\.pth: was saved by MMCV 1\.x, without the state of a schedule, so"):
        runner.resume(str(tmp_path / "old.pth"))
    assert 0 == runner.iter
    make(**EPOCHS).resume(str(tmp_path / "old.pth"))
    runner.logger.setLevel("WARNING")
    runner.resume(str(tmp_path / "without.pth"))
    assert "the checkpoint has no param_schedulers: the schedule begins anew" in caplog.text


def test_schedulers_without_an_optimizer_are_told(make: Any, tmp_path: Path) -> None:
    make(**SCHEDULED).train()

    with pytest.raises(BridgeError, match="rates of an optimizer, which is not built yet; call build_optim_wrapper"):
        make(**SCHEDULED).resume(str(tmp_path / "epoch_1.pth"), resume_optimizer=False)


def test_weights_of_another_shape_are_left_and_told(
    make: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runner = make(**EPOCHS)
    before = weights(runner)
    other = {**runner.model.state_dict(), "last.weight": torch.zeros(1, 5), "last.bias": torch.full((1,), 7.0)}
    torch.save({"state_dict": other}, tmp_path / "other.pth")
    runner.logger.addHandler(caplog.handler)
    runner.logger.setLevel(logging.WARNING)
    runner.load_checkpoint(str(tmp_path / "other.pth"))

    assert before["last.weight"] == weights(runner)["last.weight"]
    assert [7.0] == weights(runner)["last.bias"]
    assert "size mismatch for last.weight" in caplog.text
    with pytest.raises(RuntimeError, match=r"size mismatch for last\.weight"):
        runner.load_checkpoint(str(tmp_path / "other.pth"), strict=True)


def test_a_checkpoint_of_mmcv_from_another_number_of_gpus_is_refused(make: Any, tmp_path: Path) -> None:
    runner = make(**EPOCHS)
    meta = {"epoch": 1, "iter": 3, "config": "gpu_ids = range(0, 2)\n"}
    torch.save({"state_dict": runner.model.state_dict(), "meta": meta}, tmp_path / "old.pth")

    with pytest.raises(BridgeError, match="was trained by 2 processes, this run has 1"):
        runner.resume(str(tmp_path / "old.pth"))


@pytest.mark.parametrize("settings", [{"backend_args": {"backend": "petrel"}}, {"file_client_args": {"backend": "s3"}}])
def test_only_the_local_disk_is_written_to(make: Any, tmp_path: Path, settings: dict[str, Any]) -> None:
    runner = make(**EPOCHS)

    with pytest.raises(BridgeError, match="checkpoints are written to the local disk, there is no backend"):
        runner.save_checkpoint(str(tmp_path), "x.pth", **settings)


class Pressing(Hook):
    """Ctrl-C in the middle of an iteration."""

    def __init__(self, at: int) -> None:
        self.at = at

    def after_train_iter(self, runner: Any) -> None:
        if runner.iter == self.at:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("settings", [SCHEDULED, ITERS], ids=["in an epoch", "between iterations"])
def test_a_stopped_run_goes_on_where_it_was(make: Any, tmp_path: Path, settings: dict[str, Any]) -> None:
    still = {**settings, "model": {"type": "Still"}}  # random numbers are in no checkpoint
    whole = make(tmp_path / "whole", **still)
    whole.train()
    stopped = make(tmp_path / "parts", **still, custom_hooks=[Pressing(4)])
    hook = LoopInterruptHook()
    stopped.register_hook(hook)
    with pytest.raises(Interrupted):
        stopped.train()
    hook.close()

    resumed = make(tmp_path / "parts", **still, resume=True)
    resumed.train()

    assert 5 == stopped.iter
    assert weights(whole) == weights(resumed)
    assert whole.optim_wrapper.state_dict()["state"][0]["momentum_buffer"].equal(
        resumed.optim_wrapper.state_dict()["state"][0]["momentum_buffer"]
    )


@pytest.fixture(autouse=True)
def still_model(engine: Any) -> None:
    class Still(engine.MODELS.get("Regressor")):  # type: ignore[misc]
        """The toy without dropout."""

        def __init__(self) -> None:
            super().__init__()
            self.drop.p = 0.0

    engine.MODELS.register_module(name="Still", module=Still, force=True)
