"""What old configs become, one test per kind met in public configs. (Schedules have more in test_arrange_golden.)

Old texts go through the whole converter. A case states the keys it is about, as the text of a new config;
where order, comments or layout matter, it states the whole text. In builtin style a warm-up of W iterations ends
at W + 1 and poly over N iterations at N + 1: that is where MMEngine's schedulers equal MMCV's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mmbridge.compat.config import Reader, evaluate
from mmbridge.migrate.convert import Conversion, convert
from mmbridge.migrate.dialect import LEGACY_KEYS
from mmbridge.migrate.report import Level, Status

EPOCHS = "runner = dict(type='EpochBasedRunner', max_epochs=12)\n"
ITERS = "runner = dict(type='IterBasedRunner', max_iters=1000)\n"
DATA = (
    "data = dict(samples_per_gpu=2, workers_per_gpu=2, train=dict(type='A'), val=dict(type='B'), test=dict(type='C'))\n"
)
MODES = ("train", "val", "test")
SGD = "optimizer = dict(type='SGD', lr=0.02, momentum=0.9)\n"
LINEAR_STEP = "lr_config = dict(policy='step', warmup='linear', warmup_iters=500, warmup_ratio=0.001, step=[8, 11])\n"
NEW_LINEAR = "dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=501)"


def new_step(milestones: str, end: int) -> str:
    """MMEngine's form of a step schedule by epoch."""
    return f"dict(type='MultiStepLR', milestones={milestones}, gamma=0.1, by_epoch=True, begin=0, end={end})"


@dataclass(frozen=True)
class Golden:
    """An ``old`` leaf over the files of ``bases`` by name, and the keys the conversion resolves to.

    ``own`` is what the converted leaf says itself, ``absent`` names keys it must not resolve to, ``notes`` are
    words of the notes by level, in any order. ``left`` names legacy keys that stay for a person.
    """

    old: str
    new: str = ""
    bases: dict[str, str] | None = None
    own: str | None = None
    absent: tuple[str, ...] = ()
    notes: tuple[tuple[Level, str], ...] = ()
    left: tuple[str, ...] = ()


def warns(*words: str) -> tuple[tuple[Level, str], ...]:
    """Warnings, one per piece of text."""
    return tuple((Level.WARNING, text) for text in words)


def asks(*words: str) -> tuple[tuple[Level, str], ...]:
    """Things for a person, one per piece of text."""
    return tuple((Level.TODO, text) for text in words)


TRAIN_12 = "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=1)\n"
LOOPS = "val_cfg = dict(type='ValLoop')\ntest_cfg = dict(type='TestLoop')\n"

