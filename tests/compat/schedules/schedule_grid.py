"""Old configs that cover every policy, warm-up and unit: a small run with two groups of unequal bases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmbridge.compat.schedules import Loop

EPOCH_LENGTH = 20
LOOPS = {"epoch": Loop("epoch", 12), "iter": Loop("iter", 240)}
BASES = {"lr": (0.02, 0.002), "momentum": (0.9, 0.8)}

BY_PROGRESS: dict[str, dict[str, Any]] = {
    "fixed": {"policy": "fixed"},
    "step every 3": {"policy": "step", "step": 3},
    "step list": {"policy": "Step", "step": [4, 9], "gamma": 0.3},
    "step list out of order": {"policy": "step", "step": [7, 3, 9]},
    "step empty": {"policy": "step", "step": []},
    "step with floor": {"policy": "step", "step": [3, 6, 9], "min_lr": 5e-4},
    "exp": {"policy": "exp", "gamma": 0.95},
    "poly": {"policy": "poly", "power": 0.9},
    "poly with floor": {"policy": "poly", "power": 0.9, "min_lr": 1e-4},
    "poly straight with floor": {"policy": "poly", "min_lr": 1e-4},
    "inv": {"policy": "inv", "gamma": 0.1, "power": 0.75},
    "inv slow": {"policy": "inv", "gamma": 0.0123},
    "cosine to zero": {"policy": "CosineAnnealing", "min_lr": 0},
    "cosine to floor": {"policy": "CosineAnnealing", "min_lr": 1e-4},
    "cosine to ratio": {"policy": "CosineAnnealing", "min_lr_ratio": 0.05},
    "flat cosine": {"policy": "FlatCosineAnnealing", "start_percent": 0.6, "min_lr": 1e-4},
    "flat cosine early": {"policy": "FlatCosineAnnealing", "start_percent": 0.05, "min_lr": 1e-4},
    "restart to zero": {"policy": "CosineRestart", "min_lr": 0, "restart_weights": [1, 0.7, 0.3]},
    "restart to ratio": {"policy": "CosineRestart", "min_lr_ratio": 0.05, "restart_weights": [1, 0.7, 0.3]},
    "restart to floor": {"policy": "CosineRestart", "min_lr": 1e-4, "restart_weights": [1, 1, 1]},
    "line to ratio": {"policy": "LinearAnnealing", "min_lr_ratio": 0.01},
    "line to floor": {"policy": "LinearAnnealing", "min_lr": 1e-4},
}
BY_ITERATION: dict[str, dict[str, Any]] = {
    "cyclic": {"policy": "cyclic"},
    "cyclic straight": {"policy": "cyclic", "cyclic_times": 3, "gamma": 0.5, "anneal_strategy": "linear"},
    "cyclic with remainder": {
        "policy": "cyclic",
        "cyclic_times": 7,
        "gamma": 0.5,
        "target_ratio": (3.0, 0.1),
    },
    "cyclic from the peak": {"policy": "cyclic", "cyclic_times": 3, "gamma": 0.5, "step_ratio_up": 0.0},
    "cyclic one number": {"policy": "cyclic", "target_ratio": 5.0},
    "one cycle": {"policy": "OneCycle", "max_lr": 0.1},
    "one cycle longer": {"policy": "OneCycle", "max_lr": 0.1, "total_steps": 300},
    "one cycle in three": {
        "policy": "OneCycle",
        "max_lr": 0.1,
        "anneal_strategy": "linear",
        "three_phase": True,
    },
}
MOMENTUM: dict[str, dict[str, Any]] = {
    "step": {"policy": "step", "step": [4, 9]},
    "step with floor": {"policy": "step", "step": 3, "gamma": 0.7, "min_momentum": 0.5},
    "cosine to floor": {"policy": "CosineAnnealing", "min_momentum": 0.1},
    "cosine to ratio": {"policy": "CosineAnnealing", "min_momentum_ratio": 0.5},
    "line to ratio": {"policy": "LinearAnnealing", "min_momentum_ratio": 0.1},
    "line to floor": {"policy": "LinearAnnealing", "min_momentum": 0.1},
}
MOMENTUM_BY_ITERATION: dict[str, dict[str, Any]] = {
    "cyclic": {"policy": "cyclic"},
    "cyclic straight": {"policy": "cyclic", "cyclic_times": 2, "anneal_strategy": "linear", "gamma": 0.5},
    "one cycle": {"policy": "OneCycle"},
    "one cycle in three": {"policy": "OneCycle", "three_phase": True, "pct_start": 0.25},
}
WARMUPS: dict[str, dict[str, Any]] = {"no warm-up": {}} | {
    f"{kind} {length}": {"warmup": kind, "warmup_iters": length}
    for kind in ("constant", "linear", "exp")
    for length in (1, 15, 20, 45)
}
WARMUPS_BY_EPOCH: dict[str, dict[str, Any]] = {
    f"{kind} {length} epochs": {"warmup": kind, "warmup_iters": length, "warmup_by_epoch": True}
    for kind in ("constant", "linear", "exp")
    for length in (1, 2, 6)
}
UNITS = ("by epoch", "by iteration in epochs", "by iteration")
"""How policy and run count: both epochs; iterations in a run of epochs; both iterations."""


def loop_of(unit: str) -> Loop:
    """The run that belongs to a unit."""
    return LOOPS["iter" if unit == "by iteration" else "epoch"]


def in_unit(policy: dict[str, Any], unit: str) -> dict[str, Any]:
    """``policy`` counted in ``unit``: an epoch's worth of iterations, and a few, for every epoch."""
    config = dict(policy)
    if config["policy"] == "CosineRestart":
        config["periods"] = [3, 5, 4] if unit == "by epoch" else [60, 100, 80]
    if unit == "by epoch":
        return config
    if isinstance(config.get("step"), list):
        config["step"] = [entry * EPOCH_LENGTH + 3 for entry in config["step"]]
    elif "step" in config:
        config["step"] = config["step"] * EPOCH_LENGTH + 3
    return {**config, "by_epoch": False}


def lr_configs() -> Iterator[tuple[str, dict[str, Any], Loop]]:
    """(name, lr_config, run) for every policy, warm-up and unit that MMCV can train with."""
    for unit in UNITS:
        policies = BY_PROGRESS if unit == "by epoch" else BY_PROGRESS | BY_ITERATION
        warmups = WARMUPS if unit == "by iteration" else WARMUPS | WARMUPS_BY_EPOCH
        for name, policy in policies.items():
            for warmup, keys in warmups.items():
                yield f"{name}, {warmup}, {unit}", {**in_unit(policy, unit), **keys}, loop_of(unit)


def momentum_configs() -> Iterator[tuple[str, dict[str, Any], Loop]]:
    """(name, momentum_config, run) for every momentum policy, warm-up and unit."""
    for unit in UNITS:
        policies = MOMENTUM if unit == "by epoch" else MOMENTUM | MOMENTUM_BY_ITERATION
        for name, policy in policies.items():
            for warmup, keys in WARMUPS.items():
                yield f"{name}, {warmup}, {unit}", {**in_unit(policy, unit), **keys}, loop_of(unit)
