from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners.hooks import DistEvalHook, EvalHook
from mmbridge.runners.hooks.score_rule import infer_rule
from mmbridge.runners.legacy import EpochBasedRunner, IterBasedRunner
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Scored(Dataset[Any]):
    """Returns, from one evaluation to the next, the given results."""

    def __init__(self, *results: dict[str, Any]) -> None:
        self.results = list(results)
        self.calls: list[Any] = []

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Any:
        return {"x": torch.ones(1)}

    def evaluate(self, results: Any, logger: Any = None, **options: Any) -> dict[str, Any]:
        self.calls.append(options)
        return self.results[min(len(self.calls), len(self.results)) - 1] if self.results else {}


class Model(nn.Linear):
    def __init__(self) -> None:
        super().__init__(1, 1)

    def forward(self, x: Any, return_loss: bool = True) -> Any:
        return list(super().forward(x))

    def train_step(self, data: Any, optimizer: Any) -> dict[str, Any]:
        return {"loss": self.weight.sum()}


def run(work_dir: Path, hook: Any, epochs: int = 5, kind: Any = EpochBasedRunner, **options: Any) -> Any:
    model = Model()
    limit = {"max_epochs" if kind is EpochBasedRunner else "max_iters": epochs}
    logger = logging.getLogger("evaluation")
    logger.setLevel(logging.INFO)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    runner = kind(model, optimizer=optimizer, work_dir=work_dir, logger=logger, meta={}, **limit)
    runner.register_hook(hook, "LOW")
    for name, value in options.items():
        setattr(runner, name, value)
    runner.run([[torch.ones(1)]], [("train", 1)])
    return runner


def evaluated(hook: EvalHook, runner_epochs: int, work_dir: Path, **options: Any) -> list[int]:
    """The epochs, from 1, after which there was an evaluation."""
    seen = []
    hook.evaluate = lambda runner, results: seen.append(runner.epoch + 1)  # type: ignore[method-assign]
    run(work_dir, hook, runner_epochs, **options)
    return seen


@pytest.mark.parametrize(
    ("start", "interval", "begin", "epochs", "expected"),
    [
        pytest.param(None, 2, 0, 5, [2, 4], id="interval"),
        pytest.param(0, 2, 0, 5, [2, 4], id="from 0"),
        pytest.param(1, 2, 0, 5, [1, 3, 5], id="from 1"),
        pytest.param(3, 2, 0, 7, [3, 5, 7], id="from 3"),
        pytest.param(2, 1, 2, 4, [3, 3, 4], id="resumed past the start"),
    ],
)
def test_when_it_evaluates(
    start: int | None, interval: int, begin: int, epochs: int, expected: list[int], tmp_path: Path
) -> None:
    hook = EvalHook(DataLoader(Scored()), start=start, interval=interval)

    assert evaluated(hook, epochs, tmp_path, _epoch=begin) == expected


def test_intervals_may_change(tmp_path: Path) -> None:
    hook = EvalHook(DataLoader(Scored()), interval=3, dynamic_intervals=[(5, 1)])

    assert evaluated(hook, 8, tmp_path) == [3, 5, 6, 7, 8]


def best_files(work_dir: Path) -> list[str]:
    return sorted(str(path.relative_to(work_dir)) for path in work_dir.rglob("best_*.pth"))


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        pytest.param([0.5, 0.7, 0.7, 0.6], ["best_acc_epoch_2.pth"], id="an equal score is not better"),
        pytest.param([0.0], [], id="zero is never the best"),
        pytest.param([float("nan")], [], id="nan is never the best"),
    ],
)
def test_the_best_checkpoint(scores: list[float], best: list[str], tmp_path: Path) -> None:
    hook = EvalHook(DataLoader(Scored(*({"acc": score} for score in scores))), save_best="acc")
    runner = run(tmp_path, hook, len(scores))

    assert best_files(tmp_path) == best
    assert runner.meta["hook_msgs"].get("best_score") == (max(scores) if best else None)


def test_auto_takes_the_first_score_and_its_name_may_be_a_path(tmp_path: Path) -> None:
    run(tmp_path, EvalHook(DataLoader(Scored({"coco/mAP": 0.5, "loss": 1})), save_best="auto"), 1)

    assert os.listdir(tmp_path / "best_coco") == ["mAP_epoch_1.pth"]


