from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners.loop.hooks import EMAHook, Hook

Train = Callable[..., Any]


class Averages(Hook):
    """The average after each iteration."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def after_train_iter(self, runner: Any) -> None:
        ema = next(hook for hook in runner.hooks if isinstance(hook, EMAHook))
        self.seen.append(round(ema.ema_model.module.w.item(), 4))


def averaging(**options: Any) -> list[Any]:
    return [{"type": "EMAHook", "momentum": 0.1, **options}, Averages()]


@pytest.mark.parametrize(
    ("options", "averages"),
    [
        pytest.param({}, [2, 2.1, 2.29, 2.561], id="from the start"),
        pytest.param({"begin_epoch": 2}, [2, 3, 4, 4.1], id="from the second epoch"),
        pytest.param({"begin_iter": 2}, [2, 3, 3.1, 3.29], id="from the second iteration"),
    ],
)
def test_behaviour_25_the_average(options: dict[str, Any], averages: list[float], trained: Train) -> None:
    hooks = averaging(**options)
    trained(custom_hooks=hooks)

    assert averages == hooks[1].seen


def test_behaviour_25_a_checkpoint_holds_the_average_as_its_weights(trained: Train, tmp_path: Path) -> None:
    trained(custom_hooks=averaging())
    checkpoint = torch.load(tmp_path / "work" / "epoch_2.pth")
    ema = checkpoint["ema_state_dict"]

    assert pytest.approx(2.561) == checkpoint["state_dict"]["w"].item()
    assert (5.0, 4) == (ema["module.w"].item(), ema["steps"].item())


def test_validation_and_test_use_the_average(trained: Train) -> None:
    runner = trained(scores=[{"acc": 1.0}], test_scores=[{"acc": 1.0}], custom_hooks=averaging())
    validated = runner.val_evaluator.metrics[0].predicted
    runner.test()

    assert pytest.approx([2.1, 2.1, 2.561, 2.561]) == validated
    assert pytest.approx([2.561, 2.561]) == runner.test_evaluator.metrics[0].predicted
    assert 5.0 == runner.model.w.item()


def test_a_resumed_run_goes_on_with_both(trained: Train) -> None:
    whole, resumed = averaging(), averaging()
    trained(epochs=2, custom_hooks=averaging())
    again = trained(epochs=3, resume=True, custom_hooks=resumed)
    trained(epochs=3, work_dir=again.work_dir + "2", custom_hooks=whole)

    assert whole[1].seen[-2:] == resumed[1].seen
    assert 7.0 == again.model.w.item()


def test_loaded_weights_begin_the_average(trained: Train, tmp_path: Path) -> None:
    trained(custom_hooks=averaging())
    file = str(tmp_path / "work" / "epoch_2.pth")
    runner = trained(epochs=1, batches=1, work_dir=tmp_path / "next", load_from=file, custom_hooks=averaging())

    assert pytest.approx(3.561) == runner.model.w.item()  # the average that was saved, and one step


def test_a_checkpoint_without_an_average_is_told(trained: Train, caplog: Any, capsys: Any) -> None:
    trained(epochs=1)
    hooks = averaging()
    runner = trained(epochs=2, resume=True, custom_hooks=hooks)

    assert "the checkpoint has no ema_state_dict" in caplog.text + "".join(capsys.readouterr())
    assert ([4.0, 4.1], 5.0) == (hooks[1].seen, runner.model.w.item())


def test_a_checkpoint_may_be_loaded_before_the_run(make: Train, trained: Train, tmp_path: Path) -> None:
    trained(custom_hooks=averaging())
    hooks = averaging()
    runner = make(epochs=1, custom_hooks=hooks, work_dir=tmp_path / "next")
    runner.load_checkpoint(str(tmp_path / "work" / "epoch_2.pth"))
    runner.train()

    assert [3.561, 3.661] == hooks[1].seen


def test_buffers_are_averaged_if_asked_to(trained: Train) -> None:
    runner = trained(scores=[{"acc": 1.0}], custom_hooks=averaging(update_buffers=True))
    ema = runner.hooks[3]

    assert isinstance(ema, EMAHook)
    assert (4.0, pytest.approx(1.561)) == (runner.model.seen.item(), ema.ema_model.module.seen.item())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param({"begin_iter": 1, "begin_epoch": 1}, "are two beginnings; keep one", id="two beginnings"),
        pytest.param({"begin_iter": -1}, "must be at least 0, found -1", id="a negative one"),
    ],
)
def test_wrong_beginnings_are_told_at_once(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        EMAHook(**options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"begin_epoch": 3}, "begin_epoch=3 is after the end of the run, max_epochs=2"),
        ({"begin_iter": 5}, "begin_iter=5 is after the end of the run, max_iters=4"),
    ],
)
def test_a_beginning_after_the_end_is_told(options: dict[str, Any], sentence: str, make: Train) -> None:
    with pytest.raises(ValueError, match=sentence):
        make(custom_hooks=[{"type": "EMAHook", **options}]).train()