LOOP: dict[str, Golden] = {
    "01-epochs-and-interval": Golden(
        EPOCHS + "evaluation = dict(interval=2)\n",
        "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=2)\n" + LOOPS,
        notes=asks("default metric"),
    ),
    "02-iterations-and-interval": Golden(
        "runner = dict(type='IterBasedRunner', max_iters=80000)\nevaluation = dict(interval=8000)\n",
        "train_cfg = dict(type='IterBasedTrainLoop', max_iters=80000, val_interval=8000)\n" + LOOPS,
        notes=asks("default metric"),
    ),
    "03-total-epochs": Golden(
        "total_epochs = 210\n",
        "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=210, val_interval=1)\n",
    ),
    "04-total-iters": Golden(
        "total_iters = 300000\n",
        "train_cfg = dict(type='IterBasedTrainLoop', max_iters=300000, val_interval=1)\n",
    ),
    "05-runner-beats-total-epochs": Golden(
        "runner = dict(max_epochs=12)\ntotal_epochs = 36\n", TRAIN_12, notes=warns("runner.max_epochs wins")
    ),
    "06-evaluation-without-interval": Golden(
        EPOCHS + "evaluation = dict(metric='bbox')\n", TRAIN_12, notes=asks("metric 'bbox'")
    ),
    "07-start-in-phase": Golden(
        EPOCHS + "evaluation = dict(interval=1, start=10)\n",
        "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=1, val_begin=10)\n",
        notes=asks("default metric"),
    ),
    "08-start-off-phase": Golden(
        ITERS + "evaluation = dict(interval=100, start=501)\n",
        "train_cfg = dict(type='IterBasedTrainLoop', max_iters=1000, val_interval=100, val_begin=501)\n",
        notes=(*asks("default metric"), *warns("from 501, 601, ... to 600, 700")),
    ),
    "09-dynamic-intervals": Golden(
        EPOCHS + "evaluation = dict(interval=10, dynamic_intervals=[(285, 1)])\n",
        "train_cfg = dict(\n"
        "    type='EpochBasedTrainLoop', max_epochs=12, val_interval=10, dynamic_intervals=[(285, 1)])\n",
        notes=asks("default metric"),
    ),
    "09-dynamic-intervals-of-lists": Golden(
        EPOCHS + "evaluation = dict(interval=10, dynamic_intervals=[[285, 1]])\n",
        "train_cfg = dict(\n"
        "    type='EpochBasedTrainLoop', max_epochs=12, val_interval=10, dynamic_intervals=[(285, 1)])\n",
        notes=asks("default metric"),
    ),
    "10-longer-child": Golden(
        "_base_ = 'base.py'\nrunner = dict(max_epochs=24)\n",
        bases={"base.py": EPOCHS + LINEAR_STEP + SGD},
        own="_base_ = 'base.py'\ntrain_cfg = dict(max_epochs=24)\n"
        f"param_scheduler = [{NEW_LINEAR}, {new_step('[8, 11]', 24)}]\n",
    ),
    "11-child-swaps-to-iterations": Golden(
        "_base_ = 'base.py'\n"
        "runner = dict(_delete_=True, type='IterBasedRunner', max_iters=90000)\n"
        "lr_config = dict(step=[60000, 80000])\n"
        "checkpoint_config = dict(interval=10000)\nevaluation = dict(interval=10000)\n",
        bases={
            "base.py": EPOCHS + LINEAR_STEP + SGD + DATA + "checkpoint_config = dict(interval=1)\n"
            "evaluation = dict(interval=1)\n"
            "log_config = dict(interval=50, hooks=[dict(type='TextLoggerHook')])\n"
        },
        own="_base_ = 'base.py'\n"
        "train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=90000, val_interval=10000)\n"
        "param_scheduler = [\n"
        f"    {NEW_LINEAR},\n"
        "    dict(type='MultiStepLR', milestones=[60000, 80000], gamma=0.1, by_epoch=False, begin=0, end=90000)]\n"
        "train_dataloader = dict(sampler=dict(type='InfiniteSampler'))\n"
        "default_hooks = dict(\n"
        "    logger=dict(log_metric_by_epoch=False), checkpoint=dict(interval=10000, by_epoch=False))\n"
        "log_processor = dict(by_epoch=False)\n",
        notes=asks("default metric"),
    ),
    "12-child-evaluation-alone": Golden(
        "_base_ = 'base.py'\nevaluation = dict(interval=3)\n",
        bases={"base.py": EPOCHS + "evaluation = dict(interval=1, metric='bbox')\n"},
        own="_base_ = 'base.py'\ntrain_cfg = dict(val_interval=3)\n",
        notes=asks("metric 'bbox'"),
    ),
    "13-model-train-cfg-on-top": Golden(
        EPOCHS + "model = dict(type='M')\ntrain_cfg = dict(mixup=0.2)\ntest_cfg = None\n",
        TRAIN_12 + LOOPS + "model = dict(type='M', train_cfg=dict(mixup=0.2))\n",
    ),
    "13-train-cfg-none": Golden(EPOCHS + "train_cfg = None\n", TRAIN_12),
    "14-no-validation-data": Golden(
        EPOCHS + "data = dict(samples_per_gpu=2, train=dict(type='A'))\n",
        TRAIN_12,
        absent=("val_dataloader", "val_cfg", "val_evaluator", "test_dataloader", "test_cfg", "test_evaluator"),
    ),
    "14-validation-data-without-evaluation": Golden(
        EPOCHS + DATA,
        LOOPS + "val_evaluator = dict(type='DatasetEvaluator')\ntest_evaluator = dict(type='DatasetEvaluator')\n",
        notes=asks("default metric"),
    ),
    "custom-runner-named-after-its-parent": Golden(
        "runner = dict(type='DynamicIterBasedRunner', max_iters=1000, is_dynamic_ddp=True)\n",
        "train_cfg = dict(type='IterBasedTrainLoop', max_iters=1000, val_interval=1)\n",
        notes=asks("'DynamicIterBasedRunner' is a runner of your own", "takes this runner argument"),
    ),
    "custom-runner": Golden(
        "runner = dict(type='MyRunner', rounds=3)\nevaluation = dict(interval=2)\n",
        "train_cfg = dict(val_interval=2)\n",
        notes=asks("'MyRunner' is a runner of your own", "default metric"),
        left=("runner",),
    ),
}

