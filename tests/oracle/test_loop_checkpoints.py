"""Checkpoints go both ways between real MMEngine 0.10.7 and here, and runs go on from them as they would have."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners.trace import Recorder

pytestmark = pytest.mark.oracle
sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures" / "toys" / "loop"))
from loop_cases import ADAM, CASES, ENDLESS, EPOCHS, HOOKS, SGD, VAL, WARM  # noqa: E402
from loop_engines import on_torch_of_today, ours, real  # noqa: E402
from loop_toys import register, run, without_annealing  # noqa: E402

EMA = [{"type": "EMAHook", "momentum": 0.1}]
RIVALS = {"model": {"type": "Rivals"}, "optim_wrapper": CASES["two optimizers"]["optim_wrapper"]}
LONG = {**EPOCHS, "train_cfg": {"by_epoch": True, "max_epochs": 4}}
BY_ITER = {**ENDLESS, "train_cfg": {"by_epoch": False, "max_iters": 9}}
SCORES = [0.1, 0.3, 0.2, 0.4]

RUNS: dict[str, dict[str, Any]] = {
    "momentum and two schedules": {
        **LONG,
        **VAL,
        "param_scheduler": [WARM, {"type": "MultiStepLR", "milestones": [1, 3, 3], "gamma": 0.5}],
    },
    "the best, and few files": {
        **LONG,
        **VAL,
        "val_evaluator": {"type": "Flat", "scores": SCORES},
        "default_hooks": {
            **HOOKS,
            "checkpoint": {"type": "CheckpointHook", "interval": 1, "save_best": "acc", "max_keep_ckpts": 2},
        },
    },
    "adam, groups by rules, accumulation": {
        **CASES["adam, groups by rules"],
        "train_cfg": LONG["train_cfg"],
        "optim_wrapper": {
            **CASES["adam, groups by rules"]["optim_wrapper"],
            "accumulative_counts": 2,
            "clip_grad": {"max_norm": 1.0},
        },
    },
    "averaged weights": {**LONG, **VAL, "custom_hooks": EMA},
    "averaged weights with buffers, by iteration": {
        **BY_ITER,
        **VAL,
        "custom_hooks": [{"type": "EMAHook", "ema_type": "StochasticWeightAverage", "update_buffers": True}],
    },
    "two optimizers": {
        **LONG,
        **RIVALS,
        "param_scheduler": {
            "generator": [{"type": "StepLR", "step_size": 1, "gamma": 0.5}],
            "critic": {"type": "LinearLR", "by_epoch": False, "end": 9},
        },
    },
    "one cycle": {
        **BY_ITER,
        "param_scheduler": {"type": "OneCycleLR", "eta_max": 0.5, "total_steps": 9, "by_epoch": False},
    },
    "one cycle, linear": {
        **BY_ITER,
        "param_scheduler": {
            "type": "OneCycleLR",
            "eta_max": 0.5,
            "total_steps": 9,
            "anneal_strategy": "linear",
            "by_epoch": False,
        },
    },
    "restarts, and momentum of adam": {
        **LONG,
        "optim_wrapper": {"optimizer": ADAM},
        "param_scheduler": [
            {"type": "CosineRestartLR", "periods": [1, 3], "restart_weights": [1, 0.5], "eta_min": 0.01},
            {"type": "CosineAnnealingMomentum", "T_max": 4, "eta_min": 0.5},
        ],
    },
    "a stalled metric": {
        **LONG,
        **VAL,
        "val_evaluator": {"type": "Flat", "scores": [0.5]},
        "param_scheduler": {
            "type": "ReduceOnPlateauLR",
            "monitor": "acc",
            "rule": "greater",
            "patience": 0,
            "factor": 0.5,
        },
    },
    "the old formula": {
        **BY_ITER,
        "optim_wrapper": {"optimizer": SGD},
        "param_scheduler": CASES["the old formula"]["param_scheduler"],
    },
}


@pytest.fixture(scope="module")
def engines() -> Any:
    pytest.importorskip("mmengine")
    both = {"there": real(), "here": ours()}
    for engine in both.values():
        register(engine)
    with on_torch_of_today():
        yield both


def first_part(case: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The run up to its middle, and the checkpoint from which it goes on."""
    by_epoch = case["train_cfg"]["by_epoch"]
    length = {"max_epochs": 2} if by_epoch else {"max_iters": 6}
    return {**case, "train_cfg": {**case["train_cfg"], **length}}, "epoch_2.pth" if by_epoch else "iter_6.pth"


def gone_on(engine: Any, case: dict[str, Any], start: str, work_dir: Path, saved: Path) -> dict[str, Any]:
    """What ``engine`` makes of the directory that was saved: its events, its result, and its last checkpoint."""
    shutil.rmtree(work_dir, ignore_errors=True)
    shutil.copytree(saved, work_dir)
    recorder = Recorder()
    result = run(engine, recorder.hook(engine.Hook), {**case, "load_from": start, "resume": True}, str(work_dir))
    last = torch.load((work_dir / "last_checkpoint").read_text("utf-8").strip(), weights_only=False)
    return {"events": recorder.events, "result": json.loads(json.dumps(vars(result))), "last": last}


def plain(value: Any) -> Any:
    """``value`` with tensors as lists, and without the two ways to tell how one cycle anneals."""
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in without_annealing(value).items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


STATE = ("state_dict", "ema_state_dict", "optimizer", "param_schedulers")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", RUNS)
def test_a_checkpoint_from_there_goes_on_here(name: str, engines: dict[str, Any], tmp_path: Path) -> None:
    """Everything is equal to the bit: events, log lines, histories, files."""
    case, (first, start) = RUNS[name], first_part(RUNS[name])
    work_dir, saved = tmp_path / "work", tmp_path / "saved"
    work_dir.mkdir()
    run(engines["there"], None, first, str(work_dir))
    shutil.copytree(work_dir, saved)

    there, here = (gone_on(engines[place], case, start, work_dir, saved) for place in ("there", "here"))

    assert there["events"] == here["events"]
    assert there["result"] == here["result"]
    assert [plain(there["last"].get(key)) for key in STATE] == [plain(here["last"].get(key)) for key in STATE]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", RUNS)
def test_a_checkpoint_from_here_goes_on_there(name: str, engines: dict[str, Any], tmp_path: Path) -> None:
    """MMEngine passes over the histories, so log lines and histories begin anew there; the rest is equal to the bit."""
    case, (first, start) = RUNS[name], first_part(RUNS[name])
    work_dir, saved = tmp_path / "work", tmp_path / "saved"
    work_dir.mkdir()
    run(engines["here"], None, first, str(work_dir))
    shutil.copytree(work_dir, saved)

    there, here = (gone_on(engines[place], case, start, work_dir, saved) for place in ("there", "here"))

    assert there["events"] == here["events"]
    for key in ("counters", "names", "last"):
        assert there["result"][key] == here["result"][key]
    assert [plain(there["last"].get(key)) for key in STATE] == [plain(here["last"].get(key)) for key in STATE]
