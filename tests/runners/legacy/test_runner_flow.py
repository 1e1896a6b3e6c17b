"""The order of things in a run that the recorded traces do not show."""

from __future__ import annotations

import time
from typing import Any

import pytest
import torch
from mmbridge.compat.hook import EngineHook, LegacyHook
from mmbridge.runners.hooks import ClosureHook, DistSamplerSeedHook, EvalHook, OptimizerHook
from mmbridge.runners.legacy import EpochBasedRunner, IterBasedRunner, IterLoader
from torch.utils.data import DataLoader, Sampler


def test_max_iters_is_known_once_the_run_begins(epochs: Any, data: Any) -> None:
    runner = epochs()
    before = runner.max_iters
    runner.run([data(3)], [("train", 1)])

    assert (before, runner.max_iters) == (None, 6)
    assert (runner.epoch, runner.iter, runner.inner_iter) == (2, 6, 2)


def test_nothing_sleeps(epochs: Any, iters: Any, data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("slept"))
    epochs().run([data(1), data(1)], [("train", 1), ("val", 1)])
    iters().run([data(1)], [("train", 1)])


def test_arguments_of_run_reach_the_steps(epochs: Any, iters: Any, data: Any) -> None:
    flow = [("train", 1), ("val", 1)]
    by_epoch, by_iter = epochs(max_epochs=1), iters(max_iters=1)
    for runner in (by_epoch, by_iter):
        runner.run([data(1), data(1)], flow, extra=3)

    optimizer = (by_epoch.optimizer,)
    assert by_epoch.model.seen == [("train", optimizer, {"extra": 3}), ("val", optimizer, {})]
    assert by_iter.model.seen == [("train", (by_iter.optimizer,), {"extra": 3}), ("val", (), {"extra": 3})]


def test_models_train_and_evaluate_in_their_mode(epochs: Any, data: Any) -> None:
    seen = []
    runner = epochs(max_epochs=1)
    for mode in ("train", "val"):
        fn = lambda runner: seen.append((runner.mode, runner.model.training, torch.is_grad_enabled()))  # noqa: E731
        runner.register_hook(ClosureHook(f"before_{mode}_iter", fn))
    runner.run([data(1), data(1)], [("train", 1), ("val", 1)])

    assert seen == [("train", True, True), ("val", False, False)]


def test_the_batch_is_gone_between_iterations(epochs: Any, data: Any) -> None:
    runner = epochs(max_epochs=1)
    runner.run([data(1)], [("train", 1)])

    assert not hasattr(runner, "data_batch")


def test_a_mode_of_ones_own(data: Any, make_runner: Any) -> None:
    class Own(EpochBasedRunner):
        def self_train(self, data_loader: Any, **kwargs: Any) -> None:
            self.mode = "self_train"
            self._epoch += 1

    runner = make_runner(Own, max_epochs=3)
    runner.run([data(1)], [("self_train", 1)])

    assert (runner.epoch, runner.iter) == (3, 0)


def test_a_batch_processor_does_the_steps_work(data: Any, make_runner: Any) -> None:
    class Bare(torch.nn.Linear):
        pass

    seen = []

    def process(model: Any, batch: Any, train_mode: bool, **kwargs: Any) -> dict[str, Any]:
        seen.append(train_mode)
        return {"loss": model(batch).sum()}

    with pytest.warns(DeprecationWarning):
        runner = make_runner(EpochBasedRunner, model=Bare(1, 1), batch_processor=process, max_epochs=1)
    runner.run([data(1), data(1)], [("train", 1), ("val", 1)])

    assert seen == [True, False]


def test_hooks_of_both_generations_in_one_run(epochs: Any, data: Any) -> None:
    class Old(LegacyHook):
        def after_train_iter(self, runner: Any) -> None:
            log.append(("old", runner.inner_iter))

    class New(EngineHook):
        def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
            log.append(("new", batch_idx, data_batch.tolist(), sorted(outputs)))

    log: list[Any] = []
    runner = epochs(max_epochs=1)
    for hook in (New(), Old()):
        runner.register_hook(hook)
    runner.run([data(1)], [("train", 1)])

    assert log == [("new", 0, [[1.0]], ["log_vars", "loss", "num_samples"]), ("old", 0)]


def test_hooks_of_the_new_generation_hear_of_runs_and_checkpoints(epochs: Any, data: Any) -> None:
    class New(EngineHook):
        def before_train(self, runner: Any) -> None:
            log.append("before_train")

        def after_train(self, runner: Any) -> None:
            log.append("after_train")

        def before_val(self, runner: Any) -> None:
            log.append("before_val")

        def after_val(self, runner: Any) -> None:
            log.append("after_val")

        def before_save_checkpoint(self, runner: Any, checkpoint: Any) -> None:
            checkpoint["mine"] = 1

        def after_load_checkpoint(self, runner: Any, checkpoint: Any) -> None:
            log.append(checkpoint["mine"])

    log: list[Any] = []
    runner = epochs(max_epochs=1)
    runner.register_hook(New())
    runner.register_checkpoint_hook({})
    runner.run([data(1), data(1)], [("train", 1), ("val", 1)])
    runner.load_checkpoint(f"{runner.work_dir}/latest.pth")

    assert log == ["before_train", "before_val", "after_val", "after_train", 1]


