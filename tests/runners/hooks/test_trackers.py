"""The tracker hooks against recorded stand-ins of their clients, and without them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.hooks import HOOKS, ClosureHook
from mmbridge.runners.legacy import EpochBasedRunner

StandIn = Callable[..., list[tuple[str, tuple[Any, ...], dict[str, Any]]]]


class Model(torch.nn.Linear):
    def __init__(self) -> None:
        super().__init__(1, 1)

    def train_step(self, data: Any, optimizer: Any, **kwargs: Any) -> dict[str, Any]:
        loss = self(data).sum()
        return {"loss": loss, "log_vars": {"loss": 2.0}, "num_samples": 1}


MODULES = {
    "TensorboardLoggerHook": ["torch.utils.tensorboard"],
    "WandbLoggerHook": ["wandb"],
    "MlflowLoggerHook": ["mlflow", "mlflow.pytorch"],
    "NeptuneLoggerHook": ["neptune"],
    "ClearMLLoggerHook": ["clearml"],
    "DvcliveLoggerHook": ["dvclive"],
    "SegmindLoggerHook": ["segmind", "segmind.tracking", "segmind.tracking.fluent", "segmind.utils.logging_utils"],
    "PaviLoggerHook": ["pavi"],
}


def run(
    name: str, config: dict[str, Any], work_dir: Path, stand_in: StandIn
) -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    calls = stand_in(*MODULES[name])
    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    runner = EpochBasedRunner(
        model, optimizer=optimizer, work_dir=work_dir, logger=logging.Logger("t"), meta={"seed": 1}, max_epochs=1
    )
    runner.register_training_hooks({"policy": "fixed"}, {}, {}, {"interval": 2, "hooks": [{"type": name, **config}]})
    runner.run([[torch.ones(1, 1)] * 4], [("train", 1)])
    return calls


TAGS = {"train/loss": 2.0, "learning_rate": 0.1, "momentum": 0.9}


def test_tensorboard(tmp_path: Path, stand_in: StandIn) -> None:
    calls = run("TensorboardLoggerHook", {}, tmp_path, stand_in)

    writer = "torch.utils.tensorboard.SummaryWriter"
    assert calls == [
        (writer, (str(tmp_path / "tf_logs"),), {}),
        *[(f"{writer}().add_scalar", (tag, value, step), {}) for step in (2, 4) for tag, value in TAGS.items()],
        (f"{writer}().close", (), {}),
    ]


def test_wandb(tmp_path: Path, stand_in: StandIn) -> None:
    (tmp_path / "config.py").write_text("x = 1\n")
    config = {"init_kwargs": {"project": "p"}, "define_metric_cfg": {"val/acc": "max"}}
    calls = run("WandbLoggerHook", config, tmp_path, stand_in)

    assert calls[:4] == [
        ("wandb.init", (), {"project": "p"}),
        ("wandb.define_metric", ("val/acc",), {"summary": "max"}),
        ("wandb.log", (TAGS,), {"step": 2, "commit": True}),
        ("wandb.log", (TAGS,), {"step": 4, "commit": True}),
    ]
    assert calls[4] == ("wandb.Artifact", (), {"name": "artifacts", "type": "model"})
    assert calls[5] == ("wandb.Artifact().add_file", (str(tmp_path / "config.py"),), {})
    assert [name for name, _, _ in calls[6:]] == ["wandb.log_artifact", "wandb.finish"]


def test_wandb_without_steps(tmp_path: Path, stand_in: StandIn) -> None:
    calls = run("WandbLoggerHook", {"with_step": False, "log_artifact": False}, tmp_path, stand_in)

    assert calls[1:] == [
        ("wandb.log", ({**TAGS, "global_step": 2},), {"commit": True}),
        ("wandb.log", ({**TAGS, "global_step": 4},), {"commit": True}),
        ("wandb.finish", (), {}),
    ]


def test_mlflow(tmp_path: Path, stand_in: StandIn) -> None:
    config = {"exp_name": "e", "tags": {"a": 1}, "params": {"b": 2}}
    calls = run("MlflowLoggerHook", config, tmp_path, stand_in)

    assert calls[:5] == [
        ("mlflow.set_experiment", ("e",), {}),
        ("mlflow.set_tags", ({"a": 1},), {}),
        ("mlflow.log_params", ({"b": 2},), {}),
        ("mlflow.log_metrics", (TAGS,), {"step": 2}),
        ("mlflow.log_metrics", (TAGS,), {"step": 4}),
    ]
    assert calls[5][0] == "mlflow.pytorch.log_model"


def test_neptune(tmp_path: Path, stand_in: StandIn) -> None:
    calls = run("NeptuneLoggerHook", {"init_kwargs": {"project": "p"}}, tmp_path, stand_in)

    assert calls[:2] == [
        ("neptune.init_run", (), {"project": "p"}),
        ("neptune.init_run()[train/loss].append", (2.0,), {"step": 2}),
    ]
    assert calls[-1] == ("neptune.init_run().stop", (), {})


def test_clearml(tmp_path: Path, stand_in: StandIn) -> None:
    calls = run("ClearMLLoggerHook", {"init_kwargs": {"task_name": "t"}}, tmp_path, stand_in)

    assert calls[0] == ("clearml.Task.init", (), {"task_name": "t"})
    reported = ("clearml.Task.init().get_logger().report_scalar", ("train/loss", "train/loss", 2.0, 2), {})
    assert reported == calls[2]


def test_dvclive_logs_each_epoch(tmp_path: Path, stand_in: StandIn) -> None:
    model_file = tmp_path / "model.pth"
    calls = run("DvcliveLoggerHook", {"model_file": str(model_file)}, tmp_path, stand_in)

    assert calls[1] == ("dvclive.Live().log_metric", ("train/loss", 2.0), {})
    assert len([name for name, _, _ in calls if name.endswith("log_metric")]) == len(TAGS)
    assert model_file.exists()
    assert calls[-1] == ("dvclive.Live().end", (), {})


def test_dvclive_logs_by_iteration(tmp_path: Path, stand_in: StandIn) -> None:
    live = SimpleNamespace(step=None, seen=[], end=lambda: None)
    live.log_metric = lambda tag, value: live.seen.append((live.step, tag))
    run("DvcliveLoggerHook", {"by_epoch": False, "dvclive": live}, tmp_path, stand_in)

    assert live.seen == [(step, tag) for step in (2, 4) for tag in TAGS]


def test_segmind(tmp_path: Path, stand_in: StandIn) -> None:
    calls = run("SegmindLoggerHook", {}, tmp_path, stand_in)

    assert [(name, args[1:], kwargs) for name, args, kwargs in calls] == [
        ("segmind.utils.logging_utils.try_mlflow_log", (TAGS,), {"step": 0, "epoch": 0})
    ] * 2


def test_pavi(tmp_path: Path, stand_in: StandIn) -> None:
    config = {"init_kwargs": {"project": "p"}, "add_last_ckpt": True, "add_ckpt_kwargs": {"active": True}}
    calls = run("PaviLoggerHook", config, tmp_path, stand_in)

    plain = {tag.removeprefix("train/"): value for tag, value in TAGS.items()}
    assert calls[0][2]["project"] == "p"
    assert [call[1:] for call in calls[1:3]] == [(("train", plain, step), {}) for step in (2, 4)]
    snapshot = {"tag": tmp_path.name, "snapshot_file_path": str(tmp_path / "epoch_1.pth"), "iteration": 1}
    assert [call[2] for call in calls[3:]] == [snapshot, snapshot, {}]


def test_old_arguments_of_pavi(stand_in: StandIn) -> None:
    stand_in("pavi")
    with pytest.warns(DeprecationWarning, match="add_graph_kwargs"):
        hook = HOOKS.build({"type": "PaviLoggerHook", "add_graph": True, "img_key": "x"})

    assert (hook.graph["active"], hook.graph["img_key"]) == (True, "x")


def test_results_of_an_evaluation_stand_one_step_later(tmp_path: Path, stand_in: StandIn) -> None:
    calls = stand_in("torch.utils.tensorboard")

    def evaluate(runner: Any) -> None:
        runner.log_buffer.output["acc"] = 0.5
        runner.log_buffer.ready = True

    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    runner = EpochBasedRunner(model, optimizer=optimizer, work_dir=tmp_path, logger=logging.Logger("t"), max_epochs=1)
    loggers = {"interval": 2, "hooks": [{"type": "TensorboardLoggerHook"}]}
    runner.register_training_hooks({"policy": "fixed"}, {}, None, loggers)
    runner.register_hook(ClosureHook("after_train_epoch", evaluate), "LOW")
    runner.run([[torch.ones(1, 1)] * 4], [("train", 1)])

    steps = {call[1][0]: call[1][2] for call in calls if call[0].endswith("add_scalar")}
    assert (steps["train/loss"], steps["val/acc"]) == (4, 5)


@pytest.mark.parametrize("name", MODULES)
def test_a_missing_package_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in MODULES[name]:
        monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(BridgeError, match=rf'{name} needs the package (\w+): run "pip install \1"'):
        runner = SimpleNamespace(work_dir=str(tmp_path), rank=0, hooks=[hook := HOOKS.build({"type": name})])
        hook.before_run(runner)