LEARNING_RATE: dict[str, Golden] = {
    "16-linear-warm-up": Golden(
        EPOCHS + LINEAR_STEP + SGD, f"param_scheduler = [{NEW_LINEAR}, {new_step('[8, 11]', 12)}]\n"
    ),
    "24-child-without-warm-up": Golden(
        "_base_ = 'base.py'\nlr_config = dict(warmup=None)\n",
        bases={"base.py": EPOCHS + LINEAR_STEP + SGD},
        own=f"_base_ = 'base.py'\nparam_scheduler = [{new_step('[8, 11]', 12)}]\n",
    ),
    "41-fixed": Golden(EPOCHS + "lr_config = dict(policy='fixed')\n" + SGD, absent=("param_scheduler",)),
    "52-inv": Golden(EPOCHS + "lr_config = dict(policy='inv', gamma=0.1)\n" + SGD, absent=("lr_config",)),
    "52-policy-of-a-library": Golden(
        EPOCHS + "lr_config = dict(policy='YOLOX', warmup='exp', min_lr_ratio=0.05)\n" + SGD,
        notes=asks("YOLOX"),
        left=("lr_config",),
    ),
    "53-child-steps-and-length": Golden(
        "_base_ = 'base.py'\nlr_config = dict(step=[16, 22])\nrunner = dict(max_epochs=24)\n",
        bases={"base.py": EPOCHS + LINEAR_STEP + SGD},
        own="_base_ = 'base.py'\ntrain_cfg = dict(max_epochs=24)\n"
        f"param_scheduler = [{NEW_LINEAR}, {new_step('[16, 22]', 24)}]\n",
    ),
    "54-child-warm-up-length": Golden(
        "_base_ = 'base.py'\nlr_config = dict(warmup_iters=1000)\n",
        bases={"base.py": EPOCHS + LINEAR_STEP + SGD},
        own="_base_ = 'base.py'\nparam_scheduler = [\n"
        "    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1001),\n"
        f"    {new_step('[8, 11]', 12)}]\n",
    ),
    "55-child-deletes-the-policy": Golden(
        "_base_ = 'base.py'\n"
        "lr_config = dict(_delete_=True, policy='poly', power=0.9, min_lr=0.0001, by_epoch=False)\n",
        bases={"base.py": ITERS + "lr_config = dict(policy='step', step=[300, 700])\n" + SGD},
        own="_base_ = 'base.py'\nparam_scheduler = [\n"
        "    dict(type='PolyLR', power=0.9, eta_min=0.0001, by_epoch=False, begin=0, end=1001)]\n",
    ),
    "56-child-changes-the-policy": Golden(
        "_base_ = 'base.py'\nlr_config = dict(policy='CosineAnnealing', min_lr=0)\n",
        bases={"base.py": EPOCHS + LINEAR_STEP + SGD},
        own="_base_ = 'base.py'\nparam_scheduler = [\n"
        f"    {NEW_LINEAR},\n"
        "    dict(type='CosineAnnealingLR', T_max=12, eta_min=0, by_epoch=True, begin=0, end=12)]\n",
        notes=((Level.INFO, "takes no such argument"),),
    ),
}

GRAD_CLIP = "optimizer_config = dict(grad_clip=dict(max_norm=35, norm_type=2))\n"
WRAPPER = "optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.02, momentum=0.9)"
AMP = "optim_wrapper = dict(type='AmpOptimWrapper', optimizer=dict(type='SGD', lr=0.02, momentum=0.9)"
BASE_IMPORT = "_base_ = 'base.py'\n"

