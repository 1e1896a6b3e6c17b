"""From a 1.x config to a trained model."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from mmbridge.compat.config import Config
from mmbridge.compat.errors import ConfigError
from mmbridge.runners.checkpoint import read_file
from mmbridge.runners.legacy.entry import optimizer_hook_config, train, train_file
from mmbridge.runners.legacy.environment import limit_threads
from mmbridge.runners.legacy.loaders import build_dataloader, loader_settings
from mmbridge.runners.legacy.preparation import (
    moved_data_root,
    replace_references,
    runner_section,
    scaled_lr,
)
from mmbridge.runners.legacy.train_scripts import SCRIPTS

TOYS = Path(__file__).parents[3] / "fixtures" / "toys"
CONFIGS = TOYS / "configs"
sys.path.insert(0, str(TOYS))


def logged(work_dir: Path) -> list[dict[str, Any]]:
    (path,) = work_dir.glob("*.log.json")
    return [json.loads(line) for line in path.read_text().splitlines()][1:]


def test_a_classifier_learns(tmp_path: Path) -> None:
    runner = train_file(CONFIGS / "classify.py", work_dir=tmp_path, seed=0)
    results = [record["accuracy"] for record in logged(tmp_path) if record["mode"] == "val"]

    assert (runner.epoch, runner.iter) == (4, 16)
    assert results[-1] == max(results) == 1.0
    assert {"epoch_4.pth", "latest.pth", "classify.py"} <= set(os.listdir(tmp_path))
    meta = read_file(str(tmp_path / "epoch_4.pth"))["meta"]
    assert (meta["CLASSES"], meta["seed"], meta["exp_name"]) == (("left", "right"), 0, "classify.py")
    assert "SmallClassifier" in meta["config"]


def test_a_segmenter_learns_by_iteration(tmp_path: Path) -> None:
    runner = train_file(CONFIGS / "segment.py", work_dir=tmp_path, seed=0, script="mmseg")
    results = [record["mIoU"] for record in logged(tmp_path) if record["mode"] == "val"]

    assert runner.iter == 40
    assert len(results) == 2
    assert results[1] > 0.8
    assert [name for name in os.listdir(tmp_path) if name.startswith("best_")] == ["best_mIoU_iter_40.pth"]


def test_rivals_train_with_an_optimizer_each(tmp_path: Path) -> None:
    runner = train_file(CONFIGS / "rivals.py", work_dir=tmp_path, seed=0, script="mmedit", validate=False)

    assert type(runner).__name__ == "IterBasedRunner"
    assert runner.current_lr() == {"generator": [0.001], "discriminator": [pytest.approx(0.001)]}
    assert sorted(read_file(str(tmp_path / "iter_10.pth"))["optimizer"]) == ["discriminator", "generator"]


def test_one_seed_gives_one_model(tmp_path: Path) -> None:
    weights = []
    for name in ("a", "b"):
        runner = train_file(CONFIGS / "classify.py", work_dir=tmp_path / name, seed=3, validate=False)
        weights.append([each.tolist() for each in runner.model.parameters()])

    assert weights[0] == weights[1]


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_configs_of_other_formats_run_as_they_are(suffix: str, tmp_path: Path) -> None:
    values = Config.fromfile(CONFIGS / "classify.py", execute=True).to_dict()
    values["workflow"] = [list(flow) for flow in values["workflow"]]
    plain = json.loads(json.dumps(values))
    text = json.dumps(plain) if suffix == ".json" else yaml.safe_dump(plain)
    path = tmp_path / f"classify{suffix}"
    path.write_text(text)
    runner = train_file(path, work_dir=tmp_path / "work", seed=0)

    assert runner.epoch == 4


def test_options_and_resuming(tmp_path: Path) -> None:
    train_file(CONFIGS / "classify.py", work_dir=tmp_path, seed=0, options={"runner.max_epochs": 2})
    runner = train_file(CONFIGS / "classify.py", work_dir=tmp_path, seed=0, auto_resume=True)

    assert runner.epoch == 4
    assert runner.meta["hook_msgs"]["best_ckpt"].endswith(".pth")
    explicit = train_file(
        CONFIGS / "classify.py", work_dir=tmp_path / "other", resume_from=str(tmp_path / "epoch_4.pth"), seed=0
    )
    assert explicit.epoch == 4


def test_weights_may_be_loaded_without_resuming(tmp_path: Path) -> None:
    train_file(CONFIGS / "classify.py", work_dir=tmp_path / "a", seed=0, options={"runner.max_epochs": 1})
    saved = str(tmp_path / "a" / "epoch_1.pth")
    options = {"load_from": saved, "runner.max_epochs": 1, "optimizer.lr": 0.0, "optimizer.weight_decay": 0.0}
    runner = train_file(CONFIGS / "classify.py", work_dir=tmp_path / "b", seed=1, options=options)

    assert runner.iter == 4
    expected = read_file(saved)["state_dict"]["head.weight"]
    assert torch.equal(runner.model.module.head.weight, expected)


def test_validation_within_the_workflow(tmp_path: Path) -> None:
    options = {"workflow": [("train", 1), ("val", 1)], "runner.max_epochs": 1, "checkpoint_config": None}
    train_file(CONFIGS / "classify.py", work_dir=tmp_path, seed=0, options=options)

    assert [record["mode"] for record in logged(tmp_path)] == ["train", "train", "val", "val"]
    assert "loss_val" in logged(tmp_path)[-1]


def config(**changes: Any) -> Config:
    cfg = Config.fromfile(CONFIGS / "classify.py", execute=True)
    cfg.merge_from_dict({"log_config": None, "checkpoint_config": None, **changes})
    cfg.evaluation = {"interval": 1, "metric": "accuracy"}
    return cfg


@pytest.mark.parametrize("key", ["data", "optimizer", "lr_config"])
def test_what_is_missing_is_named(key: str) -> None:
    cfg = config()
    del cfg[key]

    with pytest.raises(ConfigError, match=f"classify.py: has no '{key}'"):
        train(cfg)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"model.type": "SmalClassifier"},
            "model: 'SmalClassifier' is not in registry 'model'; did you mean 'SmallClassifier'", id="model",
        ),
        pytest.param({"model.chanels": 3}, "model: .*unexpected keyword argument 'chanels'", id="argument"),
        pytest.param({"data.train.type": "X"}, "data: 'X' is not in registry 'dataset'", id="dataset"),
        pytest.param({"optimizer.type": "SDG"}, "optimizer: 'SDG' .*did you mean 'SGD'", id="optimizer"),
        pytest.param({"runner.type": "EpochRunner"}, "runner: .*did you mean 'EpochBasedRunner'", id="runner"),
        pytest.param({"workflow": [("tran", 1)]}, "data|workflow", id="mode"),
        pytest.param({"workflow": [("val", 1)]}, "workflow: .*never trains", id="workflow"),
        pytest.param({"lr_config.policy": "stpe"}, "hooks: lr_config.policy: .*did you mean 'Step'", id="policy"),
        pytest.param({"lr_config.gama": 1}, "hooks: StepLrUpdaterHook has no argument 'gama'", id="policy's argument"),
        pytest.param({"custom_hooks": [{"type": "EMAHok"}]}, "hooks: custom_hooks: .*'EMAHook'", id="hook"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_file(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"classify.py: {message}" if "|" not in message else message):
        train(config(**changes))


def test_errors_of_other_peoples_code_pass() -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        return int("no number")

    cfg = config()
    cfg.model = {"type": broken}

    with pytest.raises(ValueError, match="invalid literal"):
        train(cfg)


def test_an_unknown_script_is_named() -> None:
    with pytest.raises(ValueError, match="no train script 'mmsge'; did you mean 'mmseg'"):
        train(config(), script="mmsge")


def test_dicts_are_configs_too(tmp_path: Path) -> None:
    runner = train(config().to_dict(), validate=False)

    assert runner.epoch == 4


@pytest.mark.parametrize(
    ("script", "place"), [pytest.param("mmdet", "before", id="mmdet"), pytest.param("mmseg", "after", id="mmseg")]
)
def test_custom_hooks_stand_where_the_library_puts_them(script: str, place: str) -> None:
    runner = train(config(custom_hooks=[{"type": "EmptyCacheHook", "priority": "LOW"}]), script=script)
    names = [type(hook).__name__ for hook in runner.hooks]
    custom, evaluation = names.index("EmptyCacheHook"), names.index("EvalHook")

    assert ("before" if custom < evaluation else "after") == place


@pytest.mark.parametrize(
    ("script", "priority", "by_epoch"),
    [
        pytest.param("mmdet", 70, True, id="mmdet: the runner's unit"),
        pytest.param("mmpose", 50, True, id="mmpose: as configured"),
        pytest.param("mmseg", 70, False, id="mmseg: by iteration"),
    ],
)
def test_evaluation_by_library(script: str, priority: int, by_epoch: bool) -> None:
    runner = train(config(), script=script)
    (hook,) = [hook for hook in runner.hooks if type(hook).__name__ == "EvalHook"]

    assert (hook.priority, hook.by_epoch) == (priority, by_epoch)
    assert hook.dataloader.dataset.test_mode


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param("mmdet", {"type": "Fp16OptimizerHook", "grad_clip": None, "loss_scale": 8.0}, id="merged"),
        pytest.param("mmcls", {"type": "Fp16OptimizerHook", "grad_clip": None, "loss_scale": 8.0}, id="scale"),
        pytest.param("mmseg", {"grad_clip": None}, id="a mark"),
    ],
)
def test_mixed_precision_by_library(script: str, expected: dict[str, Any]) -> None:
    cfg = Config({"optimizer_config": {"grad_clip": None}, "fp16": {"loss_scale": 8.0}})
    found = optimizer_hook_config(cfg, SCRIPTS[script])

    assert {**expected, **({"distributed": False} if "type" in expected else {})} == found


def test_mixed_precision_and_a_hook_of_another_type() -> None:
    cfg = Config({"optimizer_config": {"type": "X"}, "fp16": {"loss_scale": 8.0}})

    with pytest.raises(ConfigError, match=r"optimizer_config.type is 'X' and there is fp16"):
        optimizer_hook_config(cfg, SCRIPTS["mmdet"])


@pytest.mark.parametrize(
    ("values", "script", "expected"),
    [
        pytest.param({"total_epochs": 3}, "mmdet", {"type": "EpochBasedRunner", "max_epochs": 3}, id="total_epochs"),
        pytest.param({"total_iters": 3}, "mmseg", {"type": "IterBasedRunner", "max_iters": 3}, id="total_iters"),
        pytest.param({"runner": {"max_iters": 3}}, "mmdet", {"type": "IterBasedRunner", "max_iters": 3}, id="no type"),
        pytest.param(
            {"runner": {"type": "EpochBasedRunner"}, "total_epochs": 5}, "mmpose",
            {"type": "EpochBasedRunner", "max_epochs": 5}, id="length beside the runner",
        ),
    ],
)  # fmt: skip
def test_the_runner_of_a_config(values: dict[str, Any], script: str, expected: dict[str, Any]) -> None:
    assert runner_section(values, SCRIPTS[script]) == expected


def test_contradictions_of_length_are_named() -> None:
    with pytest.raises(ConfigError, match=r"total_epochs is 3, runner.max_epochs is 4"):
        runner_section({"runner": {"max_epochs": 4}, "total_epochs": 3}, SCRIPTS["mmdet"])
    with pytest.raises(ConfigError, match="how long to train"):
        runner_section({}, SCRIPTS["mmdet"])


@pytest.mark.parametrize(
    ("data", "split", "expected"),
    [
        pytest.param({}, "train", {"samples_per_gpu": 2, "workers_per_gpu": 2, "persistent_workers": False}, id="none"),
        pytest.param(
            {"imgs_per_gpu": 4, "workers_per_gpu": 0}, "train",
            {"samples_per_gpu": 4, "workers_per_gpu": 0, "persistent_workers": False}, id="old name",
        ),
        pytest.param(
            {"samples_per_gpu": 4, "workers_per_gpu": 1, "val": {"samples_per_gpu": 3}}, "val",
            {"samples_per_gpu": 3, "workers_per_gpu": 1, "shuffle": False}, id="validation",
        ),
        pytest.param(
            {"samples_per_gpu": 4, "val_dataloader": {"samples_per_gpu": 5}}, "val",
            {"samples_per_gpu": 5, "workers_per_gpu": 2, "shuffle": False}, id="a section of its own",
        ),
    ],
)  # fmt: skip
def test_settings_of_loaders(data: dict[str, Any], split: str, expected: dict[str, Any]) -> None:
    assert loader_settings(data, split, SCRIPTS["mmdet"]) == expected


def test_a_setting_at_two_places_is_named() -> None:
    with pytest.raises(ConfigError, match=r"data.samples_per_gpu: is also set in data.train_dataloader"):
        loader_settings({"samples_per_gpu": 1, "train_dataloader": {"samples_per_gpu": 2}}, "train", SCRIPTS["mmdet"])


def test_loaders_serve_all_gpus_of_a_process_and_seed_their_workers() -> None:
    loader = build_dataloader(list(range(8)), 2, 1, seed=3, shuffle=False, num_gpus=2)

    assert (loader.batch_size, loader.num_workers) == (4, 2)
    loader.worker_init_fn(0)  # type: ignore[misc]
    first = torch.rand(1).item()
    loader.worker_init_fn(1)  # type: ignore[misc]
    assert first != torch.rand(1).item()


def test_references() -> None:
    values = {"a": {"b": [1, 2]}, "c": "${a.b}", "d": "x${e}y", "e": 3, "f": ["${e}"], "g": "${c}"}

    assert replace_references(values) == {**values, "c": [1, 2], "d": "x3y", "f": [3], "g": "${a.b}"}
    assert replace_references({"model": 1, "model_wrapper": {"model": "${model}"}}) == {"model": {"model": 1}}
    with pytest.raises(ConfigError, match=r"\$\{a.x\}: the config has no 'x'"):
        replace_references({"a": {}, "b": "${a.x}"})
    with pytest.raises(ConfigError, match="is a list, which cannot stand inside"):
        replace_references({"a": [1], "b": "x${a}"})


def test_the_data_may_lie_elsewhere() -> None:
    values = {"data_root": "data/x/", "data": {"train": {"ann": "data/x/a.json"}, "n": 2}, "other": "data/x/b"}
    moved = {"data_root": "/d/", "data": {"train": {"ann": "/d/a.json"}, "n": 2}, "other": "data/x/b"}

    assert moved_data_root(values, "/d/") == moved
    assert moved_data_root(values, None) == values


@pytest.mark.parametrize(
    ("data", "threads"),
    [
        pytest.param({"workers_per_gpu": 2}, "1", id="several workers"),
        pytest.param({"train_dataloader": {"workers_per_gpu": 2}}, "1", id="in the loader's section"),
        pytest.param({"workers_per_gpu": 1}, None, id="one worker"),
    ],
)
def test_threads_of_workers(data: dict[str, Any], threads: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    limit_threads(data)

    assert (os.environ.get("OMP_NUM_THREADS"), os.environ.get("MKL_NUM_THREADS")) == (threads, threads)


def test_the_rate_scales_with_the_batch() -> None:
    values = {"optimizer": {"lr": 0.1}, "auto_scale_lr": {"enable": True, "base_batch_size": 16}}

    assert scaled_lr(values, 4, 8) == pytest.approx(0.2)
    assert scaled_lr({**values, "auto_scale_lr": {"enable": False}}, 4, 8) is None


def test_configs_are_kept_beside_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    shutil.copytree(CONFIGS, source)
    monkeypatch.chdir(tmp_path)
    runner = train_file(source / "classify.py", seed=0, options={"runner.max_epochs": 1}, validate=False)

    assert runner.work_dir == str(tmp_path / "work_dirs" / "classify")
    assert "max_epochs=1" in Path(runner.work_dir, "classify.py").read_text().replace(" ", "")
