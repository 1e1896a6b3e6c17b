"""The hooks of the loop runtime beside those of real MMEngine 0.10.7: the same runs, in one process."""

from __future__ import annotations

import json
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures" / "toys" / "loop"))

pytestmark = pytest.mark.oracle

RISING = [{"acc": 0.1}, {"acc": 0.3}, {"acc": 0.2}, {"acc": 0.4}]
FLAT = [{"acc": 0.5}]
TWO = [{"a/acc": 0.1, "loss": 3.0}, {"a/acc": 0.2, "loss": 4.0}, {"a/acc": 0.1, "loss": 2.0}]
EMA = [{"type": "EMAHook", "momentum": 0.1}]


def saving(**options: Any) -> dict[str, Any]:
    return {"default_hooks": {"checkpoint": {"type": "CheckpointHook", **options}}}


def stopping(**options: Any) -> dict[str, Any]:
    return {"custom_hooks": [{"type": "EarlyStoppingHook", "monitor": "acc", **options}], "epochs": 9}


CASES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "defaults, by iteration": {
        "iters": 7,
        "scores": RISING,
        "train": {"val_interval": 3},
        "log_processor": {"by_epoch": False},
        "default_hooks": {
            "checkpoint": {"type": "CheckpointHook", "by_epoch": False, "interval": 3},
            "logger": {"type": "LoggerHook", "interval": 2, "log_metric_by_epoch": False},
        },
    },
    "save_begin": {"epochs": 6, **saving(interval=2, save_begin=3)},
    "interval -1": {"epochs": 3, **saving(interval=-1)},
    "not even the last": {"epochs": 3, **saving(interval=-1, save_last=False)},
    "a type without interval": {"epochs": 3, **saving()},
    "kept": {"epochs": 5, **saving(interval=1, max_keep_ckpts=2)},
    "best, by auto": {"epochs": 4, "scores": RISING, **saving(interval=2, save_best="auto", max_keep_ckpts=2)},
    "best, improving each time": {
        "epochs": 5,
        "scores": [{"acc": i / 9} for i in range(9)],
        **saving(interval=2, save_best="acc"),
    },
    "best of several": {"epochs": 3, "scores": TWO, **saving(interval=1, save_best=["a/acc", "loss"])},
    "rules given": {
        "epochs": 3,
        "scores": TWO,
        **saving(interval=1, save_best=["a/acc", "loss"], rule=["less", "greater"]),
    },
    "best by a rule of own keys": {
        "epochs": 3,
        "scores": [{"x": 1}, {"x": 2}],
        **saving(save_best="x", greater_keys="x"),
    },
    "a score of None": {
        "epochs": 3,
        "scores": [{"acc": None}, {"acc": 0.5}],
        "default_hooks": {
            "checkpoint": {"type": "CheckpointHook", "save_best": "acc"},
            "runtime_info": None,
            "logger": None,
        },
    },
    "best, by iteration": {
        "iters": 6,
        "scores": RISING,
        "train": {"val_interval": 2},
        "default_hooks": {
            "checkpoint": {"type": "CheckpointHook", "by_epoch": False, "interval": 4, "save_best": "acc"}
        },
    },
    "other names": {
        "epochs": 2,
        **saving(interval=1, filename_tmpl="state_{}.pth", save_optimizer=False, save_param_scheduler=False),
    },
    "published": {
        "epochs": 2,
        "scores": RISING,
        **saving(interval=1, save_best="acc", published_keys=["state_dict", "meta"]),
    },
    "a logger that logs all": {
        "epochs": 2,
        "batches": 5,
        "scores": FLAT,
        "test_scores": [{"acc": 0.5, "list": [1, 2.5]}],
        "default_hooks": {
            "logger": {"type": "LoggerHook", "interval": 2, "ignore_last": False, "interval_exp_name": 3}
        },
    },
    "a logger that leaves the rest": {
        "epochs": 2,
        "batches": 5,
        "default_hooks": {"logger": {"type": "LoggerHook", "interval": 3}},
    },
    "an average": {"epochs": 2, "scores": FLAT, "test_scores": FLAT, "custom_hooks": EMA},
    "an average from an epoch on": {"epochs": 2, "custom_hooks": [{**EMA[0], "begin_epoch": 2}]},
    "an average from an iteration on": {
        "epochs": 2,
        "scores": FLAT,
        "custom_hooks": [{**EMA[0], "begin_iter": 3, "update_buffers": True}],
    },
    "a falling average": {
        "epochs": 2,
        "custom_hooks": [{"type": "EMAHook", "ema_type": "MomentumAnnealingEMA", "gamma": 3, "interval": 2}],
    },
    "stopped": {"scores": [{"acc": each} for each in (0.5, 0.59, 0.6, 0.61, 0.62)], **stopping(patience=2)},
    "an equal score is an improvement": {"scores": FLAT, **stopping(patience=2, min_delta=0)},
    "stopped, nothing saved": {"scores": FLAT, **stopping(patience=2), **saving(interval=20)},
    "stopped by nan": {"scores": [{"acc": 0.5}, {"acc": float("nan")}], **stopping()},
    "stopped by a threshold": {"scores": RISING, **stopping(stopping_threshold=0.35)},
    "stopped by less": {
        "scores": [{"acc": each} for each in (1.0, 0.8, 0.79, 0.78, 0.77)],
        **stopping(rule="less", patience=2),
    },
    "schedulers of both kinds": {
        "epochs": 3,
        "param_scheduler": [
            {"type": "LinearLR", "start_factor": 0.5, "end": 3, "by_epoch": False},
            {"type": "MultiStepLR", "milestones": [1, 2], "gamma": 0.1},
        ],
    },
    "a scheduler of metrics": {
        "epochs": 5,
        "scores": [{"loss": 1.0}],
        "param_scheduler": [{"type": "ReduceOnPlateauLR", "monitor": "loss", "patience": 1, "factor": 0.5}],
    },
    "caches emptied and buffers averaged": {
        "scores": FLAT,
        "custom_hooks": [
            {"type": "EmptyCacheHook", "before_epoch": True, "after_iter": True},
            {"type": "SyncBuffersHook"},
        ],
    },
}