OPTIM: dict[str, Golden] = {
    "57-plain": Golden(SGD + "optimizer_config = dict()\n", f"{WRAPPER})\n"),
    "58-grad-clip": Golden(SGD + GRAD_CLIP, f"{WRAPPER}, clip_grad=dict(max_norm=35, norm_type=2))\n"),
    "58-grad-clip-none": Golden(SGD + "optimizer_config = dict(grad_clip=None)\n", f"{WRAPPER})\n"),
    "59-paramwise-and-constructor": Golden(
        "optimizer = dict(type='SGD', lr=0.02, momentum=0.9, constructor='C', paramwise_cfg=dict(bias_lr_mult=2.0))\n",
        f"{WRAPPER}, constructor='C', paramwise_cfg=dict(bias_lr_mult=2.0))\n",
        notes=((Level.INFO, "gives 'C' an optim_wrapper_cfg"),),
    ),
    "59-default-constructor": Golden(
        "optimizer = dict(type='SGD', lr=0.02, momentum=0.9, constructor='DefaultOptimizerConstructor')\n",
        f"{WRAPPER})\n",
    ),
    "60-fp16-dynamic": Golden(SGD + "fp16 = dict(loss_scale='dynamic')\n", f"{AMP}, loss_scale='dynamic')\n"),
    "61-fp16-static": Golden(SGD + "fp16 = dict(loss_scale=512.)\n", f"{AMP}, loss_scale=512.0)\n"),
    "61-fp16-empty": Golden(SGD + "fp16 = dict()\n", f"{AMP}, loss_scale=512.0)\n"),
    "61-fp16-none": Golden(SGD + "fp16 = None\n", f"{WRAPPER})\n"),
    "62-fp16-scaler": Golden(
        SGD + "fp16 = dict(loss_scale=dict(init_scale=512))\n", f"{AMP}, loss_scale=dict(init_scale=512))\n"
    ),
    "63-typed-hook-beside-fp16": Golden(
        SGD + "optimizer_config = dict(type='Fp16OptimizerHook', loss_scale='dynamic')\nfp16 = dict()\n",
        f"{AMP}, loss_scale='dynamic')\n",
    ),
    "64-accumulate": Golden(
        SGD + "optimizer_config = dict(\n"
        "    type='GradientCumulativeOptimizerHook', cumulative_iters=2, grad_clip=dict(max_norm=1))\n",
        f"{WRAPPER}, accumulative_counts=2, clip_grad=dict(max_norm=1))\n",
    ),
    "64-accumulate-in-half-precision": Golden(
        SGD + "optimizer_config = dict(type='GradientCumulativeFp16OptimizerHook', cumulative_iters=2)\n",
        f"{AMP}, accumulative_counts=2, loss_scale=512.0)\n",
    ),
    "64-accumulate-once": Golden(
        SGD + "optimizer_config = dict(type='GradientCumulativeOptimizerHook', cumulative_iters=1)\n", f"{WRAPPER})\n"
    ),
    "65-child-learning-rate": Golden(
        BASE_IMPORT + "optimizer = dict(lr=0.01)\n",
        bases={"base.py": SGD},
        own=BASE_IMPORT + "optim_wrapper = dict(optimizer=dict(lr=0.01))\n",
    ),
    "66-child-other-optimizer": Golden(
        BASE_IMPORT + "optimizer = dict(\n"
        "    _delete_=True, type='AdamW', lr=1e-4, paramwise_cfg=dict(norm_decay_mult=0.0))\n",
        "optim_wrapper = dict(\n"
        "    type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-4),\n"
        "    clip_grad=dict(max_norm=35, norm_type=2), paramwise_cfg=dict(norm_decay_mult=0.0))\n",
        bases={"base.py": SGD + GRAD_CLIP},
        own=BASE_IMPORT + "optim_wrapper = dict(\n"
        "    optimizer=dict(_delete_=True, type='AdamW', lr=1e-4), paramwise_cfg=dict(norm_decay_mult=0.0))\n",
    ),
    "67-child-clips-over-nothing": Golden(
        BASE_IMPORT + "optimizer_config = dict(_delete_=True, grad_clip=dict(max_norm=35))\n",
        bases={"base.py": SGD + "optimizer_config = dict()\n"},
        own=BASE_IMPORT + "optim_wrapper = dict(clip_grad=dict(max_norm=35))\n",
    ),
    "67-child-clips-over-none": Golden(
        BASE_IMPORT + "optimizer_config = dict(_delete_=True, grad_clip=dict(max_norm=35))\n",
        bases={"base.py": SGD + "optimizer_config = dict(grad_clip=None)\n"},
        own=BASE_IMPORT + "optim_wrapper = dict(clip_grad=dict(max_norm=35))\n",
    ),
    "68-child-clips-no-more": Golden(
        BASE_IMPORT + "optimizer_config = dict(grad_clip=None)\n",
        bases={"base.py": SGD + GRAD_CLIP},
        own=BASE_IMPORT + "optim_wrapper = dict(clip_grad=None)\n",
    ),
    "68-child-loads-by-itself": Golden(
        BASE_IMPORT + "data = dict(workers_per_gpu=0)\n",
        bases={"base.py": EPOCHS + DATA},
        own=BASE_IMPORT
        + "".join(f"{mode}_dataloader = dict(num_workers=0, persistent_workers=False)\n" for mode in MODES),
        notes=asks("default metric"),
    ),
    "69-child-half-precision": Golden(
        BASE_IMPORT + "fp16 = dict(loss_scale=512.)\n",
        bases={"base.py": SGD},
        own=BASE_IMPORT + "optim_wrapper = dict(type='AmpOptimWrapper', loss_scale=512.0)\n",
    ),
    "70-several-optimizers": Golden(
        "optimizers = dict(generator=dict(type='Adam', lr=1e-4), discriminator=dict(type='Adam', lr=1e-4))\n",
        "optimizers = dict(generator=dict(type='Adam', lr=1e-4), discriminator=dict(type='Adam', lr=1e-4))\n",
        notes=asks("several optimizers"),
        absent=("optim_wrapper",),
    ),
    "70-optimizer-config-none": Golden(
        SGD + "optimizer_config = None\n", f"{WRAPPER})\n", notes=asks("stepped its optimizer itself")
    ),
    "hook-of-a-library": Golden(
        SGD + "optimizer_config = dict(\n"
        "    type='SiameseRPNOptimizerHook', backbone_start_train_epoch=10, grad_clip=dict(max_norm=10.0))\n",
        f"{WRAPPER}, clip_grad=dict(max_norm=10.0))\n",
        notes=asks("'SiameseRPNOptimizerHook' is not an MMCV hook", "takes this argument (10)"),
    ),
    "detect-anomalous-params": Golden(
        SGD + "optimizer_config = dict(detect_anomalous_params=True)\nfind_unused_parameters = True\n",
        "model_wrapper_cfg = dict(\n"
        "    type='MMDistributedDataParallel', detect_anomalous_params=True, find_unused_parameters=True)\n",
        absent=("find_unused_parameters",),
    ),
}

