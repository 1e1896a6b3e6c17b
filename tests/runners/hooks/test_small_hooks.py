from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.hooks import (
    CheckpointHook,
    ClosureHook,
    EMAHook,
    EmptyCacheHook,
    Fp16OptimizerHook,
    GradientCumulativeOptimizerHook,
    OptimizerHook,
    ProfilerHook,
)
from mmbridge.runners.legacy import EpochBasedRunner, IterBasedRunner
from torch import nn


class Two(nn.Module):
    """One weight in the loss, one outside."""

    def __init__(self) -> None:
        super().__init__()
        self.used = nn.Parameter(torch.ones(1))
        self.unused = nn.Parameter(torch.ones(1))

    def train_step(self, data: Any, optimizer: Any) -> dict[str, Any]:
        loss = (self.used * 3).sum()
        return {"loss": loss, "log_vars": {"loss": float(loss.detach())}, "num_samples": 1}


def run(work_dir: Path | None, *hooks: Any, kind: Any = EpochBasedRunner, batches: int = 2, **options: Any) -> Any:
    model = Two()
    limit = {"max_epochs": 2} if kind is EpochBasedRunner else {"max_iters": 4}
    runner = kind(
        model,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
        work_dir=work_dir,
        logger=logging.getLogger("small-hooks"),
        **{**limit, "meta": {}, **options},
    )
    for hook in hooks:
        runner.register_hook(hook)
    runner.run([[0] * batches], [("train", 1)])
    return runner


def test_a_function_at_a_point() -> None:
    seen: list[int] = []
    run(None, ClosureHook("after_train_iter", lambda runner: seen.append(runner.iter)))

    assert seen == [0, 1, 2, 3]


def test_closures_name_wrong_points_and_functions() -> None:
    with pytest.raises(ValueError, match="no hook point 'after_trian_iter'; did you mean 'after_train_iter'"):
        ClosureHook("after_trian_iter", print)
    with pytest.raises(TypeError, match="fn must be callable, found int"):
        ClosureHook("after_train_iter", 3)  # type: ignore[arg-type]


def test_anomalous_parameters_are_told(caplog: pytest.LogCaptureFixture) -> None:
    run(None, OptimizerHook(detect_anomalous_params=True), batches=1)

    assert "unused with shape torch.Size([1]) is not in the computational graph" in caplog.text
    assert "\nused with" not in caplog.text


def test_the_norm_before_clipping_is_logged() -> None:
    runner = run(None, OptimizerHook(grad_clip={"max_norm": 1.0}), batches=1)

    assert runner.log_buffer.val_history["grad_norm"] == [3.0, 3.0]
    assert runner.model.used.item() == pytest.approx(0.8)  # two steps of lr 0.1 with gradient 1


@pytest.mark.parametrize(
    ("n", "weight"),
    [
        pytest.param(2, [1.0, 0.7, 0.7, 0.4, 0.1], id="two of five"),
        pytest.param(8, [1.0, 1.0, 1.0, 1.0, 0.7], id="more than the run"),
        pytest.param(3, [1.0, 1.0, 0.7, 0.7, 0.4], id="three of five"),
    ],
)
def test_accumulated_steps(n: int, weight: list[float]) -> None:
    seen: list[float] = []
    probe = ClosureHook("after_train_iter", lambda runner: seen.append(round(runner.model.used.item(), 5)))
    run(None, GradientCumulativeOptimizerHook(n), probe, batches=5, max_epochs=1)

    assert seen == weight


def test_accumulation_wants_a_positive_int() -> None:
    with pytest.raises(ValueError, match="only accepts positive int"):
        GradientCumulativeOptimizerHook(0)


def test_accumulation_tells_of_an_odd_resume(caplog: pytest.LogCaptureFixture) -> None:
    runner = run(None, batches=1)
    runner._iter, runner._max_iters = 3, 8
    GradientCumulativeOptimizerHook(2)._begin(runner)

    assert "Resume iter number is not divisible by cumulative_iters" in caplog.text


@pytest.mark.parametrize("scale", [512, 512.0, "dynamic", {"init_scale": 4.0}])
def test_loss_scales(scale: Any) -> None:
    runner = run(None, Fp16OptimizerHook(loss_scale=scale), meta=None)

    assert runner.meta["fp16"]["loss_scaler"] == {}  # no CUDA: the scaler does nothing
    assert runner.model.used.item() == pytest.approx(1 - 4 * 0.3)


def test_a_wrong_loss_scale_is_named() -> None:
    with pytest.raises(ValueError, match="got 'much'"):
        Fp16OptimizerHook(loss_scale="much")


@pytest.mark.parametrize("options", [{"interval": 0}, {"interval": 1.5}, {"momentum": 1.0}])
def test_averages_check_their_input(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="EMAHook"):
        EMAHook(**options)


def test_averages_swap_around_epochs() -> None:
    seen: list[tuple[str, float]] = []

    def probe(point: str) -> ClosureHook:
        return ClosureHook(point, lambda runner: seen.append((point, round(runner.model.used.item(), 4))))

    points = ("before_train_epoch", "after_train_epoch", "after_run")
    hooks = [EMAHook(momentum=0.5, interval=2, warm_up=1), OptimizerHook(), *map(probe, points)]
    runner = run(None, *hooks)

    # momentum 0.5 ** 2 at iterations 0 and 2, seen before the optimizer's own step there
    assert seen == [
        ("before_train_epoch", 1.0),
        ("after_train_epoch", 1.0),
        ("before_train_epoch", 0.4),
        ("after_train_epoch", 0.85),
        ("after_run", 0.85),
    ]
    assert round(runner.model.ema_used.item(), 4) == -0.2