def test_braces_in_a_name_are_kept(tmp_path: Path) -> None:
    run(tmp_path, EvalHook(DataLoader(Scored({"acc{x}": 0.5})), save_best="acc{x}"), 1)

    assert best_files(tmp_path) == ["best_acc{x}_epoch_1.pth"]


def test_another_directory(tmp_path: Path) -> None:
    hook = EvalHook(DataLoader(Scored({"acc": 0.5})), save_best="acc", out_dir=str(tmp_path / "other"))
    run(tmp_path / "work", hook, 1)

    assert os.listdir(tmp_path / "other" / "work") == ["best_acc_epoch_1.pth"]


def test_a_resumed_run_knows_its_best(tmp_path: Path) -> None:
    hook = EvalHook(DataLoader(Scored({"acc": 0.5})), save_best="acc")
    runner = run(tmp_path, hook, 1, meta={"hook_msgs": {"best_score": 0.9}})

    assert best_files(tmp_path) == []
    assert runner.meta["hook_msgs"]["best_score"] == 0.9


def test_options_reach_the_dataset(tmp_path: Path) -> None:
    dataset = Scored({"acc": 1})
    run(tmp_path, EvalHook(DataLoader(dataset), metric="mAP"), 1)

    assert dataset.calls == [{"metric": "mAP"}]


def test_a_missing_score_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="save_best='acc' is not among the results: loss"):
        run(tmp_path, EvalHook(DataLoader(Scored({"loss": 1})), save_best="acc"), 1)


def test_no_scores_are_a_warning(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="no result"):
        run(tmp_path, EvalHook(DataLoader(Scored()), save_best="acc"), 1)


def test_no_meta_is_a_warning(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="runner.meta is None"):
        runner = run(tmp_path, EvalHook(DataLoader(Scored({"acc": 1})), save_best="acc"), 1, meta=None)

    assert runner.meta["hook_msgs"]["best_score"] == 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        pytest.param({"dataloader": [1]}, TypeError, "must be a pytorch DataLoader", id="loader"),
        pytest.param({"interval": 0}, ValueError, "must be a positive number", id="interval"),
        pytest.param({"start": -1}, ValueError, "smaller than 0", id="start"),
        pytest.param({"by_epoch": 1}, TypeError, "by_epoch must be True or False", id="by_epoch"),
        pytest.param({"save_best": True}, TypeError, '"save_best" should be a str', id="save_best"),
        pytest.param({"save_best": "AP"}, ValueError, "Cannot infer the rule for key AP", id="key"),
        pytest.param({"save_best": "acc", "rule": "most"}, ValueError, "rule must be greater", id="rule"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        EvalHook(**{"dataloader": DataLoader(Scored()), **options})


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        pytest.param("ACC", "greater", id="whole name, other case"),
        pytest.param("mloss_top", "greater", id="greater before less"),
        pytest.param("val_loss", "less", id="part of a name"),
        pytest.param("auto", None, id="auto"),
    ],
)
def test_rules_are_inferred(key: str, rule: str | None) -> None:
    assert infer_rule(None, key) == rule


def test_own_keys_replace_the_default() -> None:
    hook = EvalHook(DataLoader(Scored()), save_best="err", less_keys="err")

    assert hook.rule == "less"


def test_evaluation_by_iteration_leaves_eval_mode(tmp_path: Path) -> None:
    hook = EvalHook(DataLoader(Scored({"acc": 1})), by_epoch=False)
    by_epoch = run(tmp_path, hook, 1)

    assert not by_epoch.model.training


def test_by_epoch_is_silent_in_an_iteration_run(tmp_path: Path) -> None:
    hook = EvalHook(DataLoader(Scored({"acc": 1})))

    assert evaluated(hook, 3, tmp_path, kind=IterBasedRunner) == []


def test_the_distributed_hook_in_one_process(tmp_path: Path) -> None:
    given: list[dict[str, Any]] = []

    def test_fn(model: Any, loader: Any, **options: Any) -> list[int]:
        given.append(options)
        return [1]

    hook = DistEvalHook(DataLoader(Scored({"acc": 1})), test_fn=test_fn, gpu_collect=True)
    runner = run(tmp_path, hook, 1)

    assert given == [{"tmpdir": str(tmp_path / ".eval_hook"), "gpu_collect": True}]
    assert runner.log_buffer.output["acc"] == 1


def test_default_test_of_the_distributed_hook(tmp_path: Path) -> None:
    hook = DistEvalHook(DataLoader(Scored({"acc": 1})))
    run(tmp_path, hook, 1)

    assert len(hook.latest_results) == 1