TEXT = "hooks=[dict(type='TextLoggerHook')]"
HOOKS: dict[str, Golden] = {
    "71-checkpoints": Golden(
        EPOCHS + "checkpoint_config = dict(interval=1)\n",
        "default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=1))\n",
    ),
    "72-checkpoints-by-iteration": Golden(
        ITERS + "checkpoint_config = dict(interval=8000)\n",
        "default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=8000, by_epoch=False))\n",
    ),
    "73-save-best": Golden(
        EPOCHS + "checkpoint_config = dict(interval=1)\nevaluation = dict(save_best='AP', rule='greater')\n",
        "default_hooks = dict(\n"
        "    checkpoint=dict(type='CheckpointHook', interval=1, save_best='AP', rule='greater'))\n",
        notes=(*asks("default metric"), *warns("the metric's name may differ")),
    ),
    "73-save-best-auto-alone": Golden(
        ITERS + "evaluation = dict(interval=100, save_best='auto')\n",
        "default_hooks = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, save_best='auto'))\n",
        notes=asks("default metric"),
    ),
    "74-arguments-that-vanish": Golden(
        EPOCHS + "checkpoint_config = dict(interval=1, out_dir='', create_symlink=False, sync_buffer=True)\n",
        "default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=1))\n"
        "custom_hooks = [dict(type='SyncBuffersHook')]\n",
    ),
    "75-log-lines": Golden(
        EPOCHS + f"log_config = dict(interval=50, {TEXT})\n",
        "default_hooks = dict(logger=dict(type='LoggerHook', interval=50))\n",
        absent=("log_processor", "visualizer"),
    ),
    "75-log-lines-by-iteration": Golden(
        ITERS + f"log_config = dict(interval=50, {TEXT})\n",
        "default_hooks = dict(logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False))\n"
        "log_processor = dict(by_epoch=False)\n",
    ),
    "75-text-hook-arguments": Golden(
        EPOCHS + "log_config = dict(hooks=[dict(type='TextLoggerHook', ignore_last=False, interval=5)])\n",
        "default_hooks = dict(logger=dict(type='LoggerHook', ignore_last=False))\n",
        notes=asks("LoggerHook takes no such argument (5)"),
    ),
    "76-child-log-interval": Golden(
        BASE_IMPORT + "log_config = dict(interval=10)\n",
        "default_hooks = dict(logger=dict(type='LoggerHook', interval=10))\n",
        bases={"base.py": EPOCHS + f"log_config = dict(interval=50, {TEXT})\n"},
        own=BASE_IMPORT + "default_hooks = dict(logger=dict(interval=10))\n",
    ),
    "77-tensorboard": Golden(
        EPOCHS + "log_config = dict(\n"
        "    interval=50,\n"
        "    hooks=[dict(type='TextLoggerHook'), dict(type='TensorboardLoggerHook', log_dir='logs')])\n",
        "visualizer = dict(type='Visualizer', vis_backends=[\n"
        "    dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend', save_dir='logs')])\n",
    ),
    "77-pavi": Golden(
        EPOCHS + "log_config = dict(hooks=[dict(type='TextLoggerHook'), dict(type='PaviLoggerHook')])\n",
        absent=("visualizer",),
        notes=asks("no counterpart of 'PaviLoggerHook'"),
    ),
    "78-environment": Golden(
        "dist_params = dict(backend='nccl', port=29501)\nopencv_num_threads = 0\nmp_start_method = 'fork'\n"
        "cudnn_benchmark = True\n",
        "env_cfg = dict(\n"
        "    cudnn_benchmark=True,\n"
        "    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),\n"
        "    dist_cfg=dict(backend='nccl', port=29501))\n",
    ),
    "79-resume-from": Golden("resume_from = 'a.pth'\n", "load_from = 'a.pth'\nresume = True\n"),
    "79-resume-from-none": Golden("resume_from = None\n", "resume = False\n", absent=("load_from",)),
    "79-resume-from-beats-load-from": Golden(
        "load_from = 'b.pth'\nresume_from = 'a.pth'\n",
        "load_from = 'a.pth'\nresume = True\n",
        notes=warns("resume_from wins"),
    ),
    "80-auto-resume": Golden("auto_resume = True\n", "resume = True\n"),
    "80-auto-resume-with-load-from": Golden(
        "auto_resume = True\nload_from = 'a.pth'\n",
        "resume = True\nload_from = 'a.pth'\n",
        notes=asks("resumes from it"),
    ),
    "81-randomness": Golden(
        "seed = 1\ndeterministic = True\n",
        "randomness = dict(seed=1, deterministic=True)\n",
        notes=warns("use_deterministic_algorithms"),
    ),
    "81-seed-per-process": Golden("seed = 1\ndiff_seed = True\n", "randomness = dict(seed=1, diff_rank_seed=True)\n"),
    "82-workflow-of-training": Golden("workflow = [('train', 1)]\n", absent=("workflow",)),
    "82-workflow-of-many-epochs": Golden("workflow = [('train', 5000)]\n", absent=("workflow",)),
    "82-workflow-with-validation": Golden(
        "workflow = [('train', 1), ('val', 1)]\n", absent=("workflow",), notes=warns("no loss pass over 'val'")
    ),
    "83-find-unused-parameters": Golden(EPOCHS + "find_unused_parameters = True\n", "find_unused_parameters = True\n"),
    "59-biases-of-norms-decay-as-before": Golden(
        EPOCHS + "optimizer = dict(type='SGD', lr=0.1, weight_decay=1e-4, paramwise_cfg=dict(bias_decay_mult=0.0))\n",
        "optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, weight_decay=1e-4),\n"
        "    paramwise_cfg=dict(bias_decay_mult=0.0, norm_decay_mult=1.0))\n",
        notes=((Level.INFO, "keeps what MMCV did"), (Level.INFO, "depthwise")),
    ),
    "84-moving-average": Golden(
        EPOCHS + "custom_hooks = [\n"
        "    dict(type='ExpMomentumEMAHook', momentum=0.0001, resume_from=None, priority=49)]\n",
        "custom_hooks = [dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.0001, update_buffers=True,\n"
        "                     priority=49)]\n",
    ),
    "84-moving-average-per-interval": Golden(
        EPOCHS + "custom_hooks = [dict(type='EMAHook', momentum=0.5, interval=2, warm_up=3)]\n",
        "custom_hooks = [dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.25, interval=2)]\n",
        notes=warns("no warm-up of the momentum"),
    ),
    "84-moving-average-with-the-default-warm-up": Golden(
        EPOCHS + "custom_hooks = [dict(type='EMAHook', momentum=0.02)]\n",
        "custom_hooks = [dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.02)]\n",
        notes=((Level.INFO, "over 100 iterations by default"),),
    ),
    "84-moving-average-below-the-warm-up": Golden(
        EPOCHS + "custom_hooks = [dict(type='EMAHook', momentum=0.01)]\n",
        "custom_hooks = [dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.01)]\n",
    ),
    "work-dir-and-the-rest-stay": Golden(
        EPOCHS + "work_dir = './out'\nlog_level = 'INFO'\nauto_scale_lr = dict(enable=False, base_batch_size=16)\n",
        "work_dir = './out'\nlog_level = 'INFO'\nauto_scale_lr = dict(enable=False, base_batch_size=16)\n",
    ),
}

