"""What comes back from a checkpoint that the recorded traces do not show."""

from __future__ import annotations

import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners.checkpoint import read_file
from mmbridge.runners.hooks import CheckpointHook, ClosureHook, EMAHook, OptimizerHook
from mmbridge.runners.legacy.interrupt import FILE, Interrupted, InterruptHook
from mmbridge.runners.legacy.resuming import trained_gpus


def saved(runner: Any, name: str = "x.pth", **options: Any) -> str:
    runner.save_checkpoint(runner.work_dir, filename_tmpl=name, **options)
    return str(Path(runner.work_dir, name))


def test_resuming_takes_the_checkpoints_meta(epochs: Any) -> None:
    old = epochs(meta={"seed": 1, "exp_name": "old"})
    old._epoch, old._iter = 1, 7
    path = saved(old)
    new = epochs(meta={"seed": 2, "hook_msgs": {"a": 1}})
    new.resume(path)

    assert (new.epoch, new.iter) == (2, 7)
    assert (new.meta["seed"], new.meta["exp_name"], new.meta["iter"]) == (1, "old", 7)


def test_an_iteration_run_keeps_its_meta_and_takes_the_messages(iters: Any) -> None:
    old = iters(meta={"seed": 1, "hook_msgs": {"best_score": 0.5}})
    path = saved(old)
    new = iters(meta={"seed": 2})
    new.resume(path)

    assert new.meta == {"seed": 2, "hook_msgs": {"best_score": 0.5}}


def test_without_meta_the_counters_are_saved(epochs: Any) -> None:
    path = saved(epochs(meta=None))

    assert sorted(read_file(path)["meta"]) == ["epoch", "iter", "mmcv_version", "time"]


def test_the_callers_meta_is_filled_in(epochs: Any) -> None:
    meta = {"a": 1, "seed": 5}
    saved(epochs(meta={"seed": 1}), meta=meta)

    assert (meta["a"], meta["seed"], meta["epoch"], meta["iter"]) == (1, 1, 1, 0)


def test_meta_must_be_a_dict(epochs: Any) -> None:
    with pytest.raises(TypeError, match="meta should be a dict"):
        saved(epochs(), meta=[1])


@pytest.mark.parametrize(
    ("config", "gpus"),
    [
        pytest.param("gpu_ids = [0, 1, 2]", 3, id="list"),
        pytest.param("lr = 1\ngpu_ids = range(0, 8)", 8, id="range"),
        pytest.param("gpu_ids = []", 0, id="empty"),
        pytest.param("gpu_ids = open('x')", 0, id="a call is not made"),
        pytest.param("gpu_ids = range(n)", 0, id="a name is not looked up"),
        pytest.param("a = (", 0, id="no Python"),
        pytest.param("a = 1", 0, id="not there"),
        pytest.param(None, 0, id="no text"),
    ],
)
def test_the_number_of_gpus_is_read_not_run(config: Any, gpus: int) -> None:
    assert trained_gpus({"config": config}) == gpus


def test_iterations_are_scaled_to_the_number_of_gpus(epochs: Any) -> None:
    old = epochs(meta={"config": "gpu_ids = range(0, 3)"})
    old._iter = 10
    new = epochs()
    new.resume(saved(old))

    assert (new.epoch, new.iter) == (1, 30)


def test_the_optimizer_comes_back_if_wanted(epochs: Any) -> None:
    old = epochs()
    old.optimizer.param_groups[0]["lr"] = 0.25
    path = saved(old)
    wanted, unwanted = epochs(), epochs()
    wanted.resume(path)
    unwanted.resume(path, resume_optimizer=False)

    assert (wanted.current_lr(), unwanted.current_lr()) == ([0.25], [1.0])


def test_optimizers_come_back_by_name(epochs: Any) -> None:
    def with_two() -> Any:
        runner = epochs()
        runner.optimizer = {name: torch.optim.Adam(runner.model.parameters(), lr=1.0) for name in ("a", "b")}
        return runner

    old, new = with_two(), with_two()
    old.optimizer["b"].param_groups[0]["lr"] = 0.5
    new.resume(saved(old))

    assert new.current_lr() == {"a": [1.0], "b": [0.5]}
    assert new.current_momentum() == {"a": [0.9], "b": [0.9]}


def test_an_optimizer_state_needs_an_optimizer(epochs: Any) -> None:
    path = saved(epochs())
    runner = epochs()
    runner.optimizer = None

    with pytest.raises(TypeError, match="nothing to resume into"):
        runner.resume(path)


def test_weights_alone_cannot_be_resumed_from(epochs: Any, tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "w.pth")

    with pytest.raises(KeyError, match=r"w.pth: has no meta\['epoch'\], .*load_from can use it"):
        epochs().resume(str(tmp_path / "w.pth"))


def test_loading_drops_seven_letters_that_look_like_module(epochs: Any, tmp_path: Path) -> None:
    torch.save({"state_dict": {"moduleXweight": torch.full((1, 1), 5.0)}}, tmp_path / "w.pth")
    runner = epochs()
    loaded = runner.load_checkpoint(str(tmp_path / "w.pth"))

    assert runner.model.weight.item() == 5.0
    assert "state_dict" in loaded


def test_iteration_checkpoints_are_named_after_the_next_iteration(iters: Any) -> None:
    runner = iters()
    runner._iter = 4
    runner.save_checkpoint(runner.work_dir)

    assert read_file(str(Path(runner.work_dir, "iter_5.pth")))["meta"]["iter"] == 4


def held(runner: Any) -> tuple[float, float]:
    """The weight in the model, and the one in the buffer of its average."""
    return round(runner.model.weight.item(), 6), round(runner.model.ema_weight.item(), 6)


@pytest.fixture
def cut(epochs: Any, data: Any) -> dict[str, Any]:
    """A run with averaged weights that Ctrl-C stopped within its second epoch."""
    runner = epochs(max_epochs=3, meta={})
    with closing(InterruptHook()) as interrupt:
        for hook in (OptimizerHook(), EMAHook(momentum=0.5, warm_up=1), interrupt):
            runner.register_hook(hook)
        stop = lambda runner: signal.raise_signal(signal.SIGINT) if runner.iter == 4 else None  # noqa: E731
        runner.register_hook(ClosureHook("after_train_iter", stop))
        with pytest.raises(Interrupted):
            runner.run([data(3)], [("train", 1)])
    return {"path": str(Path(runner.work_dir, FILE)), "held": held(runner)}


@pytest.mark.parametrize("again", [True, False], ids=["the averages too", "the weights alone"])
def test_averaged_weights_go_on_after_ctrl_c(again: bool, cut: dict[str, Any], epochs: Any, data: Any) -> None:
    runner = epochs(max_epochs=3, meta={})
    seen: list[Any] = []
    average = EMAHook(momentum=0.5, warm_up=1, resume_from=cut["path"] if again else None)
    first = ClosureHook("before_train_iter", lambda runner: seen.append((runner.epoch, runner.iter, held(runner))))
    for hook in (OptimizerHook(), average, CheckpointHook(interval=1), first):
        runner.register_hook(hook)
    runner.resume(cut["path"])
    runner.run([data(3)], [("train", 1)])
    weight, mean = cut["held"]

    assert weight != mean
    assert seen[0] == (1, 3, (weight, mean if again else weight))
    assert "within_epoch" not in read_file(f"{runner.work_dir}/epoch_3.pth")["meta"]
