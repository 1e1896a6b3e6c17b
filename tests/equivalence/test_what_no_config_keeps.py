"""What differs between the generations whatever the config says: docs/how-to/convert.md lists it."""

from __future__ import annotations

from typing import Any

from both_runtimes import Trained, trained_in_both

KAIMING = {"type": "Kaiming", "layer": "Conv2d"}
EPOCHS = {"type": "EpochBasedRunner", "max_epochs": 3}
ITERATIONS = {"type": "IterBasedRunner", "max_iters": 6}
BRIGHT = {"type": "BrightSide", "size": 16, "seed": 0}


def both(runner: dict[str, Any], **changes: Any) -> tuple[Trained, Trained]:
    config: dict[str, Any] = {
        "custom_imports": {"imports": ["toy_library"], "allow_failed_imports": False},
        "model": {"type": "SmallClassifier", "init_cfg": KAIMING},
        "data": {
            "samples_per_gpu": 8,
            "workers_per_gpu": 0,
            "train_dataloader": {"shuffle": False},
            "train": BRIGHT,
            "val": BRIGHT,
        },
        "optimizer": {"type": "SGD", "lr": 0.05, "momentum": 0.9, "weight_decay": 0.01},
        "optimizer_config": {},
        "lr_config": {"policy": "step", "step": [2], "by_epoch": runner is EPOCHS},
        "runner": runner,
        "checkpoint_config": {"interval": 1, "by_epoch": runner is EPOCHS},
        "log_config": {"interval": 1, "hooks": [{"type": "TextLoggerHook"}]},
        "workflow": [("train", 1)],
        **changes,
    }
    return trained_in_both(config)


def losses(trained: Trained) -> list[float]:
    return [loss for _, _, _, loss, _ in trained.steps]


def test_by_iteration_the_loader_draws_before_the_weights() -> None:
    old, new = both(ITERATIONS)
    assert losses(old)[0] != losses(new)[0]

    old, new = both(ITERATIONS, model={"type": "SmallClassifier"})  # initialised where it is made, first in both
    assert losses(old) == losses(new)

    old, new = both(EPOCHS)
    assert losses(old) == losses(new)


def test_the_last_epoch_is_validated_whatever_the_interval() -> None:
    never = {"interval": 4, "metric": "accuracy", "save_best": "accuracy", "rule": "greater"}
    old, new = both(EPOCHS, evaluation=never)

    assert old.steps == new.steps
    assert set(new.checkpoints) - set(old.checkpoints) == {"best_accuracy_epoch_3.pth"}


def test_the_checkpoint_at_the_end_counts_among_those_to_keep() -> None:
    old, new = both(EPOCHS, checkpoint_config={"interval": 2, "max_keep_ckpts": 1})

    assert old.checkpoints == ["epoch_2.pth", "epoch_3.pth"]
    assert new.checkpoints == ["epoch_3.pth"]


def test_biases_of_depthwise_convolutions_decay_as_biases() -> None:
    """The classifier's first convolution has one channel and counts as such."""
    old, new = both(
        EPOCHS,
        optimizer={
            "type": "SGD",
            "lr": 0.05,
            "weight_decay": 0.01,
            "paramwise_cfg": {"bias_decay_mult": 0.0, "custom_keys": {"head": {}}},
        },
    )
    names = [name.removeprefix("module.") for name, _ in new.runner.model.named_parameters()]
    before, after = ([group["weight_decay"] for group in each.runner.optimizer.param_groups] for each in (old, new))
    changed = [name for name, was, now in zip(names, before, after, strict=True) if was != now]

    assert changed == ["features.0.bias"]


def test_shuffled_data_come_in_another_order() -> None:
    shuffled = {"samples_per_gpu": 8, "workers_per_gpu": 0, "train": BRIGHT, "val": BRIGHT}
    old, new = both(EPOCHS, data=shuffled)

    assert len(losses(old)) == len(losses(new))
    assert losses(old) != losses(new)


def test_the_average_of_weights_begins_with_the_first_step() -> None:
    """After one step MMCV's is half of what the weights were before; each run's model ends with what it is here."""
    hook = {"type": "EMAHook", "momentum": 0.5, "warm_up": 1, "priority": 49}
    one = {"samples_per_gpu": 16, "workers_per_gpu": 0, "train_dataloader": {"shuffle": False}, "train": BRIGHT}
    old, new = both({"type": "EpochBasedRunner", "max_epochs": 1}, custom_hooks=[hook], data=one)
    (average,) = [each.ema_model for each in new.runner.hooks if hasattr(each, "ema_model")]
    there, here, trained = (
        next(value for name, value in model.named_parameters() if name.endswith("head.weight"))
        for model in (old.runner.model, average, new.runner.model)
    )

    assert losses(old) == losses(new)
    assert here.equal(trained)
    assert not there.equal(trained)