def test_averages_resume_once_their_buffers_exist(tmp_path: Path) -> None:
    run(tmp_path, OptimizerHook(), EMAHook(momentum=0.5, warm_up=1), CheckpointHook(interval=1), max_epochs=1)
    saved = str(tmp_path / "epoch_1.pth")
    resumed = run(None, EMAHook(momentum=0.5, warm_up=1, resume_from=saved), max_epochs=1)
    state = torch.load(saved)["state_dict"]

    assert resumed.epoch == 1
    assert resumed.model.ema_used.item() == state["ema_used"].item()


def test_the_cache_is_emptied_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    emptied: list[int] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(1))
    run(None, EmptyCacheHook(before_epoch=True, after_epoch=False, after_iter=True))

    assert len(emptied) == 2 + 4


def saved_files(work_dir: Path) -> list[str]:
    return sorted(name for name in os.listdir(work_dir) if name.endswith(".pth"))


@pytest.mark.parametrize(
    ("options", "epochs", "files"),
    [
        pytest.param({}, 3, ["epoch_3.pth", "latest.pth"], id="default: the last"),
        pytest.param({"interval": 2}, 5, ["epoch_2.pth", "epoch_4.pth", "epoch_5.pth", "latest.pth"], id="interval"),
        pytest.param({"interval": 1, "max_keep_ckpts": 1}, 5, ["epoch_5.pth", "latest.pth"], id="keep one"),
        pytest.param(
            {"interval": 2, "max_keep_ckpts": 2}, 7,
            ["epoch_4.pth", "epoch_6.pth", "epoch_7.pth", "latest.pth"], id="keep two of a grid",
        ),
        pytest.param({"interval": 2, "save_last": False}, 3, ["epoch_2.pth", "latest.pth"], id="not the last"),
        pytest.param({"filename_tmpl": "e{}.pth", "create_symlink": False}, 1, ["e1.pth"], id="own names"),
        pytest.param({"max_keep_ckpts": 1}, 2, ["epoch_2.pth", "latest.pth"], id="keep without interval"),
    ],
)  # fmt: skip
def test_which_checkpoints_are_kept(options: dict[str, Any], epochs: int, files: list[str], tmp_path: Path) -> None:
    run(tmp_path, CheckpointHook(**options), max_epochs=epochs, batches=1)

    assert saved_files(tmp_path) == files


def test_a_gap_protects_older_checkpoints(tmp_path: Path) -> None:
    def make_a_gap(runner: Any) -> None:
        if runner.epoch == 1:
            os.rename(tmp_path / "epoch_2.pth", tmp_path / "epoch_1.pth")

    hooks = CheckpointHook(interval=1, max_keep_ckpts=1), ClosureHook("after_train_epoch", make_a_gap)
    run(tmp_path, *hooks, max_epochs=4, batches=1)

    assert saved_files(tmp_path) == ["epoch_1.pth", "epoch_4.pth", "latest.pth"]


def test_by_epoch_saves_nothing_in_an_iteration_run(tmp_path: Path) -> None:
    run(tmp_path, CheckpointHook(interval=1), kind=IterBasedRunner)

    assert saved_files(tmp_path) == []


def test_another_directory_for_checkpoints(tmp_path: Path) -> None:
    runner = run(tmp_path / "work", CheckpointHook(out_dir=str(tmp_path / "other")))

    assert saved_files(tmp_path / "other" / "work") == ["epoch_2.pth", "latest.pth"]
    assert runner.meta["hook_msgs"]["last_ckpt"] == str(tmp_path / "other" / "work" / "epoch_2.pth")


def test_checkpoints_need_a_place_on_disk() -> None:
    with pytest.raises(BridgeError, match="nowhere to write; give the runner a work_dir"):
        run(None, CheckpointHook())
    with pytest.raises(BridgeError, match="only files on disk"):
        run(None, CheckpointHook(out_dir="s3://bucket"))


def test_buffers_may_be_averaged_before_saving(tmp_path: Path) -> None:
    run(tmp_path, CheckpointHook(sync_buffer=True))

    assert "epoch_2.pth" in saved_files(tmp_path)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        pytest.param({"by_epoch": 1}, TypeError, id="by_epoch"),
        pytest.param({"profile_iters": 0}, ValueError, id="none"),
        pytest.param({"activities": ["gpu"]}, ValueError, id="activity"),
        pytest.param({"activities": "cpu"}, ValueError, id="a text"),
    ],
)
def test_the_profiler_checks_its_input(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        ProfilerHook(**options)


def test_the_profiler_cannot_outlast_the_run() -> None:
    with pytest.raises(ValueError, match="profile_iters should not be greater than 2, found 3"):
        run(None, ProfilerHook(profile_iters=3))
    with pytest.raises(ValueError, match="'log_trace' or 'tb_trace', found 'x'"):
        run(None, ProfilerHook(on_trace_ready={"type": "x"}))


@pytest.mark.parametrize("by_epoch", [True, False])
def test_a_trace_of_the_first_steps(by_epoch: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    path = tmp_path / "trace.json"
    ready = {"type": "log_trace", "sort_by": "self_cpu_time_total"}
    run(None, ProfilerHook(by_epoch=by_epoch, on_trace_ready=ready, json_trace_path=str(path)), OptimizerHook())

    assert path.stat().st_size > 0
    assert "Self CPU time total" in caplog.text
