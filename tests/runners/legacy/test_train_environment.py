"""What the train entry sets up, and what it tells."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from mmbridge.compat.config import Config
from mmbridge.runners.checkpoint import read_file
from mmbridge.runners.legacy.entry import script_of, train, train_file
from mmbridge.runners.legacy.environment import environment_info, setup_multi_processes
from mmbridge.runners.legacy.loaders import loader_settings
from mmbridge.runners.legacy.train_scripts import SCRIPTS
from mmbridge.runners.seed import shared_seed
from torch import nn

CONFIGS = Path(__file__).parents[3] / "fixtures" / "toys" / "configs"
sys.path.insert(0, str(CONFIGS.parent))


@pytest.fixture
def start_methods(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The start methods that are set; 'fork' has been set before."""
    seen: list[Any] = []
    monkeypatch.setattr(torch.multiprocessing, "get_start_method", lambda allow_none=False: "fork")
    monkeypatch.setattr(torch.multiprocessing, "set_start_method", lambda method, force: seen.append((method, force)))
    return seen


@pytest.mark.parametrize(
    ("config", "method"),
    [
        pytest.param({}, "fork", id="as on Linux"),
        pytest.param({"mp_start_method": "fork"}, "fork", id="as before"),
    ],
)
def test_the_start_method_of_workers(config: dict[str, Any], method: str, start_methods: list[Any]) -> None:
    setup_multi_processes(config)

    assert start_methods == ([(method, True)] if sys.platform == "linux" or config else [])


def test_another_start_method_than_before_is_a_warning(start_methods: list[Any]) -> None:
    with pytest.warns(UserWarning, match="processes started by 'fork', from now on by 'spawn'"):
        setup_multi_processes({"mp_start_method": "spawn"})

    assert start_methods == [("spawn", True)]


@pytest.mark.parametrize(("config", "threads"), [({}, 0), ({"opencv_num_threads": 3}, 3)], ids=["default", "given"])
def test_threads_of_opencv(
    config: dict[str, Any], threads: int, start_methods: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    cv2 = ModuleType("cv2")
    cv2.__spec__ = SimpleNamespace()  # type: ignore[assignment]
    cv2.setNumThreads = seen.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cv2", cv2)
    setup_multi_processes(config)

    assert seen == [threads]


def test_the_benchmark_of_cudnn(start_methods: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    setup_multi_processes({"cudnn_benchmark": True})

    assert torch.backends.cudnn.benchmark


def test_the_environment_is_described() -> None:
    lines = environment_info().splitlines()

    assert f"PyTorch: {torch.__version__}" in lines
    assert f"Python: {sys.version.split()[0]}" in lines
    assert any(line.startswith("mmbridge: ") for line in lines)


def test_the_environment_stands_in_the_log_and_in_meta(tmp_path: Path) -> None:
    train_file(CONFIGS / "classify.py", work_dir=tmp_path, seed=5, options={"runner.max_epochs": 1}, validate=False)
    (log,) = tmp_path.glob("*.log")
    (records,) = tmp_path.glob("*.log.json")
    meta = json.loads(records.read_text().splitlines()[0])

    assert "Environment info:\nsys.platform" in log.read_text()
    assert "Distributed training: False, seed: 5, deterministic: False" in log.read_text()
    assert "Config, trained as by mmdet:\n" in log.read_text()
    assert meta["env_info"] == read_file(str(tmp_path / "epoch_1.pth"))["meta"]["env_info"] == environment_info()
    assert "gpu_ids = [0]" in meta["config"]


def test_seeds_by_rank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmbridge.runners.legacy.entry.get_dist_info", lambda: (1, 1))
    options = {"runner.max_epochs": 1, "checkpoint_config": None, "log_config": None}
    found = [
        train_file(CONFIGS / "classify.py", work_dir=tmp_path, seed=5, diff_seed=diff, options=options, validate=False)
        for diff in (False, True)
    ]

    assert [runner.meta["seed"] for runner in found] == [5, 6]


def test_a_seed_for_all_is_given_or_drawn() -> None:
    random.seed(0)

    assert shared_seed(3) == 3
    assert 0 <= shared_seed() < 2**31


class Normed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.SyncBatchNorm(1)

    def train_step(self, data: Any, optimizer: Any) -> dict[str, Any]:
        return {"loss": self.norm(data).sum(), "log_vars": {}, "num_samples": 1}


def test_one_process_trains_plain_batch_normalisation() -> None:
    cfg = Config.fromfile(CONFIGS / "classify.py", execute=True)
    cfg.merge_from_dict({"log_config": None, "checkpoint_config": None, "runner.max_epochs": 1})
    runner = train(cfg, model=Normed(), datasets=[[torch.ones(1)] * 4], validate=False)

    assert not any(isinstance(each, nn.SyncBatchNorm) for each in runner.model.modules())
    assert isinstance(runner.model.module.norm, nn.modules.batchnorm._BatchNorm)
    assert runner.cfg is cfg


@pytest.mark.parametrize(
    ("config", "script"),
    [
        pytest.param({}, "mmdet", id="nothing told"),
        pytest.param({"custom_imports": {"imports": ["own.parts", "mmseg.models"]}}, "mmseg", id="imports"),
        pytest.param({"custom_imports": {"imports": "mmcls.models"}}, "mmcls", id="one import"),
        pytest.param({"model": {"type": type("Pose", (), {"__module__": "mmpose.models"})}}, "mmpose", id="model"),
    ],
)
def test_whose_script_is_followed(config: dict[str, Any], script: str) -> None:
    assert script_of(Config(config) if "model" not in config else config) == script


@pytest.mark.parametrize(
    ("script", "split", "expected"),
    [
        pytest.param("mmseg", "train", {"samples_per_gpu": 4, "drop_last": True, "prefetch_factor": 3}, id="mmseg"),
        pytest.param(
            "mmseg", "val", {"samples_per_gpu": 1, "drop_last": False, "prefetch_factor": 3, "shuffle": False},
            id="mmseg, validation",
        ),
        pytest.param("mmcls", "train", {"samples_per_gpu": 4, "prefetch_factor": 3}, id="mmcls"),
        pytest.param(
            "mmcls", "val", {"samples_per_gpu": 6, "drop_last": False, "prefetch_factor": 3, "shuffle": False},
            id="mmcls, validation",
        ),
    ],
)  # fmt: skip
def test_settings_that_hold_for_all_loaders(script: str, split: str, expected: dict[str, Any]) -> None:
    data = {"samples_per_gpu": 4, "prefetch_factor": 3, "train": {}, "val": {}}
    if script == "mmcls":
        data["val_dataloader"] = {"samples_per_gpu": 6}
    always = {"workers_per_gpu": 2, "persistent_workers": True, "pin_memory": torch.cuda.is_available()}

    assert loader_settings(data, split, SCRIPTS[script]) == {**always, **expected}


def test_threads_are_left_as_the_environment_says(start_methods: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("MKL_NUM_THREADS", "x")
    monkeypatch.delenv("MKL_NUM_THREADS")
    setup_multi_processes({"data": {"workers_per_gpu": 2}})

    assert (os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]) == ("7", "1")