def test_a_hook_registered_by_a_hook_works(epochs: Any, data: Any) -> None:
    class Registering(LegacyHook):
        def before_run(self, runner: Any) -> None:
            runner.register_hook(OptimizerHook(), "ABOVE_NORMAL")

    runner = epochs(max_epochs=1)
    runner.register_hook(Registering())
    runner.run([data(2)], [("train", 1)])

    assert runner.model.weight.item() == -1.0


def test_hook_info_names_priorities(epochs: Any) -> None:
    runner = epochs()
    runner.register_hook(OptimizerHook(), 55)

    assert runner.get_hook_info() == (
        f"after_train_iter:\n(55          ) {'OptimizerHook':<35}\n -------------------- "
    )


def test_the_usual_hooks_stand_in_the_usual_order(epochs: Any) -> None:
    runner = epochs()
    runner.register_training_hooks(
        {"policy": "step", "step": [1]},
        {},
        {},
        {"interval": 1, "hooks": [{"type": "TextLoggerHook"}]},
        {"policy": "step", "step": [1]},
        custom_hooks_config=[{"type": "EmptyCacheHook"}, {"type": "EMAHook", "priority": 49}],
    )
    runner.register_hook(DistSamplerSeedHook())
    runner.register_hook(EvalHook(DataLoader([0])), "LOW")

    assert [(hook.priority, type(hook).__name__) for hook in runner.hooks] == [
        (10, "StepLrUpdaterHook"),
        (30, "StepMomentumUpdaterHook"),
        (40, "OptimizerHook"),
        (49, "EMAHook"),
        (50, "CheckpointHook"),
        (50, "EmptyCacheHook"),
        (50, "DistSamplerSeedHook"),
        (70, "IterTimerHook"),
        (70, "EvalHook"),
        (90, "TextLoggerHook"),
    ]


def test_iteration_runs_take_hook_objects(iters: Any) -> None:
    runner = iters()
    runner.register_training_hooks(None, OptimizerHook(), custom_hooks_config=OptimizerHook())

    assert [type(hook).__name__ for hook in runner.hooks] == ["OptimizerHook", "OptimizerHook", "IterTimerHook"]


class Announced(Sampler[int]):
    def __init__(self) -> None:
        self.epochs: list[int] = []

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)

    def __iter__(self) -> Any:
        return iter(range(2))

    def __len__(self) -> int:
        return 2


def announcing(sampler: Any) -> Any:
    return DataLoader(torch.ones(2, 1), sampler=sampler)


def test_iter_loader_counts_passes_and_tells_the_sampler() -> None:
    sampler = Announced()
    loader = IterLoader(announcing(sampler))
    epochs = [next(loader) is not None and loader.epoch for _ in range(7)]

    assert epochs == [0, 0, 1, 1, 2, 2, 3]
    assert sampler.epochs == [1, 2, 3]
    assert len(loader) == 2


def test_an_empty_loader_is_named() -> None:
    with pytest.raises(ValueError, match="the data loader is empty"):
        next(IterLoader([]))


@pytest.mark.parametrize(
    ("kind", "told"), [pytest.param("epochs", [0, 1], id="epochs"), pytest.param("iters", [1], id="iters")]
)
def test_the_sampler_seed_hook_in_both_runners(kind: str, told: list[int], request: pytest.FixtureRequest) -> None:
    sampler = Announced()
    runner = request.getfixturevalue(kind)()
    runner.register_custom_hooks([{"type": "DistSamplerSeedHook"}])
    runner.run([announcing(sampler)], [("train", 1)])

    assert sampler.epochs == told


def test_the_sampler_of_a_batch_sampler_is_told_too(epochs: Any) -> None:
    sampler = Announced()
    runner = epochs()
    runner.register_custom_hooks({"type": "DistSamplerSeedHook"})
    batches = torch.utils.data.BatchSampler(sampler, 1, False)
    runner.run([DataLoader(torch.ones(2, 1), batch_sampler=batches)], [("train", 1)])

    assert sampler.epochs == [0, 1]


def test_model_name_is_that_of_the_wrapped_model(epochs: Any) -> None:
    runner = epochs()

    assert runner.model_name == "Linear"
    assert (runner.rank, runner.world_size) == (0, 1)
    assert isinstance(runner, EpochBasedRunner) and not isinstance(runner, IterBasedRunner)


def test_a_hook_may_replace_the_loader_of_the_epoch(epochs: Any, data: Any) -> None:
    def shorten(runner: Any) -> None:
        runner.data_loader = data(1)

    runner = epochs(max_epochs=1)
    for point in ("before_train_epoch", "before_val_epoch"):
        runner.register_hook(ClosureHook(point, shorten))
    runner.run([data(3), data(3)], [("train", 1), ("val", 1)])

    assert [mode for mode, _, _ in runner.model.seen] == ["train", "val"]
