"""The recorder works inside real MMEngine."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners.trace import Recorder, read_trace, write_trace
from torch import nn

pytestmark = pytest.mark.oracle


def test_mmengine_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "torchvision" in sys.modules:
        monkeypatch.setattr("torchvision.__version__", "0", raising=False)  # MMEngine logs it
    runners = pytest.importorskip("mmengine.runner")
    hooks = pytest.importorskip("mmengine.hooks")
    models = pytest.importorskip("mmengine.model")

    class Model(models.BaseModel):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, data: Any, mode: str = "tensor") -> Any:
            return {"loss": (self.weight * data).sum()}

    recorder = Recorder()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runner = runners.Runner(
            Model(),
            str(tmp_path),
            train_dataloader={"dataset": [torch.ones(1)] * 2, "sampler": {"type": "DefaultSampler", "shuffle": False}},
            train_cfg={"by_epoch": True, "max_epochs": 1},
            optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.5, "momentum": 0.0}},
            default_hooks={"checkpoint": None, "logger": None},
            log_level="ERROR",
            experiment_name="recorded",
        )
        runner.register_hook(recorder.hook(hooks.Hook), "LOWEST")
        runner.train()
    write_trace(tmp_path / "t.jsonl", recorder.events)

    points = [each.point for each in recorder.events]
    step = ["before_train_iter", "after_train_iter"]
    expected = ["before_train_epoch", *step, *step, "after_train_epoch"]
    assert points == ["before_run", "before_train", *expected, "after_train", "after_run"]
    steps = [each for each in recorder.events if each.point in step]
    assert [(each.iter, each.inner_iter) for each in steps] == [(0, 0), (0, 0), (1, 1), (1, 1)]
    assert [each.lr for each in steps[::2]] == [(0.5,), (0.5,)]
    assert [each.loss for each in steps[1::2]] == [1.0, 0.5]
    assert read_trace(tmp_path / "t.jsonl") == recorder.events