VAL = "sampler=dict(type='DefaultSampler', shuffle=False)"
DATA_CASES: dict[str, Golden] = {
    "85-three-loaders": Golden(
        EPOCHS + DATA,
        "train_dataloader = dict(batch_size=2, num_workers=2, persistent_workers=True,\n"
        "    sampler=dict(type='DefaultSampler', shuffle=True), dataset=dict(type='A'))\n"
        f"val_dataloader = dict(batch_size=1, num_workers=2, persistent_workers=True, {VAL}, dataset=dict(type='B'))\n"
        "test_dataloader = dict(\n"
        f"    batch_size=1, num_workers=2, persistent_workers=True, {VAL}, dataset=dict(type='C'))\n",
        notes=asks("default metric"),
    ),
    "86-endless-sampler": Golden(
        ITERS + "data = dict(samples_per_gpu=2, train=dict(type='A'))\n",
        "train_dataloader = dict(\n"
        "    batch_size=2, sampler=dict(type='InfiniteSampler', shuffle=True), dataset=dict(type='A'))\n",
    ),
    "87-no-workers": Golden(
        EPOCHS + "data = dict(samples_per_gpu=2, workers_per_gpu=0, train=dict(type='A'))\n",
        "train_dataloader = dict(batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True),\n"
        "                        dataset=dict(type='A'))\n",
    ),
    "88-settings-of-one-loader": Golden(
        EPOCHS + "data = dict(\n"
        "    videos_per_gpu=2, train=dict(type='A'), val=dict(type='B'),\n"
        "    val_dataloader=dict(samples_per_gpu=32, workers_per_gpu=1), train_dataloader=dict(shuffle=False))\n",
        "train_dataloader = dict(\n"
        "    batch_size=2, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dict(type='A'))\n"
        f"val_dataloader = dict(batch_size=32, num_workers=1, persistent_workers=True, {VAL}, dataset=dict(type='B'))\n"
        f"test_dataloader = dict(batch_size=1, {VAL}, dataset=dict(type='B'))\n",
        notes=asks("default metric"),
    ),
    "88-oldest-name-of-the-batch-size": Golden(
        EPOCHS + "data = dict(samples_per_gpu=1, imgs_per_gpu=2, train=dict(type='A'))\n",
        "train_dataloader = dict(\n"
        "    batch_size=2, sampler=dict(type='DefaultSampler', shuffle=True), dataset=dict(type='A'))\n",
    ),
    "88-what-no-loader-takes": Golden(
        EPOCHS
        + "data = dict(train=dict(type='A'), sampling_replace=True, train_dataloader=dict(sample_ratio=[1, 2]))\n",
        "train_dataloader = dict(sampler=dict(type='DefaultSampler', shuffle=True), dataset=dict(type='A'))\n",
        notes=asks("no dataloader takes it", "no dataloader takes it"),
    ),
    "89-child-batch-size": Golden(
        BASE_IMPORT + "data = dict(samples_per_gpu=4)\n",
        bases={"base.py": EPOCHS + DATA},
        own=BASE_IMPORT + "train_dataloader = dict(batch_size=4)\n",
        notes=asks("default metric"),
    ),
    "89-child-workers": Golden(
        BASE_IMPORT + "data = dict(workers_per_gpu=4)\n",
        bases={"base.py": EPOCHS + DATA},
        own=BASE_IMPORT + "train_dataloader = dict(num_workers=4)\nval_dataloader = dict(num_workers=4)\n"
        "test_dataloader = dict(num_workers=4)\n",
        notes=asks("default metric"),
    ),
    "90-child-pipeline": Golden(
        BASE_IMPORT + "p = [dict(type='Load')]\ndata = dict(train=dict(pipeline=p))\n",
        bases={"base.py": EPOCHS + DATA},
        own=BASE_IMPORT + "p = [dict(type='Load')]\ntrain_dataloader = dict(dataset=dict(pipeline=p))\n",
        notes=asks("default metric"),
    ),
    "90-child-pipeline-inside-a-wrapper": Golden(
        BASE_IMPORT + "p = [dict(type='Load')]\ndata = dict(train=dict(dataset=dict(pipeline=p)))\n",
        bases={
            "base.py": EPOCHS
            + "data = dict(train=dict(type='RepeatDataset', times=3, dataset=dict(type='A', pipeline=[])))\n"
        },
        own=BASE_IMPORT + "p = [dict(type='Load')]\ntrain_dataloader = dict(dataset=dict(dataset=dict(pipeline=p)))\n",
    ),
    "91-test-is-validation-by-statement": Golden(
        EPOCHS + "data = dict(train=dict(type='A'), val=dict(type='B'))\ndata['test'] = data['val']\n",
        f"val_dataloader = dict(batch_size=1, {VAL}, dataset=dict(type='B'))\n"
        f"test_dataloader = dict(batch_size=1, {VAL}, dataset=dict(type='B'))\n",
        notes=asks("default metric"),
    ),
    "92-list-of-datasets": Golden(
        EPOCHS + "data = dict(train=[dict(type='A'), dict(type='B')])\n",
        "train_dataloader = dict(sampler=dict(type='DefaultSampler', shuffle=True),\n"
        "    dataset=dict(type='ConcatDataset', datasets=[dict(type='A'), dict(type='B')]))\n",
    ),
}

