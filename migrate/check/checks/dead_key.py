"""Keys of MMCV 1.x that nothing reads any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mmbridge.compat.schedules import Loop
from mmbridge.migrate.check.old_keys import old_keys
from mmbridge.migrate.check.rule import Finding, Scope, check, one_file, with_base
from mmbridge.migrate.check.subject import Subject, loop_of

_INSTEAD: Final = {
    "runner": "train_cfg",
    "total_epochs": "train_cfg",
    "total_iters": "train_cfg",
    "evaluation": "val_evaluator, train_cfg.val_interval and default_hooks.checkpoint",
    "lr_config": "param_scheduler",
    "momentum_config": "param_scheduler",
    "optimizer": "optim_wrapper.optimizer",
    "optimizers": "optim_wrapper",
    "optimizer_config": "optim_wrapper",
    "fp16": "optim_wrapper = dict(type='AmpOptimWrapper', ...)",
    "checkpoint_config": "default_hooks.checkpoint",
    "log_config": "default_hooks.logger and visualizer",
    "dist_params": "env_cfg.dist_cfg",
    "mp_start_method": "env_cfg.mp_cfg",
    "opencv_num_threads": "env_cfg.mp_cfg",
    "cudnn_benchmark": "env_cfg.cudnn_benchmark",
    "resume_from": "load_from and resume",
    "auto_resume": "resume",
    "data": "train_dataloader, val_dataloader and test_dataloader",
    "seed": "randomness",
    "deterministic": "randomness",
}


@check(
    Scope.FILE,
    examples=[
        with_base(
            "train_cfg = dict(type='IterBasedTrainLoop', max_iters=160000, val_interval=16000)\n",
            bad="runner = dict(type='IterBasedRunner', max_iters=320000)\n",
            good="train_cfg = dict(max_iters=320000)\n",
        ),
        with_base(
            "optimizer = dict(type='SGD', lr=0.01)\noptim_wrapper = dict(type='OptimWrapper', optimizer=optimizer)\n",
            bad="optimizer = dict(lr=0.02)\n",
            good="optim_wrapper = dict(optimizer=dict(lr=0.02))\n",
        ),
        one_file(
            "runner = dict(max_epochs=12)\ntrain_cfg = dict(type='EpochBasedTrainLoop', max_epochs=24)\n",
            "max_epochs = 12\ntrain_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs)\n",
        ),
    ],
)
def dead_key(subject: Subject) -> Iterator[Finding]:
    """A key of MMCV 1.x at the top of a config for MMEngine is ignored without a word.

    What it asks for does not happen: a longer run, another learning rate, half precision. A name that the file
    reads itself, or that a child reads as ``_base_.name``, is a variable and is left alone.
    """
    if not subject.migrated:
        return
    for key in old_keys(subject):
        value = subject.own[key]
        effect = _effect(key, value, loop_of(subject.config))
        fix = f"write {_INSTEAD[key]}" if key in _INSTEAD and value is not None else "delete it"
        yield Finding(subject.origin(key), f"{key!r} is ignored by MMEngine{effect}", fix)


def _effect(key: str, value: Any, loop: Loop | None) -> str:
    if key == "runner" and isinstance(value, dict) and loop is not None:
        wanted = value.get("max_iters", value.get("max_epochs"))
        if wanted is not None and wanted != loop.length:
            unit = "iterations" if loop.unit == "iter" else "epochs"
            return f": the run has {loop.length} {unit}, not {wanted}"
    return ""
