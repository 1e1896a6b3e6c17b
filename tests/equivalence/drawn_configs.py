"""Configs of MMCV 1.x to draw, for the small classifier of ``fixtures/toys/toy_library.py``."""

from __future__ import annotations

from typing import Any

from cases import LR_POLICIES, MOMENTUM_POLICIES
from drawing import Drawn, some
from drawn_legacy_runs import STEPS, policies
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy, booleans, integers, sampled_from

SGD = {"type": "SGD", "lr": 0.05, "momentum": 0.9, "weight_decay": 1e-3}
ADAM = {"type": "AdamW", "lr": 0.005, "betas": (0.9, 0.99), "weight_decay": 0.05}
# None with bias_decay_mult: the classifier's first convolution counts as depthwise, see the rule for optimizers.
GROUPS = [
    {"norm_decay_mult": 0.0},
    {"bias_lr_mult": 2.0},
    {"custom_keys": {"head": {"lr_mult": 0.1, "decay_mult": 0.0}}},
]


def datasets() -> SearchStrategy[Drawn]:
    """Data in a fixed order, of batches of 4 or 8, the last of an epoch smaller or not."""
    train = some({"type": "BrightSide", "size": sampled_from([8, 16, 20]), "seed": integers(0, 3)})
    val = {"type": "BrightSide", "size": 8, "seed": 1}
    loader = {"samples_per_gpu": sampled_from([4, 8]), "workers_per_gpu": 0, "train_dataloader": {"shuffle": False}}
    return some({**loader, "train": train, "val": val})


@st.composite
def schedules(draw: Any, table: dict[str, Drawn], by_epoch: bool) -> Drawn:
    """An updater. One by epoch in a run by iteration has no counterpart: it never changes anything."""
    drawn: Drawn = draw(policies(table))
    return drawn if by_epoch else {**drawn, "by_epoch": False}


@st.composite
def configs(draw: Any) -> Drawn:
    """A whole config, by epoch or by iteration; its data are never drawn at random, as that differs on purpose."""
    by_epoch = draw(booleans())
    unit, limit = ("EpochBasedRunner", "max_epochs") if by_epoch else ("IterBasedRunner", "max_iters")
    # MMEngine's loop by iteration draws a random number before weights are initialised, so there they are not.
    init = {"init_cfg": {"type": "Kaiming", "layer": "Conv2d"}} if by_epoch else {}
    optimizer = draw(sampled_from([SGD, ADAM])) | draw(some({}, {"paramwise_cfg": sampled_from(GROUPS)}))
    best = {"save_best": "accuracy", "rule": "greater"} if draw(booleans()) else {}
    return {
        "custom_imports": {"imports": ["toy_library"], "allow_failed_imports": False},
        "model": {"type": "SmallClassifier", **init},
        "data": draw(datasets()),
        "optimizer": optimizer,
        "optimizer_config": draw(sampled_from(STEPS)),
        "lr_config": draw(schedules(LR_POLICIES, by_epoch)),
        **draw(some({}, {"momentum_config": schedules(MOMENTUM_POLICIES, by_epoch)})),
        "runner": {"type": unit, limit: draw(integers(2, 5) if by_epoch else integers(3, 11))},
        "evaluation": {"interval": draw(integers(1, 3)), "metric": "accuracy", **best},
        "checkpoint_config": {"interval": draw(integers(1, 3)), "by_epoch": by_epoch},
        "log_config": {"interval": 2, "hooks": [{"type": "TextLoggerHook"}]},
        "workflow": draw(sampled_from([[("train", 1)], [("train", 1), ("val", 1)]])),
        "log_level": "ERROR",
        "load_from": None,
        "resume_from": None,
    }
