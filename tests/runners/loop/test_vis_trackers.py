"""The visualizer's backends for experiment trackers, against recorded stand-ins of their clients."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mmbridge.compat.config import Config
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.loop.registry import VISBACKENDS
from mmbridge.runners.loop.visualization import MLflowVisBackend, TensorboardVisBackend, WandbVisBackend

StandIn = Callable[..., list[tuple[str, tuple[Any, ...], dict[str, Any]]]]


def write(backend: Any, work_dir: Path) -> None:
    backend.add_config(Config({"work_dir": str(work_dir), "a": {"b": [{"c": 1}, 2]}, "d": [1, 2]}))
    backend.add_graph("model", "batch")
    backend.add_image("drawn", "image", 4)
    backend.add_scalar("acc", 0.5, 2)
    backend.add_scalars({"loss": 1.0, "lr": 0.1}, 3, "ignored.json")
    backend.close()


def test_tensorboard(tmp_path: Path, stand_in: StandIn) -> None:
    calls = stand_in("torch.utils.tensorboard")
    directory = tmp_path / "vis_data"
    backend = TensorboardVisBackend(str(directory))
    backend.close()
    assert [] == calls
    write(backend, tmp_path)

    writer = "torch.utils.tensorboard.SummaryWriter"
    assert (writer, (str(directory),), {}) == calls[0]
    assert f"{writer}().add_text" == calls[1][0]
    assert [
        (f"{writer}().add_image", ("drawn", "image", 4), {"dataformats": "HWC"}),
        (f"{writer}().add_scalar", ("acc", 0.5, 2), {}),
        (f"{writer}().add_scalar", ("loss", 1.0, 3), {}),
        (f"{writer}().add_scalar", ("lr", 0.1, 3), {}),
        (f"{writer}().close", (), {}),
    ] == calls[2:]
    assert f"{writer}()" == backend.experiment._name
    with pytest.warns(UserWarning, match="note is no number but str, not written"):
        backend.add_scalar("note", "text")


def test_wandb(tmp_path: Path, stand_in: StandIn) -> None:
    calls = stand_in("wandb")
    backend = WandbVisBackend(
        str(tmp_path / "vis_data"),
        init_kwargs={"project": "p"},
        define_metric_cfg=[{"name": "loss", "step_metric": "epoch"}],
        watch_kwargs={"log": "all"},
        log_code_name="code",
        commit=False,
    )
    write(backend, tmp_path)

    values = {"work_dir": str(tmp_path), "a": {"b": [{"c": 1}, 2]}, "d": [1, 2]}
    assert [
        ("wandb.init", (), {"dir": str(tmp_path / "vis_data"), "project": "p"}),
        ("wandb.define_metric", ("loss",), {"step_metric": "epoch"}),
        ("wandb.config.update", (values,), {"allow_val_change": False}),
        ("wandb.run.log_code", (), {"name": "code"}),
        ("wandb.watch", ("model",), {"log": "all"}),
        ("wandb.Image", ("image",), {}),
    ] == calls[:6]
    assert ["drawn"] == list(calls[6][1][0])
    assert [
        ("wandb.log", ({"acc": 0.5},), {"commit": False}),
        ("wandb.log", ({"loss": 1.0, "lr": 0.1},), {"commit": False}),
        ("wandb.finish", (), {}),
    ] == calls[7:]


def test_wandb_with_summaries(tmp_path: Path, stand_in: StandIn) -> None:
    calls = stand_in("wandb")
    backend = WandbVisBackend(str(tmp_path), define_metric_cfg={"acc": "max"})

    assert "wandb" == backend.experiment._name
    assert ("wandb.define_metric", ("acc",), {"summary": "max"}) == calls[1]


def test_mlflow(tmp_path: Path, stand_in: StandIn) -> None:
    calls = stand_in("mlflow")
    (tmp_path / "run").mkdir()
    for name in ("run/a.log", "b.py", "c.pth"):
        (tmp_path / name).write_text("")
    backend = MLflowVisBackend(
        str(tmp_path / "run" / "vis_data"),
        exp_name="e",
        run_name="r",
        tags={"t": 1},
        params={"p": 2},
        tracked_config_keys=["a", "d"],
        artifact_location="there",
    )
    write(backend, tmp_path)

    # the stand-in for get_experiment_by_name finds an experiment, so none is created
    assert [
        ("mlflow.set_tracking_uri", ((tmp_path / "run" / "vis_data").as_uri(),), {}),
        ("mlflow.get_experiment_by_name", ("e",), {}),
        ("mlflow.set_experiment", ("e",), {}),
        ("mlflow.set_tag", ("mlflow.runName", "r"), {}),
        ("mlflow.set_tags", ({"t": 1},), {}),
        ("mlflow.log_params", ({"p": 2},), {}),
        ("mlflow.log_params", ({"a.b.0.c": 1, "a.b.1": 2, "d": [1, 2]},), {}),
    ] == calls[:7]
    assert ("mlflow.log_text", "config.py") == (calls[7][0], calls[7][1][1])
    assert [
        ("mlflow.log_image", ("image", "drawn"), {}),
        ("mlflow.log_metric", ("acc", 0.5, 2), {}),
        ("mlflow.log_metrics", ({"loss": 1.0, "lr": 0.1}, 3), {}),
        ("mlflow.log_artifact", (str(tmp_path / "b.py"), ""), {}),
        ("mlflow.log_artifact", (str(tmp_path / "run" / "a.log"), "run"), {}),
        ("mlflow.end_run", (), {}),
    ] == calls[8:]


def test_mlflow_makes_the_experiment_where_told(
    tmp_path: Path, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = stand_in("mlflow")
    monkeypatch.setattr(sys.modules["mlflow"], "get_experiment_by_name", lambda name: None)
    backend = MLflowVisBackend(str(tmp_path), tracking_uri="http://there", artifact_location="s3://x")
    backend.add_scalar("a", 1)
    backend.close()

    assert [
        ("mlflow.set_tracking_uri", ("http://there",), {}),
        ("mlflow.create_experiment", ("Default",), {"artifact_location": "s3://x"}),
        ("mlflow.set_experiment", ("Default",), {}),
        ("mlflow.log_metric", ("a", 1, 0), {}),
        ("mlflow.end_run", (), {}),
    ] == calls


@pytest.mark.parametrize(
    ("name", "module"), [("TensorboardVisBackend", "torch.utils.tensorboard"), ("MLflowVisBackend", "mlflow")]
)
def test_a_step_among_the_numbers_is_refused(name: str, module: str, tmp_path: Path, stand_in: StandIn) -> None:
    stand_in(module)
    backend = VISBACKENDS.build({"type": name, "save_dir": str(tmp_path)})

    with pytest.raises(ValueError, match="'step' is no scalar of its own"):
        backend.add_scalars({"step": 1})


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("TensorboardVisBackend", "torch.utils.tensorboard"),
        ("WandbVisBackend", "wandb"),
        ("MLflowVisBackend", "mlflow"),
        ("AimVisBackend", "aim"),
        ("ClearMLVisBackend", "clearml"),
        ("DVCLiveVisBackend", "dvclive"),
        ("NeptuneVisBackend", "neptune"),
    ],
)
def test_a_missing_package_is_named_at_the_first_use(
    name: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    backend = VISBACKENDS.build({"type": name, "save_dir": str(tmp_path)})

    with pytest.raises(
        BridgeError, match=rf'{name} needs the package (\w+): run "pip install \1", or leave {name} out'
    ):
        backend.add_scalar("a", 1)


def kept(backend: Any, work_dir: Path) -> None:
    """What :func:`write` writes, and an image that can be reckoned with."""
    numpy = pytest.importorskip("numpy")
    backend.close()
    backend.add_config(Config({"work_dir": str(work_dir), "a": {"b": (numpy.ones(2), 2)}}))
    backend.add_image("drawn", numpy.full((1, 1, 3), 255, "uint8"), 4)
    backend.add_scalar("acc", 0.5, 2)
    backend.add_scalars({"loss": 1.0, "lr": 0.1}, 3, "ignored.json")
    backend.close()


def test_clearml(tmp_path: Path, stand_in: StandIn) -> None:
    calls = stand_in("clearml")
    for name in ("a.py", "b.pth", "c.json"):
        (tmp_path / name).write_text("")
    backend = VISBACKENDS.build({"type": "ClearMLVisBackend", "init_kwargs": {"project_name": "p"}})
    kept(backend, tmp_path)

    task = "clearml.Task.init"
    assert [(task, (), {"project_name": "p"}), (f"{task}().get_logger", (), {})] == calls[:2]
    assert f"{task}().connect_configuration" == calls[2][0]
    assert ["title", "series", "iteration", "image"] == list(calls[3][2])
    report = f"{task}().get_logger().report_scalar"
    assert [
        (report, (), {"title": "acc", "series": "acc", "value": 0.5, "iteration": 2}),
        (report, (), {"title": "loss", "series": "loss", "value": 1.0, "iteration": 3}),
        (report, (), {"title": "lr", "series": "lr", "value": 0.1, "iteration": 3}),
        (f"{task}().upload_artifact", ("a.py", str(tmp_path / "a.py")), {}),
        (f"{task}().upload_artifact", ("b.pth", str(tmp_path / "b.pth")), {}),
        (f"{task}().close", (), {}),
    ] == calls[4:]
    assert "clearml" == backend.experiment._name


def test_neptune(tmp_path: Path, stand_in: StandIn) -> None:
    calls = stand_in("neptune", "neptune.types")
    backend = VISBACKENDS.build({"type": "NeptuneVisBackend"})
    kept(backend, tmp_path)

    run = "neptune.init_run()"
    assert [("neptune.init_run", (), {"mode": "offline"}), "neptune.types.File.from_content"] == [
        calls[0],
        calls[1][0],
    ]
    assert [f"{run}[config].upload", "neptune.types.File.as_image"] == [each[0] for each in calls[2:4]]
    assert 1.0 == calls[3][1][0].max()
    assert (f"{run}[images].append", {"name": "drawn", "step": 4}) == (calls[4][0], calls[4][2])
    assert [
        (f"{run}[acc].append", (0.5,), {"step": 2}),
        (f"{run}[loss].append", (1.0,), {"step": 3}),
        (f"{run}[lr].append", (0.1,), {"step": 3}),
        (f"{run}.stop", (), {}),
    ] == calls[5:]


def test_dvclive(tmp_path: Path, stand_in: StandIn) -> None:
    calls = stand_in("dvclive")
    save_dir = tmp_path / "vis_data"
    save_dir.mkdir()
    for name in ("config.py", "b.pth"):
        (save_dir / name).write_text("")
    backend = VISBACKENDS.build(
        {"type": "DVCLiveVisBackend", "save_dir": str(save_dir), "init_kwargs": {"cache_images": False}}
    )
    kept(backend, tmp_path)

    assert [
        ("dvclive.Live", (), {"dir": str(save_dir), "save_dvc_exp": True, "cache_images": False}),
        ("dvclive.Live().log_params", ({"work_dir": str(tmp_path), "a": {"b": [[1.0, 1.0], 2]}},), {}),
    ] == calls[:2]
    assert ("dvclive.Live().log_image", "drawn.png") == (calls[2][0], calls[2][1][0])
    assert [
        ("dvclive.Live().log_metric", ("acc", 0.5), {}),
        ("dvclive.Live().log_metric", ("loss", 1.0), {}),
        ("dvclive.Live().log_metric", ("lr", 0.1), {}),
        ("dvclive.Live().log_artifact", (str(save_dir / "config.py"),), {}),
        ("dvclive.Live().end", (), {}),
    ] == calls[3:]
    assert 3 == backend.experiment.step


def test_aim(tmp_path: Path, stand_in: StandIn) -> None:
    calls = stand_in("aim")
    backend = VISBACKENDS.build({"type": "AimVisBackend", "save_dir": "work/now/vis_data"})
    kept(backend, tmp_path)

    assert ("aim.Run", (), {"experiment": "now_vis_data"}) == calls[0]
    assert ["aim.Run()[hparams] =", "aim.Image", "aim.Run().track"] == [each[0] for each in calls[1:4]]
    assert [
        ("aim.Run().track", (), {"name": "acc", "value": 0.5, "step": 2}),
        ("aim.Run().track", (), {"name": "loss", "value": 1.0, "step": 3}),
        ("aim.Run().track", (), {"name": "lr", "value": 0.1, "step": 3}),
        ("aim.Run().close", (), {}),
    ] == calls[4:]
