"""Which arguments a Runner takes together, and what it says of the others."""

# ruff: noqa: E501 - in the tables, a row is a line

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from loop_cases import EPOCHS, ITERS, TEST, VAL
from mmbridge.compat.config import Config
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.loop.evaluator import BaseMetric
from mmbridge.runners.loop.registry import RUNNERS
from mmbridge.runners.loop.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner, TestLoop, ValLoop
from torch import nn

MODEL = {"model": {"type": "Regressor"}}


def sentence(error: Any) -> str:
    return re.sub(r"\s+", " ", str(error.value))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"train_cfg": EPOCHS["train_cfg"]}, "train_dataloader and optim_wrapper: not set, while train_cfg is; to train"),
        ({"val_dataloader": VAL["val_dataloader"], "val_cfg": {}}, "val_evaluator: not set, while val_dataloader and val_cfg are"),
        ({"test_evaluator": TEST["test_evaluator"]}, "give all three (test_dataloader, test_cfg, test_evaluator); not to, set"),
        ({"param_scheduler": {"type": "StepLR", "step_size": 1}}, "param_scheduler: is given without optim_wrapper"),
        ({**EPOCHS, "param_scheduler": {"generator": 3}}, "param_scheduler['generator']: must be a scheduler, a dict with"),
        ({**EPOCHS, "param_scheduler": [{"step_size": 1}]}, "param_scheduler: must be a scheduler, a dict with 'type', or"),
        ({**EPOCHS, "default_hooks": {"loger": None}}, "default_hooks.loger: 'loger' is no default hook (did you mean 'logger'?)"),
        ({**EPOCHS, "default_hooks": {"checkpoint": {"interval": 1}}}, "default_hooks.checkpoint: has no key 'type'; add type='CheckpointHook'"),
        ({**EPOCHS, "custom_hooks": [{"type": "EMAHok"}]}, "custom_hooks[0]: 'EMAHok' is not in registry 'hook'; did you mean 'EMAHook'"),
        ({"env_cfg": {"cudnn_benchmrk": True}}, "env_cfg.cudnn_benchmrk: no such key; did you mean 'cudnn_benchmark'?"),
        ({"model": {"type": "Regresor"}}, "'Regresor' is not in registry 'model'; did you mean 'Regressor'"),
        ({"model": 3}, "model: must be an nn.Module or a dict with 'type', found 3"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_wrong_arguments_are_told(make: Any, settings: dict[str, Any], expected: str) -> None:
    with pytest.raises((BridgeError, TypeError)) as error:
        make(**{**MODEL, **settings})

    assert expected in sentence(error)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"train_cfg": {"type": "EpochBasedTrainLoop", "by_epoch": True, "max_epochs": 1}}, "train_cfg: has both 'type' and 'by_epoch'"),
        ({"train_cfg": {"max_epochs": 1}}, "train_cfg: has neither 'type' nor 'by_epoch'; write dict(by_epoch=True, max_epochs=...)"),
        ({"train_cfg": {"by_epoch": True, "max_epochs": 2.5}}, "train_cfg.max_epochs: must be a whole number, found 2.5"),
        ({"train_cfg": {"by_epoch": False, "max_iters": None}}, "train_cfg.max_iters: must be a whole number, found None"),
        ({"train_cfg": {"type": "EpochBasedTrainLop"}}, "did you mean 'EpochBasedTrainLoop'"),
        ({"train_cfg": {"by_epoch": True, "max_epochs": 1, "dynamic_intervals": [5]}}, "must be pairs (milestone, interval), found [5]"),
        ({"optim_wrapper": {"optimiser": {"type": "SGD"}}}, "optim_wrapper: has no key 'optimizer'"),
        ({"optim_wrapper": {"optimiser": {"type": "SGD"}}}, "did you mean 'optimizer' by 'optimiser'?"),
        ({"optim_wrapper": {"optimizer": {"type": "SDG", "lr": 0.1}}}, "did you mean 'SGD'"),
        ({"optim_wrapper": 3}, "optim_wrapper: must be an OptimWrapper or a dict"),
        ({"train_dataloader": {"batch_size": 2}}, "a dataloader's dict has no key 'dataset', found ['batch_size']"),
        ({"train_dataloader": {**EPOCHS["train_dataloader"], "collate_fn": "pseudo_collate"}}, "collate_fn: must be a dict with 'type'"),
        ({"train_dataloader": {**EPOCHS["train_dataloader"], "sampler": {"type": "DefaultSampeler"}}}, "did you mean 'DefaultSampler'"),
        ({"val_evaluator": {"type": "Nearnes"}}, "did you mean 'Nearness'"),
        ({"model": nn.Linear(1, 1)}, "model: Linear has no method 'train_step', which Runner.train() calls"),
        ({"auto_scale_lr": {"enable": True}}, "auto_scale_lr: has no 'base_batch_size'"),
        ({"train_cfg": None, "train_dataloader": None, "optim_wrapper": None}, "Runner.train: this run was not told how to train"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_what_cannot_be_trained_is_told(make: Any, changed: dict[str, Any], expected: str) -> None:
    runner = make(**{**EPOCHS, **VAL, **changed})

    with pytest.raises((BridgeError, TypeError)) as error:
        runner.train()

    assert expected in sentence(error)


def test_a_metric_alone_is_no_evaluator(make: Any) -> None:
    class Score(BaseMetric):
        def process(self, data_batch: Any, data_samples: Any) -> None: ...

        def compute_metrics(self, results: list[Any]) -> dict[str, Any]:
            return {}

    runner = make(**MODEL, **{**VAL, "val_evaluator": Score()})

    with pytest.raises(TypeError, match="put a metric into a list"):
        runner.val()


@pytest.mark.parametrize("mode", ["val", "test"])
def test_a_mode_without_its_arguments_is_told(make: Any, mode: str) -> None:
    with pytest.raises(BridgeError, match=f"give {mode}_dataloader, {mode}_cfg and {mode}_evaluator"):
        getattr(make(**MODEL), mode)()


def test_an_empty_dict_counts_as_given(make: Any) -> None:
    runner = make(**MODEL, **VAL, **TEST)

    assert (ValLoop, TestLoop) == (type(runner.val_loop), type(runner.test_loop))


@pytest.mark.parametrize(
    ("train_cfg", "expected"),
    [
        ({"by_epoch": True, "max_epochs": 2.0}, (EpochBasedTrainLoop, 2, 6)),
        ({"by_epoch": False, "max_iters": 5}, (IterBasedTrainLoop, 1, 5)),
        ({"max_iters": 5}, (IterBasedTrainLoop, 1, 5)),
        ({"type": EpochBasedTrainLoop, "max_epochs": 0}, (EpochBasedTrainLoop, 0, 0)),
    ],
    ids=["epochs as a float", "iterations", "iterations without by_epoch", "a class, and nothing to do"],
)
def test_the_training_loop_and_its_length(make: Any, train_cfg: dict[str, Any], expected: tuple[Any, ...]) -> None:
    runner = make(**{**EPOCHS, "train_cfg": train_cfg})

    assert (type(runner.train_loop), runner.max_epochs, runner.max_iters) == expected


def test_no_epoch_at_all_trains_nothing(make: Any) -> None:
    runner = make(**{**EPOCHS, "train_cfg": {"by_epoch": True, "max_epochs": 0}})
    runner.train()

    assert (0, 0) == (runner.epoch, runner.iter)


def test_a_run_without_training_has_no_length(make: Any) -> None:
    runner = make(**MODEL)

    assert (0, 0, 0, 0, None) == (runner.epoch, runner.iter, runner.max_epochs, runner.max_iters, runner.train_loop)


def test_reading_the_counters_builds_nothing(make: Any) -> None:
    runner = make(**EPOCHS)

    assert (0, 0) == (runner.epoch, runner.iter)
    assert runner._train_loop is None


def test_a_whole_config_makes_a_runner(engine: Any, tmp_path: Path) -> None:
    cfg = Config({**EPOCHS, "work_dir": str(tmp_path), "log_level": "ERROR"})
    before = cfg.to_dict()
    runner = Runner.from_cfg(cfg)
    runner.train()

    assert (3, 9) == (runner.epoch, runner.iter)
    assert before == cfg.to_dict()


def test_parts_of_a_config_are_built_with_its_dicts(engine: Any, tmp_path: Path) -> None:
    """Models and datasets read ``test_cfg.score_thr`` and the like."""
    given: list[Any] = []

    class Thresholding(nn.Module):
        def __init__(self, test_cfg: Any) -> None:
            super().__init__()
            given.append(test_cfg)

    class Piped:
        def __init__(self, pipeline: Any) -> None:
            given.extend(pipeline)

        def __len__(self) -> int:
            return 4

    loader = {"batch_size": 2, "dataset": {"type": Piped, "pipeline": [{"p": 0.5}]}}
    model = {"type": Thresholding, "test_cfg": {"score_thr": 0.5, "nms": [{"iou": 0.3}]}}
    settings = {"train_dataloader": loader, "train_cfg": EPOCHS["train_cfg"], "optim_wrapper": EPOCHS["optim_wrapper"]}
    cfg = Config({**settings, "model": model, "work_dir": str(tmp_path), "log_level": "ERROR"})
    runner = Runner.from_cfg(cfg)
    runner.build_dataloader(runner.cfg.train_dataloader)
    test_cfg, transform = given

    assert (0.5, 0.3, 0.5) == (test_cfg.score_thr, test_cfg.nms[0].iou, transform.p)
    test_cfg.score_thr = 1.0
    assert 0.5 == cfg.model.test_cfg.score_thr == runner.cfg.model.test_cfg.score_thr


@pytest.mark.parametrize("key", ["model", "work_dir"])
def test_a_config_needs_a_model_and_a_work_dir(key: str) -> None:
    cfg = {"model": {"type": "Regressor"}, "work_dir": "out"}
    cfg.pop(key)

    with pytest.raises(BridgeError, match=f"config: has no '{key}', which a run needs"):
        Runner.from_cfg(cfg)


def test_a_config_may_name_its_runner(engine: Any, tmp_path: Path) -> None:
    class Counting(Runner):
        built = 0

        def build_train_loop(self, loop: Any) -> Any:
            type(self).built += 1
            return super().build_train_loop(loop)

    RUNNERS.register_module("CountingRunner", module=Counting, force=True)
    runner = RUNNERS.build({**ITERS, "work_dir": str(tmp_path), "log_level": "ERROR", "runner_type": "CountingRunner"})
    runner.train()

    assert (Counting, 1) == (type(runner), Counting.built)
    with pytest.raises(BridgeError, match="'CountingRuner' is not in registry 'runner'; did you mean 'CountingRunner'"):
        RUNNERS.build({"runner_type": "CountingRuner"})
