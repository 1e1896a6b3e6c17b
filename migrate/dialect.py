"""Which generation a config belongs to, by its top-level keys."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

LEGACY_KEYS: Final = frozenset(
    {
        "runner",
        "total_epochs",
        "total_iters",
        "evaluation",
        "workflow",
        "lr_config",
        "momentum_config",
        "optimizer_config",
        "fp16",
        "checkpoint_config",
        "log_config",
        "dist_params",
        "mp_start_method",
        "opencv_num_threads",
        "cudnn_benchmark",
        "resume_from",
        "auto_resume",
    }
)
"""Keys MMEngine ignores in silence."""

AMBIGUOUS_KEYS: Final = frozenset(("optimizer", "optimizers", "data", "seed", "deterministic"))
"""Legacy keys that new-style configs also use as names of variables."""

NEW_KEYS: Final = frozenset(
    {
        "train_dataloader",
        "val_dataloader",
        "test_dataloader",
        "val_evaluator",
        "test_evaluator",
        "optim_wrapper",
        "param_scheduler",
        "val_cfg",
        "default_hooks",
        "env_cfg",
        "randomness",
        "log_processor",
        "visualizer",
        "vis_backends",
        "default_scope",
    }
)
"""Keys only MMEngine reads; a ``train_cfg`` that names a loop is one as well."""

_LOOP_ARGUMENTS: Final = frozenset(("max_epochs", "max_iters", "val_interval", "by_epoch"))


class Dialect(Enum):
    """The generation of a config."""

    LEGACY = "legacy"
    NEW = "new"
    MIXED = "half migrated"
    NEUTRAL = "neutral"


def dialect(config: Mapping[str, Any]) -> Dialect:
    """The generation of a resolved config; NEUTRAL if it sets no key that differs between the two."""
    legacy = config.keys() & LEGACY_KEYS
    if new_keys(config):
        return Dialect.MIXED if legacy else Dialect.NEW
    return Dialect.LEGACY if legacy or config.keys() & AMBIGUOUS_KEYS else Dialect.NEUTRAL


def new_keys(config: Mapping[str, Any]) -> set[str]:
    """The keys of ``config`` that only MMEngine reads."""
    found = set(config.keys() & NEW_KEYS)
    loop = config.get("train_cfg")
    if isinstance(loop, dict) and ("Loop" in str(loop.get("type")) or loop.keys() & _LOOP_ARGUMENTS):
        found.add("train_cfg")
    return found
