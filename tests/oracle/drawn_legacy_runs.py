"""Runs to draw, as plain data: what ``fixtures/toys/toys.py`` trains in an engine with MMCV 1.x's names."""

from __future__ import annotations

from typing import Any

from cases import ADAM, BY_ITERATION_ONLY, FIXED, LINEAR, LR_POLICIES, MOMENTUM_POLICIES, WARMUPS
from drawing import Drawn, some
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy, booleans, integers, just, sampled_from

OPTIMIZERS = [{"type": "SGD", "lr": 0.1, "momentum": 0.9}, ADAM, {"type": "AdamW", "lr": 0.02, "weight_decay": 0.1}]
BY_EPOCH = {**LINEAR, "warmup_iters": 1, "warmup_by_epoch": True}
STEPS: list[Drawn] = [
    {},
    {"grad_clip": None},
    {"grad_clip": {"max_norm": 0.5, "norm_type": 2}},
    {"type": "GradientCumulativeOptimizerHook", "cumulative_iters": 2},
    {"type": "GradientCumulativeOptimizerHook", "cumulative_iters": 3, "grad_clip": {"max_norm": 1}},
]
WORKFLOWS = [[("train", 1)]] * 3 + [[("train", 1), ("val", 1)], [("train", 2), ("val", 1)], [("val", 1), ("train", 1)]]


@st.composite
def policies(draw: Any, table: dict[str, Drawn], *warmups: Drawn) -> Drawn:
    """An updater of ``table``, without a warm-up, with one of the usual, or of those given."""
    policy = draw(sampled_from(sorted(table)))
    unit = {} if policy in BY_ITERATION_ONLY else {"by_epoch": draw(booleans())}
    return {"policy": policy, **unit, **table[policy], **draw(sampled_from([*WARMUPS.values(), *warmups]))}


def checkpoints() -> SearchStrategy[Drawn]:
    """When weights are kept, and how many."""
    kept = {"max_keep_ckpts": integers(1, 2), "save_last": booleans(), "save_optimizer": False, "by_epoch": booleans()}
    return some({"interval": integers(1, 4)}, kept)


def loggers() -> SearchStrategy[Drawn]:
    """The text logger, and when it logs."""
    hook = some({"type": "TextLoggerHook"}, {"ignore_last": False, "interval_exp_name": 2, "reset_flag": booleans()})
    return some({"interval": integers(1, 4), "hooks": st.tuples(hook).map(list)})


def evaluations() -> SearchStrategy[Drawn]:
    """When the model is evaluated, and which score is the best."""
    best = {"save_best": sampled_from(["acc", "loss_eval", "auto"]), "start": integers(0, 4)}
    return some({"interval": integers(1, 3)}, {**best, "by_epoch": booleans()})


def custom_hooks() -> SearchStrategy[list[Drawn]]:
    """Averaged weights, before or after the checkpoint's priority."""
    average = some({"type": "EMAHook", "momentum": 0.3}, {"warm_up": 3, "interval": 2, "priority": 49})
    return st.lists(average, max_size=1)


@st.composite
def runs(draw: Any) -> Drawn:
    """A whole run: by epoch or by iteration, with any hooks, from the start or going on."""
    by_epoch = draw(booleans())
    kind, limit = ("EpochBasedRunner", "max_epochs") if by_epoch else ("IterBasedRunner", "max_iters")
    total = draw(integers(1, 5 if by_epoch else 12))
    momentum = st.none() | policies(MOMENTUM_POLICIES)
    drawn: Drawn = {
        "runner": {"type": kind, limit: total},
        "seed": draw(integers(0, 9)),
        "lengths": [draw(sampled_from([8, 12, 14])), draw(sampled_from([4, 8]))],
        "optimizer": draw(sampled_from(OPTIMIZERS)),
        "optimizer_config": draw(sampled_from(STEPS)),
        "lr_config": draw(just(FIXED) | policies(LR_POLICIES, *[BY_EPOCH] * by_epoch)),
        "momentum_config": draw(momentum),
        "checkpoint_config": draw(st.none() | checkpoints()),
        "log_config": draw(loggers()),
        "custom_hooks": draw(custom_hooks()),
        "workflow": draw(sampled_from(WORKFLOWS)),
        **draw(some({}, {"evaluation": evaluations(), "meta": {"exp_name": "exp.py", "seed": 3}})),
    }
    if by_epoch and draw(integers(0, 3)) == 3:
        first = draw(integers(1, total))
        drawn |= {
            "before": [{"runner": {"type": kind, limit: first}}],
            "resume": f"epoch_{first}.pth",
            "checkpoint_config": {"interval": 1},
        }
    return drawn
