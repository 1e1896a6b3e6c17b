"""Runs to draw, as plain data: the arguments of MMEngine's Runner with the toys of ``fixtures/toys/loop``."""

from __future__ import annotations

from typing import Any

from drawing import Drawn, some
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy, booleans, integers, sampled_from
from loop_cases import ADAM, HOOKS, SGD, VAL

OPTIMIZERS = [SGD, ADAM, {"type": "Adam", "lr": 0.02}, {"type": "RMSprop", "lr": 0.01, "momentum": 0.5}]
CLIPPING = [
    {"max_norm": 0.5},
    {"max_norm": 1, "norm_type": 1},
    {"max_norm": 0.1, "norm_type": "inf"},
    {"type": "value", "clip_value": 0.05},
]
GROUPS = [
    {"bias_lr_mult": 2.0},
    {"bias_decay_mult": 0, "norm_decay_mult": 0.0},
    {"custom_keys": {"last": {"lr_mult": 0.1}}},
]
AVERAGES = [
    {"momentum": 0.1},
    {"ema_type": "ExponentialMovingAverage", "momentum": 0.2, "update_buffers": True},
    {"ema_type": "StochasticWeightAverage"},
    {"ema_type": "MomentumAnnealingEMA", "gamma": 3},
]
CYCLES = [{}, {"three_phase": True}, {"anneal_strategy": "linear"}, {"pct_start": 0.5, "div_factor": 10.0}]
STATISTICS = [
    {"data_src": "loss", "log_name": "least", "method_name": "min", "window_size": "global"},
    {"data_src": "loss", "method_name": "mean", "window_size": 2},
    {"data_src": "lr", "log_name": "rate", "method_name": "max", "window_size": 3},
]


def curves(total: int) -> dict[str, SearchStrategy[Drawn]]:
    """The own arguments of each curve, for a run of ``total`` steps."""
    step, floor = integers(1, total + 2), sampled_from([0, 1e-3, 0.05])
    factor, gamma = sampled_from([0.001, 1 / 3, 0.5, 1]), sampled_from([0.1, 0.5, 0.9, 1.1])
    milestones = st.lists(integers(0, total + 1), max_size=3).map(sorted)
    restarts = st.lists(st.tuples(integers(1, 4), sampled_from([1, 0.5])), min_size=1, max_size=3)
    cycle = some({"eta_max": 0.5, "total_steps": integers(total, total + 8)})
    return {
        "Constant": some({"factor": factor}),
        "Linear": some({"start_factor": factor}, {"end_factor": sampled_from([0, 0.5, 1])}),
        "Step": some({"step_size": integers(1, 4), "gamma": gamma}),
        "MultiStep": some({"milestones": milestones, "gamma": gamma}),
        "Exponential": some({"gamma": gamma}),
        "CosineAnnealing": some({"T_max": step}, {"eta_min": floor}) | some({"eta_min_ratio": 0.05}, {"T_max": step}),
        "Poly": some({"power": sampled_from([0.5, 0.9, 1, 2]), "eta_min": floor}),
        "CosineRestart": st.builds(_restarting, restarts, floor),
        "OneCycle": st.builds(dict.__or__, cycle, sampled_from(CYCLES)),
    }


def _restarting(pairs: list[tuple[int, float]], floor: float) -> Drawn:
    periods, weights = zip(*pairs, strict=True)
    return {"periods": list(periods), "restart_weights": list(weights), "eta_min": floor}


@st.composite
def schedulers(draw: Any, epochs: int | None, iterations: int) -> Drawn:
    """One scheduler for a run of so many epochs, None in a run by iterations, and iterations."""
    by_epoch = epochs is not None and draw(booleans())
    total = epochs if by_epoch and epochs is not None else iterations
    curve = draw(sampled_from(sorted(curves(total))))
    momentum = curve != "OneCycle" and draw(integers(0, 6)) == 6
    drawn: Drawn = {
        "type": f"{curve}{'Momentum' if momentum else 'LR'}",
        "by_epoch": by_epoch,
        **draw(curves(total)[curve]),
    }
    if draw(booleans()):
        drawn["begin"] = draw(integers(0, total - 1))
    if draw(booleans()):
        drawn["end"] = drawn.get("begin", 0) + draw(integers(2, total + 3))
    if by_epoch and draw(integers(0, 3)) == 3:
        drawn["convert_to_iter_based"] = True
    return drawn


