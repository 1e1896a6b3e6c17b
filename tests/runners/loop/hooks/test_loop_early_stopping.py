from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mmbridge.runners.loop.hooks import EarlyStoppingHook

Train = Callable[..., Any]
Names = Callable[[], list[str]]


def stopping(scores: list[float], **options: Any) -> dict[str, Any]:
    hooks = [{"type": "EarlyStoppingHook", "monitor": "acc", **options}]
    return {"epochs": 9, "scores": [{"acc": score} for score in scores], "custom_hooks": hooks}


@pytest.mark.parametrize(
    ("scores", "options", "epochs"),
    [
        pytest.param([0.5, 0.59, 0.6, 0.61, 0.62], {"patience": 2}, 5, id="not enough of an improvement"),
        pytest.param([0.5], {"patience": 2}, 3, id="none at all"),
        pytest.param([0.5], {"patience": 2, "min_delta": 0}, 9, id="behaviour 26: an equal score is an improvement"),
        pytest.param([0.5, float("nan")], {}, 2, id="nan"),
        pytest.param([0.5, float("nan")], {"check_finite": False}, 9, id="nan, unchecked"),
        pytest.param([0.5, 0.7, 0.9], {"stopping_threshold": 0.8}, 3, id="good enough"),
        pytest.param([0.9, 0.5, 0.49, 0.48], {"rule": "less", "patience": 2}, 4, id="less is better"),
    ],
)
def test_when_a_run_ends(scores: list[float], options: dict[str, Any], epochs: int, trained: Train) -> None:
    assert epochs == trained(**stopping(scores, **options)).epoch


def test_behaviour_26_nothing_is_saved_for_it(trained: Train, saved: Names) -> None:
    sparse = {"checkpoint": {"type": "CheckpointHook", "interval": 20}}
    runner = trained(default_hooks=sparse, **stopping([0.5], patience=2))

    assert (3, []) == (runner.epoch, saved())


def test_behaviour_26_a_loop_of_epochs_finishes_its_epoch_one_of_iterations_stops_at_once(trained: Train) -> None:
    by_epoch = trained(batches=4, **stopping([0.5], patience=1))
    by_iter = trained(**{**stopping([0.5], patience=1), "iters": 9, "train": {"val_interval": 2}})

    assert (8, 4) == (by_epoch.iter, by_iter.iter)


def test_a_metric_that_is_not_there_is_told(make: Train) -> None:
    with pytest.warns(UserWarning, match="monitor 'acc' is not among the metrics; did you mean 'accu'"):
        make(epochs=1, scores=[{"accu": 1.0}], custom_hooks=[{"type": "EarlyStoppingHook", "monitor": "acc"}]).train()
    with pytest.raises(RuntimeError, match="there are: other"):
        hook = {"type": "EarlyStoppingHook", "monitor": "acc", "strict": True}
        make(epochs=1, scores=[{"other": 1.0}], custom_hooks=[hook]).train()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param({"monitor": "speed"}, "Cannot infer the rule for key speed", id="no rule to infer"),
        pytest.param(
            {"monitor": "acc", "rule": "more"}, "rule must be greater, less or None, but got more", id="a wrong rule"
        ),
        pytest.param({"monitor": "auto"}, "must be the name of a metric, found 'auto'", id="auto"),
    ],
)
def test_wrong_arguments_are_told_at_once(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        EarlyStoppingHook(**options)


def test_a_run_that_does_not_train_cannot_be_stopped(make: Train) -> None:
    runner = make(
        train_dataloader=None, train_cfg=None, optim_wrapper=None, scores=[{"acc": 1.0}],
        custom_hooks=[EarlyStoppingHook("acc")],
    )  # fmt: skip

    with pytest.raises(ValueError, match="NoneType has no attribute stop_training"):
        runner.val()
