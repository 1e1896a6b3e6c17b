from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.compat.config import Config
from mmbridge.compat.errors import ConfigError
from mmbridge.runners.loop.hooks import PrepareTTAHook, build_runner_with_tta
from mmbridge.runners.loop.model import BaseTTAModel
from mmbridge.runners.loop.registry import DATASETS, MODELS
from torch import nn

Train = Callable[..., Any]


class Doubled(BaseTTAModel):
    """The predictions of all augmentations, added."""

    def merge_preds(self, data_samples_list: Any) -> Any:
        return [sum(each) for each in data_samples_list]


@pytest.fixture(autouse=True)
def registered(make: Train) -> Generator[None]:
    from hook_toys import loader

    def growing() -> nn.Module:
        return make().model  # type: ignore[no-any-return]

    def samples(pipeline: Any) -> list[Any]:
        return [{"inputs": [torch.ones(1)] * len(pipeline)} for _ in loader(2)["dataset"]]

    names = {MODELS: {"Doubled": Doubled, "Growing": growing}, DATASETS: {"Samples": samples}}
    for registry, found in names.items():
        for name, each in found.items():
            registry.register_module(name, module=each)
    yield
    for registry, found in names.items():
        for name in found:
            registry._table.pop(name)


def config(tmp_path: Path, **more: Any) -> Config:
    test = {
        "dataset": {"type": "Samples", "pipeline": ["one"]},
        "sampler": {"type": "DefaultSampler", "shuffle": False},
    }
    return Config(
        {
            "model": {"type": "Growing"},
            "work_dir": str(tmp_path / "tta"),
            "test_dataloader": {**test, "batch_size": 1},
            "test_cfg": {},
            "test_evaluator": {"type": "DumpResults", "out_file_path": str(tmp_path / "out.pkl")},
            "log_level": "WARNING",
            **more,
        }
    )


def test_a_test_merges_the_predictions_of_the_pipeline_of_augmentations(tmp_path: Path) -> None:
    cfg = config(tmp_path, tta_model={"type": "Doubled"}, tta_pipeline=["plain", "flipped", "rotated"])
    runner = build_runner_with_tta(cfg)
    runner.test()
    model = runner.model
    runner.test()

    assert isinstance(model, Doubled)
    assert model is runner.model
    assert ["plain", "flipped", "rotated"] == cfg.test_dataloader.dataset.pipeline


@pytest.mark.parametrize("key", ["tta_model", "tta_pipeline"])
def test_what_is_missing_is_told(key: str, tmp_path: Path) -> None:
    parts = {"tta_model": {"type": "Doubled"}, "tta_pipeline": []}
    parts.pop(key)

    with pytest.raises(ConfigError, match=f"has no '{key}'"):
        build_runner_with_tta(config(tmp_path, **parts))


def test_the_settings_of_the_model_are_not_changed(make: Train) -> None:
    settings = {"type": "Doubled"}
    runner = make()
    PrepareTTAHook(settings).before_test(runner)

    assert {"type": "Doubled"} == settings
    assert isinstance(runner.model, Doubled)
