"""What a run does beyond the recorded ones: points, files, seeds, loops of the user's own, two runs in a process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch
from loop_cases import ENDLESS, EPOCHS, ITERS, VAL
from mmbridge.compat.errors import BridgeError
from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.loop.hooks import Hook
from mmbridge.runners.loop.logging import MessageHub
from torch import nn


def test_data_may_end_in_a_run_by_iteration_and_nobody_waits(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("slept"))
    runner = make(**ITERS)
    runner.train()

    assert 7 == runner.iter


def test_data_without_a_batch_are_told(make: Any) -> None:
    empty = {**ITERS["train_dataloader"], "dataset": {"type": "Points", "size": 3}, "drop_last": True}
    runner = make(**{**ITERS, "train_dataloader": empty})

    with pytest.raises(BridgeError, match="gives no batch at all, so the run would never end"):
        runner.train()


def test_points_of_the_users_own(make: Any) -> None:
    class Listening(Hook):
        points = ("before_distillation",)

        def __init__(self) -> None:
            self.heard: list[int] = []

        def before_distillation(self, runner: Any, teacher: int) -> None:
            self.heard.append(teacher)

    runner, hook = make(**EPOCHS), Listening()
    runner.register_hook(hook)
    runner.call_hook("before_distillation", teacher=3)
    runner.call_hook("some_point_nobody_listens_to")

    assert [3] == hook.heard
    with pytest.raises(BridgeError, match="no hook point 'befor_train'; did you mean 'before_train'"):
        runner.call_hook("befor_train")


def test_an_error_in_a_hook_keeps_its_traceback(make: Any) -> None:
    class Failing(Hook):
        def before_train(self, runner: Any) -> None:
            raise TypeError("from the hook itself")

    runner = make(**EPOCHS, custom_hooks=[Failing()])

    with pytest.raises(TypeError) as error:
        runner.train()

    assert ("from the hook itself", "before_train") == (str(error.value), error.traceback[-1].name)


def test_what_hooks_of_mmcv_read_is_there(make: Any) -> None:
    seen: list[Any] = []

    class Old(LegacyHook):
        def after_train_iter(self, runner: Any) -> None:
            optimizer_lr = [group["lr"] for group in runner.optimizer.param_groups]
            assert runner.current_lr() == optimizer_lr
            runner.log_buffer.update({"twice": 2.0 * runner.inner_iter}, 1)
            runner.log_buffer.output["shown"] = 3.0
            runner.log_buffer.output.update(phase="warm")
            seen.append((runner.mode, runner.inner_iter, len(runner.data_loader), sorted(runner.outputs["log_vars"])))
            assert runner.outputs["loss"] is runner.outputs["log_vars"]["loss"]
            assert 2 == len(runner.data_batch)
            assert runner.data_loader.batch_size == runner.outputs["num_samples"]

    runner = make(**{**EPOCHS, "train_cfg": {"by_epoch": True, "max_epochs": 1}}, custom_hooks=[Old()])
    runner.train()

    assert [("train", index, 3, ["bias", "loss", "loss_l1", "loss_l2"]) for index in range(3)] == seen
    assert 4.0 == runner.message_hub.get_scalar("train/twice").current()
    assert 3.0 == runner.message_hub.get_scalar("train/shown").current()
    assert "warm" == runner.message_hub.get_info("train/phase")


def test_two_runs_share_nothing(make: Any, tmp_path: Path) -> None:
    first = make(tmp_path / "first", **EPOCHS, experiment_name="same")
    second = make(tmp_path / "second", **EPOCHS, experiment_name="same")
    first.train()

    assert {} == second.message_hub.log_scalars
    assert first.visualizer is not second.visualizer
    assert first.logger is not second.logger
    assert {} == MessageHub.get_current_instance().log_scalars


def test_the_run_in_progress_is_the_current_one(make: Any) -> None:
    seen: list[Any] = []

    class Asking(Hook):
        def before_train(self, runner: Any) -> None:
            seen.append(MessageHub.get_current_instance() is runner.message_hub)

    make(**EPOCHS, custom_hooks=[Asking()]).train()

    assert [True] == seen


def test_where_files_go(make: Any, tmp_path: Path) -> None:
    runner = make(**{**EPOCHS, **VAL}, experiment_name="toy", cfg={"compile": False})
    runner.train()
    stamp = runner.timestamp

    assert f"toy_{stamp}" == runner.experiment_name
    assert str(tmp_path / stamp) == runner.log_dir
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {
        f"{stamp}.py",
        f"{stamp}/{stamp}.log",
        f"{stamp}/vis_data/scalars.json",
        f"{stamp}/vis_data/{stamp}.json",
        f"{stamp}/vis_data/config.py",
        "epoch_1.pth",
        "epoch_2.pth",
        "epoch_3.pth",
        "last_checkpoint",
    } == found


def test_a_seed_makes_runs_repeat(make: Any, tmp_path: Path) -> None:
    def weights(name: str, seed: int | None) -> list[float]:
        model = make(tmp_path / name, **{**EPOCHS, "randomness": {"seed": seed}}).train()
        return [float(each) for each in model.last.weight.detach().flatten()]

    assert weights("a", 1) == weights("b", 1) != weights("c", 2)
    assert weights("d", None) != weights("e", None)


def test_deterministic_is_asked_of_torch(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(torch, "use_deterministic_algorithms", asked.append)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    runner = make(**{**EPOCHS, "randomness": {"seed": 1, "deterministic": True}})

    assert ([True], True, 1) == (asked, runner.deterministic, runner.seed)


def test_a_method_may_be_overridden_alone(engine: Any, tmp_path: Path) -> None:
    class Halving(engine.Runner):  # type: ignore[misc]
        def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
            wrapper = super().build_optim_wrapper(optim_wrapper)
            for group in wrapper.optimizer.param_groups:
                group["lr"] /= 2
            return wrapper

    runner = Halving(work_dir=tmp_path, log_level="ERROR", **EPOCHS)
    runner.train()

    assert [0.05] == runner.current_lr()


@pytest.mark.filterwarnings("ignore")  # torch warns of what its own tracing does
def test_torch_compile_trains_the_same(make: Any, tmp_path: Path) -> None:
    def trained(name: str, **cfg: Any) -> list[Any]:
        settings = {**EPOCHS, "train_cfg": {"by_epoch": True, "max_epochs": 1}, "model": {"type": "Plain"}}
        return [each.tolist() for each in make(tmp_path / name, **settings, cfg=cfg).train().parameters()]

    compiled = trained("compiled", compile={"backend": "eager"})

    assert trained("plain") == compiled


def test_activations_may_be_computed_twice(make: Any, tmp_path: Path) -> None:
    def trained(name: str, **cfg: Any) -> list[Any]:
        return [each.tolist() for each in make(tmp_path / name, **ENDLESS, cfg=cfg).train().parameters()]

    assert trained("plain") == trained("twice", activation_checkpointing=["first", "last"])
    with pytest.raises(BridgeError, match="the model has no part 'frist'; did you mean 'first'"):
        trained("wrong", activation_checkpointing="frist")


@pytest.fixture(autouse=True)
def plain_model(engine: Any) -> None:
    class Plain(engine.BaseModel):  # type: ignore[misc]
        """Nothing random, so that tracing it changes nothing."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 1)

        def forward(self, x: Any, y: Any, mode: str = "tensor") -> Any:
            return {"loss": (self.layer(torch.stack(x)).squeeze(-1) - torch.stack(y)).pow(2).mean()}

    engine.MODELS.register_module(name="Plain", module=Plain, force=True)
