"""The tracker hooks make the calls that those of MMCV 1.7.2 make, to stand-ins of the clients."""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import mmbridge.runners.legacy as ours
import pytest
import torch
from recorded_client import Client

sys.path.insert(0, str(Path(__file__).parents[1] / "runners" / "hooks"))
from test_trackers import MODULES, Model

pytestmark = pytest.mark.oracle
RENAMED = {
    "wandb.join": "wandb.finish",
    "neptune.new.init": "neptune.init_run",
    "].log'": "].append'",
    "Live().log'": "Live().log_metric'",
}
"""What the clients of today call what MMCV calls."""
NEW_ONLY = ("dvclive.Live().set_step", "dvclive.Live().end")


def calls(engine: Any, name: str, config: dict[str, Any], work_dir: Path, patch: pytest.MonkeyPatch) -> list[str]:
    made: list[Any] = []
    for module in [*MODULES[name], "neptune.new"]:
        patch.setitem(sys.modules, module, Client(module, made))
    work_dir.mkdir(parents=True)
    (work_dir / "config.py").write_text("x = 1\n")
    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    parts = {"optimizer": optimizer, "work_dir": str(work_dir), "logger": logging.Logger("t"), "meta": {"seed": 1}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runner = engine.EpochBasedRunner(model, max_epochs=2, **parts)
        loggers = {"interval": 2, "hooks": [{"type": name, **config}]}
        runner.register_training_hooks({"policy": "fixed"}, {}, {"interval": 1}, loggers)
        runner.run([[torch.ones(1, 1)] * 5], [("train", 1)])
    lines = [str(call).replace(str(work_dir), "").replace("np.float64(2.0)", "2.0") for call in made]
    for old, new in RENAMED.items():
        lines = [line.replace(old, new) for line in lines]
    return [line for line in lines if not any(each in line for each in NEW_ONLY)]


@pytest.mark.parametrize(
    ("name", "config"),
    [
        pytest.param("TensorboardLoggerHook", {}, id="tensorboard"),
        pytest.param("WandbLoggerHook", {"define_metric_cfg": {"a": "max"}}, id="wandb"),
        pytest.param("WandbLoggerHook", {"with_step": False, "commit": False}, id="wandb without steps"),
        pytest.param("MlflowLoggerHook", {"exp_name": "e", "params": {"a": 1}}, id="mlflow"),
        pytest.param("NeptuneLoggerHook", {"init_kwargs": {"project": "p"}}, id="neptune"),
        pytest.param("ClearMLLoggerHook", {"init_kwargs": {"task_name": "t"}}, id="clearml"),
        pytest.param("SegmindLoggerHook", {}, id="segmind"),
        pytest.param("DvcliveLoggerHook", {"by_epoch": False}, id="dvclive by iteration"),
        pytest.param("PaviLoggerHook", {"add_last_ckpt": True, "add_ckpt_kwargs": {"active": True}}, id="pavi"),
    ],
)
def test_the_same_calls(name: str, config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = pytest.importorskip("mmcv.runner")
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    expected = calls(theirs, name, config, tmp_path / "theirs" / "work", monkeypatch)
    actual = calls(ours, name, config, tmp_path / "ours" / "work", monkeypatch)

    assert len(expected) > 1
    assert actual == expected