SOURCE: dict[str, Golden] = {
    "93-two-bases-one-new-key": Golden(
        "_base_ = ['schedule.py', 'runtime.py']\nmodel = dict(type='M')\n",
        TRAIN_12 + "default_hooks = dict(\n"
        "    logger=dict(type='LoggerHook', interval=50), checkpoint=dict(type='CheckpointHook', interval=1))\n"
        "env_cfg = dict(cudnn_benchmark=True, dist_cfg=dict(backend='nccl'))\nmodel = dict(type='M')\n",
        bases={
            "schedule.py": EPOCHS + "checkpoint_config = dict(interval=1)\ncudnn_benchmark = True\n",
            "runtime.py": f"log_config = dict(interval=50, {TEXT})\ndist_params = dict(backend='nccl')\n",
        },
        own="_base_ = ['schedule.py', 'runtime.py']\nmodel = dict(type='M')\n",
    ),
    "reference-to-a-base-key-that-changed": Golden(
        BASE_IMPORT + "teacher = dict(cfg={{_base_.model}})\n",
        "teacher = dict(cfg=dict(type='M'))\nmodel = dict(type='M', train_cfg=dict(mixup=0.2))\n",
        bases={"base.py": EPOCHS + "model = dict(type='M')\ntrain_cfg = dict(mixup=0.2)\n"},
    ),
    "94-delete-over-nothing": Golden(
        BASE_IMPORT + "checkpoint_config = dict(_delete_=True, interval=5)\n",
        "default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=5))\n",
        bases={"base.py": EPOCHS},
        own=BASE_IMPORT + "default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=5))\n",
    ),
}

CASES = {**LOOP, **LEARNING_RATE, **OPTIM, **HOOKS, **DATA_CASES, **SOURCE}


def converted(folder: Path, leaf: str, bases: dict[str, str] | None = None) -> Conversion:
    """Write the files into ``folder`` and convert the leaf."""
    for name, text in {**(bases or {}), "leaf.py": leaf}.items():
        (folder / name).write_text(text)
    return convert([folder / "leaf.py"])


def values(text: str, path: Path = Path("expected.py")) -> dict[str, Any]:
    """The keys of a config text."""
    return evaluate(text, path).values


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_golden(case: Golden, tmp_path: Path) -> None:
    conversion = converted(tmp_path, case.old, case.bases)
    leaf = conversion.files[-1]
    reader = Reader(overlay={file.path: file.new for file in conversion.files}, dialect="mmengine")
    resolved, expected = reader.resolved(leaf.path), values(case.new)

    assert Status.FAILED not in {file.report.status for file in conversion.files}, conversion.report
    assert expected == {key: resolved[key] for key in expected if key in resolved}
    assert case.own is None or values(case.own) == reader.file(leaf.path).values
    assert not [key for key in case.absent if resolved.get(key) is not None]
    assert set(case.left) == resolved.keys() & LEGACY_KEYS
    assert_notes(conversion, case.notes)


