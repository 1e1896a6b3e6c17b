"""Where new keys go and in which order: the taste of OpenMMLab's own new-style configs, as data.

Source: the customary order in the trees of mmdet 3.3.0, mmsegmentation 1.2.2 and mmpretrain 1.2.0.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

LOOP_KEYS: Final = ("runner", "total_epochs", "total_iters")

PLACES: Final[dict[str, tuple[str, ...]]] = {
    "custom_imports": ("custom_imports", "lr_config", "momentum_config"),
    "train_dataloader": ("data",),
    "val_dataloader": ("data",),
    "test_dataloader": ("data",),
    "val_evaluator": ("evaluation", "data"),
    "test_evaluator": ("evaluation", "data"),
    "optim_wrapper": ("optimizer", "optimizers", "optimizer_config", "fp16"),
    "param_scheduler": ("lr_config", "momentum_config"),
    "train_cfg": (*LOOP_KEYS, "evaluation"),
    "val_cfg": (*LOOP_KEYS, "evaluation", "data"),
    "test_cfg": (*LOOP_KEYS, "evaluation", "data"),
    "default_hooks": ("checkpoint_config", "log_config", "evaluation"),
    "log_processor": ("log_config", *LOOP_KEYS),
    "vis_backends": ("log_config",),
    "visualizer": ("log_config",),
    "env_cfg": ("dist_params", "cudnn_benchmark", "opencv_num_threads", "mp_start_method"),
    "randomness": ("seed", "deterministic", "diff_seed"),
    "load_from": ("load_from", "resume_from"),
    "resume": ("resume", "resume_from", "auto_resume"),
    "custom_hooks": ("custom_hooks", "checkpoint_config"),
    "model": ("model", "train_cfg", "test_cfg"),
}
"""New key -> the old keys it is made of. The first one a file holds marks the place of the new statement,
and among several bases it marks the owner: the one file of a tree that sets the new key."""

_ORDER: Final[dict[tuple[str, ...], tuple[str, ...]]] = {
    ("optim_wrapper",): (
        "type", "constructor", "loss_scale", "accumulative_counts", "optimizer", "paramwise_cfg", "clip_grad",
    ),
    ("custom_imports",): ("imports", "allow_failed_imports"),
    ("train_cfg",): ("type", "max_epochs", "max_iters", "val_begin", "val_interval", "dynamic_intervals"),
    ("default_hooks",): ("timer", "logger", "param_scheduler", "checkpoint", "sampler_seed", "visualization"),
    ("default_hooks", "checkpoint"): ("type", "interval", "by_epoch", "max_keep_ckpts", "save_best", "rule"),
    ("default_hooks", "logger"): ("type", "interval", "ignore_last", "log_metric_by_epoch"),
    ("env_cfg",): ("cudnn_benchmark", "mp_cfg", "dist_cfg"),
    ("env_cfg", "mp_cfg"): ("mp_start_method", "opencv_num_threads"),
    ("randomness",): ("seed", "deterministic", "diff_rank_seed"),
    ("visualizer",): ("type", "vis_backends", "name"),
    **{
        (f"{mode}_dataloader",): (
            "batch_size", "num_workers", "persistent_workers", "drop_last", "sampler", "batch_sampler", "dataset",
        )
        for mode in ("train", "val", "test")
    },
}  # fmt: skip

TOP_ORDER: Final = (*PLACES,)
"""The customary order of new statements that stand at one place."""

MEANS_ABSENT: Final[dict[tuple[Any, ...], Any]] = {
    ("optim_wrapper", "clip_grad"): None,
    ("optim_wrapper", "paramwise_cfg"): None,
    ("optim_wrapper", "constructor"): None,
    ("train_cfg", "dynamic_intervals"): None,
    ("train_dataloader", "persistent_workers"): False,
    ("val_dataloader", "persistent_workers"): False,
    ("test_dataloader", "persistent_workers"): False,
}
"""Path -> the value that says what leaving it out says, so that a child can take a base's value back.

At the top level MMEngine treats None so for every key its Runner takes (MMEngine 0.10.7, mmengine/runner/runner.py);
``persistent_workers`` is an argument of torch's DataLoader.
"""


def in_order(path: tuple[Any, ...], keys: Iterable[Any]) -> list[Any]:
    """``keys`` of the dict at ``path`` in their customary order; unlisted ones follow as they came."""
    known = ("_delete_", *_ORDER.get(path, ()))
    keys = list(keys)
    return sorted(keys, key=lambda key: known.index(key) if key in known else len(known) + keys.index(key))