@pytest.fixture(scope="module")
def engines() -> Any:
    pytest.importorskip("mmengine")
    from loop_engines import on_torch_of_today, ours, real

    with on_torch_of_today():
        yield ours(), real()


def shown(text: str, work_dir: Path) -> list[str]:
    """What a log says of iterations, metrics and files, without times and names of the moment."""
    found = []
    for line in text.splitlines():
        message = line.partition(" - INFO - ")[2]
        if message.startswith(
            ("Epoch(", "Iter(", "Exp name", "Saving", "The best", "The previous", "Checkpoints will")
        ):
            message = message.replace(str(work_dir), "DIR")
            found.append(re.sub(r"hooks\d+_\d+_\d+|(eta|time|data_time): \S+", "#", message))
    return found


def rows(path: Path) -> list[dict[str, Any]]:
    timed = ("time", "data_time")
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [{key: value for key, value in json.loads(line).items() if key not in timed} for line in lines]


def state(path: Path) -> dict[str, Any]:
    found = torch.load(path, weights_only=False)
    learned = {key: found[key] for key in ("state_dict", "ema_state_dict") if key in found}
    return {
        "keys": sorted(found),
        "meta": {key: found["meta"][key] for key in ("epoch", "iter")},
        "facts": facts(found.get("message_hub", {}).get("runtime_info", {})),
        "weights": {name: {key: value.tolist() for key, value in weights.items()} for name, weights in learned.items()},
        "rates": [group["lr"] for group in found.get("optimizer", {}).get("param_groups", [])],
    }


def facts(info: Any) -> dict[str, Any]:
    moment = ("cfg", "seed", "experiment_name", "mmengine_version", "eta")
    found = {key: value for key, value in info.items() if key not in moment}
    return {key: Path(value).name if isinstance(value, str) else value for key, value in found.items()}


def outcome(engine: Any, work_dir: Path, **options: Any) -> dict[str, Any]:
    """Everything that the hooks of a run leave behind."""
    from hook_toys import files, make

    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runner = make(engine, work_dir, randomness={"seed": 1}, **{"log_level": "INFO", **options})
        runner.train()
        tested = runner.test() if options.get("test_scores") else None
    pointer = work_dir / "last_checkpoint"
    hub = runner.message_hub
    timed = ("time", "data_time")
    return {
        "files": files(work_dir),
        "last": pointer.read_text().replace(str(work_dir), "DIR") if pointer.exists() else None,
        "states": {path.name: state(path) for path in work_dir.glob("*.pth") if "-" not in path.name},
        "facts": facts(hub.runtime_info),
        "scalars": {
            key: [repr(float(value)) for value in history.data[0]]
            for key, history in hub.log_scalars.items()
            if key.split("/")[1] not in timed
        },
        "log": shown(next(work_dir.glob("*/*.log")).read_text("utf-8"), work_dir),
        "rows": rows(next(work_dir.glob("*/vis_data"), Path()) / "scalars.json"),
        "progress": (runner.epoch, runner.iter, float(runner.model.w.detach())),
        "predicted": [each.predicted for each in runner.val_evaluator.metrics] if options.get("scores") else None,
        "tested": tested,
    }


@pytest.mark.parametrize("case", CASES)
def test_runs_are_as_in_mmengine(case: str, engines: Any, tmp_path: Path) -> None:
    ours, real = engines

    expected = outcome(real, tmp_path / "real", **CASES[case])
    found = outcome(ours, tmp_path / "ours", **CASES[case])

    for part in expected:
        assert expected[part] == found[part], part


RESUMED: dict[str, dict[str, Any]] = {
    "files kept": {**saving(interval=1, max_keep_ckpts=2)},
    "the best": {"scores": RISING, **saving(interval=1, save_best="acc")},
    "an average": {"custom_hooks": EMA},
    "fewer files kept": {**saving(interval=1, max_keep_ckpts=3)},
}


@pytest.mark.parametrize("case", RESUMED)
def test_resumed_runs_are_as_in_mmengine(case: str, engines: Any, tmp_path: Path) -> None:
    results = []
    for name, engine in zip(("ours", "real"), engines, strict=True):
        outcome(engine, tmp_path / name, epochs=4, **RESUMED[case])
        later = saving(interval=1, max_keep_ckpts=2) if case == "fewer files kept" else RESUMED[case]
        again = outcome(engine, tmp_path / name, epochs=6, resume=True, **later)
        results.append({key: value for key, value in again.items() if key not in ("log", "rows", "files")})

    found, expected = results
    for part in expected:
        assert expected[part] == found[part], part


def test_weights_loaded_without_resuming_begin_the_average_as_in_mmengine(engines: Any, tmp_path: Path) -> None:
    results = []
    for name, engine in zip(("ours", "real"), engines, strict=True):
        outcome(engine, tmp_path / name, epochs=2, custom_hooks=EMA)
        start = str(tmp_path / name / "epoch_2.pth")
        again = outcome(engine, tmp_path / f"{name}2", epochs=1, load_from=start, custom_hooks=EMA, scores=FLAT)
        results.append({key: again[key] for key in ("states", "progress", "predicted")})

    found, expected = results

    assert expected == found