def assert_notes(conversion: Conversion, expected: tuple[tuple[Level, str], ...]) -> None:
    """Every note is expected, and the other way round; a base's note may repeat its leaf's."""
    notes = {(note.level, note.message) for file in conversion.files for note in file.report.notes}
    notes = {note for note in notes if not note[1].startswith("name your library's metric") or _asked(expected)}

    assert all(any(level is e and words in message for e, words in expected) for level, message in notes), notes
    assert all(any(level is e and words in message for level, message in notes) for e, words in expected), notes


def _asked(expected: tuple[tuple[Level, str], ...]) -> bool:
    return any("metric" in words for _, words in expected)


def test_a_hook_of_ones_own_stays_with_a_hint_about_its_methods(tmp_path: Path) -> None:
    (file,) = converted(
        tmp_path, EPOCHS + "custom_hooks = [dict(type='NumClassCheckHook'), dict(type='MyHook')]\n"
    ).files
    (note,) = file.report.notes

    assert ("custom_hooks[1]", Level.INFO, 2) == (note.key, note.level, note.line)
    assert note.message.startswith("look at the methods 'MyHook' overrides: to after_train_iter and its like")
    assert file.new.endswith("custom_hooks = [dict(type='NumClassCheckHook'), dict(type='MyHook')]\n")


def test_95_trailing_comment_goes_with_its_value(tmp_path: Path) -> None:
    old = "optimizer = dict(\n    type='SGD',\n    lr=0.01,  # 8 gpus\n    momentum=0.9)\n"
    new = (
        "optim_wrapper = dict(\n    type='OptimWrapper',\n    optimizer=dict(\n        type='SGD',\n"
        "        lr=0.01,  # 8 gpus\n        momentum=0.9))\n"
    )

    assert new == converted(tmp_path, old).files[-1].new


def test_96_pragmas_stay_balanced(tmp_path: Path) -> None:
    old = (
        "log_level = 'INFO'\n# yapf:disable\nlog_config = dict(\n    interval=50,\n    hooks=[\n"
        "        dict(type='TextLoggerHook'),\n        # dict(type='TensorboardLoggerHook')\n    ])\n# yapf:enable\n"
        "work_dir = 'out'\n"
    )
    new = converted(tmp_path, old).files[-1].new
    lines = new.splitlines()

    assert lines.index("# yapf:disable") < lines.index("# yapf:enable")
    assert "# dict(type='TensorboardVisBackend')" in lines


def test_96_hooks_left_out_are_backends_left_out(tmp_path: Path) -> None:
    hooks = (
        "        # dict(type='PaviLoggerHook')  # inside only\n"
        "        dict(type='TensorboardLoggerHook'),\n"
        "        # dict(type='WandbLoggerHook', by_epoch=False, init_kwargs=dict(project='toy')),  # mine\n"
        "        # dict(type='MlflowLoggerHook', log_model=False)\n"
    )
    old = f"log_config = dict(\n    hooks=[\n{hooks}    ])\n"
    new = (
        "# dict(type='PaviLoggerHook')  # inside only\n# dict(type='MlflowLoggerHook', log_model=False)\n"
        "default_hooks = dict(logger=dict(type='LoggerHook'))\n"
        "visualizer = dict(\n    type='Visualizer',\n    vis_backends=[\n"
        "        dict(type='LocalVisBackend'),\n        dict(type='TensorboardVisBackend'),\n"
        "        # dict(type='WandbVisBackend', init_kwargs=dict(project='toy')),  # mine\n    ])\n"
    )

    assert new == converted(tmp_path, old).files[-1].new


def test_97_base_before_imports(tmp_path: Path) -> None:
    old = "import os\nparts = './base.py'\n_base_ = parts\nwork_dir = os.path.join('a', 'b')\ntotal_epochs = 12\n"
    new = converted(tmp_path, old, {"base.py": "log_level = 'INFO'\n"}).files[-1].new

    assert "_base_ = './base.py'" == new.splitlines()[0]
    assert new.index("_base_") < new.index("import os")


def test_98_no_legacy_key_remains(tmp_path: Path) -> None:
    old = (
        EPOCHS
        + SGD
        + GRAD_CLIP
        + LINEAR_STEP
        + DATA
        + (
            "evaluation = dict(interval=1, metric='bbox')\ncheckpoint_config = dict(interval=1)\nfp16 = dict()\n"
            "momentum_config = dict(policy='step', step=[8])\nworkflow = [('train', 1)]\n"
            "dist_params = dict(backend='nccl')\n"
            f"log_config = dict(interval=50, {TEXT})\nresume_from = None\nauto_resume = False\ncudnn_benchmark = True\n"
            "opencv_num_threads = 0\nmp_start_method = 'fork'\ntotal_epochs = 12\ntotal_iters = 100\n"
        )
    )
    file = converted(tmp_path, old).files[-1]

    assert LEGACY_KEYS <= values(old).keys()
    assert not LEGACY_KEYS & values(file.new).keys()
    assert Status.CONVERTED is file.report.status