@st.composite
def loaders(draw: Any, endless: bool) -> Drawn:
    """Data whose every batch has at least two samples, which batch norm needs."""
    size = draw(sampled_from([4, 6, 8, 12, 13]))
    batch_size = draw(sampled_from([each for each in (2, 3, 4, 5) if size % each != 1 and each <= size]))
    sampler = {"type": "InfiniteSampler" if endless else "DefaultSampler", "shuffle": draw(booleans())}
    dataset = {"type": "Points", "size": size, "seed": draw(integers(0, 5))}
    drawn = {"dataset": dataset, "batch_size": batch_size, "num_workers": 0, "sampler": sampler}
    return drawn | draw(some({}, {"drop_last": True, "num_batch_per_epoch": 1}))


def validations() -> SearchStrategy[Drawn]:
    """What train_cfg says of validation."""
    dynamic = st.lists(st.tuples(integers(1, 8), integers(1, 3)), min_size=1, max_size=2).map(sorted)
    return some({"val_interval": integers(1, 4)}, {"val_begin": integers(1, 5), "dynamic_intervals": dynamic})


def default_hooks(by_epoch: bool, validates: bool) -> SearchStrategy[Drawn]:
    """Logs and checkpoints."""
    best = {"save_best": sampled_from(["toy/acc", "auto"])} if validates else {}
    keeping = {"max_keep_ckpts": integers(1, 2), "save_last": booleans(), "save_begin": integers(0, 4)}
    holding = {"save_optimizer": False, "save_param_scheduler": False, "filename_tmpl": "step_{}.pth"}
    checkpoint = {"type": "CheckpointHook", "by_epoch": by_epoch, "interval": integers(1, 4)}
    logger = {**HOOKS["logger"], "interval": integers(1, 4), "log_metric_by_epoch": by_epoch}
    return some(
        {"logger": some(logger, {"ignore_last": False}), "checkpoint": some(checkpoint, keeping | holding | best)}
    )


def custom_hooks(validates: bool) -> SearchStrategy[list[Drawn]]:
    """Hooks that change a run, each at most once."""
    average = st.builds(dict.__or__, some({"type": "EMAHook"}, {"begin_iter": integers(0, 3)}), sampled_from(AVERAGES))
    stop = some({"type": "StopHook", "after": integers(1, 6)})
    early = some(
        {"type": "EarlyStoppingHook", "monitor": "toy/acc", "patience": 1, "min_delta": sampled_from([0, 0.5])}
    )
    kinds = [average, stop, *([early] if validates else [])]
    return st.lists(st.one_of(*kinds), max_size=2, unique_by=lambda hook: hook["type"])


def optim_wrappers() -> SearchStrategy[Drawn]:
    """An optimizer, and how it is used."""
    optimizer = sampled_from(OPTIMIZERS).map(lambda each: {"weight_decay": 0.01, **each})
    clipping, groups, counts = sampled_from(CLIPPING), sampled_from(GROUPS), integers(2, 5)
    return some(
        {"optimizer": optimizer}, {"clip_grad": clipping, "paramwise_cfg": groups, "accumulative_counts": counts}
    )


def log_processors(by_epoch: bool) -> SearchStrategy[Drawn]:
    """What lines look like."""
    statistics = st.lists(sampled_from(STATISTICS), max_size=1)
    digits, window = integers(2, 6), integers(1, 5)
    return some({"by_epoch": by_epoch}, {"num_digits": digits, "window_size": window, "custom_cfg": statistics})


@st.composite
def runs(draw: Any) -> Drawn:
    """A whole run: by epoch or by iteration, with or without validation, from the start or going on."""
    by_epoch, validates = draw(booleans()), draw(booleans())
    total = draw(integers(1, 5 if by_epoch else 14))
    epochs, iterations = (total, 3 * total) if by_epoch else (None, total)
    limit = "max_epochs" if by_epoch else "max_iters"
    drawn: Drawn = {
        "model": {"type": "Regressor", "extra": draw(booleans())},
        "randomness": {"seed": draw(integers(0, 9))},
        "train_dataloader": draw(loaders(endless=not by_epoch and draw(booleans()))),
        "train_cfg": {"by_epoch": by_epoch, limit: total, **(draw(validations()) if validates else {})},
        "optim_wrapper": draw(optim_wrappers()),
        "param_scheduler": draw(st.lists(schedulers(epochs, iterations), max_size=3)),
        "default_hooks": draw(default_hooks(by_epoch, validates)),
        "custom_hooks": draw(custom_hooks(validates)),
        "log_processor": draw(log_processors(by_epoch)),
        **(VAL if validates else {}),
        **draw(some({}, {"auto_scale_lr": {"enable": True, "base_batch_size": 8}})),
    }
    if draw(integers(0, 3)) == 3:
        shorter = drawn["train_cfg"] | {limit: draw(integers(1, total))}
        drawn |= {"resume": True, "before": [{"train_cfg": shorter}]}
    return drawn
