"""The hooks of the legacy runtime, one file each, and the registry that configs name them in."""

from mmbridge.runners.hooks.checkpoint import CheckpointHook
from mmbridge.runners.hooks.clearml import ClearMLLoggerHook
from mmbridge.runners.hooks.closure import ClosureHook
from mmbridge.runners.hooks.detection import (
    CheckInvalidLossHook,
    MemoryProfilerHook,
    NumClassCheckHook,
    SetEpochInfoHook,
    SyncNormHook,
    YOLOXModeSwitchHook,
)
from mmbridge.runners.hooks.dvclive import DvcliveLoggerHook
from mmbridge.runners.hooks.ema import EMAHook, ExpMomentumEMAHook, LinearMomentumEMAHook
from mmbridge.runners.hooks.evaluation import DistEvalHook, EvalHook
from mmbridge.runners.hooks.fp16_optimizer import Fp16OptimizerHook, GradientCumulativeFp16OptimizerHook
from mmbridge.runners.hooks.iter_timer import IterTimerHook
from mmbridge.runners.hooks.logger import LoggerHook
from mmbridge.runners.hooks.lr_updater import LrUpdaterHook
from mmbridge.runners.hooks.memory import EmptyCacheHook
from mmbridge.runners.hooks.mlflow import MlflowLoggerHook
from mmbridge.runners.hooks.momentum_updater import MomentumUpdaterHook
from mmbridge.runners.hooks.neptune import NeptuneLoggerHook
from mmbridge.runners.hooks.optimizer import GradientCumulativeOptimizerHook, OptimizerHook
from mmbridge.runners.hooks.pavi import PaviLoggerHook
from mmbridge.runners.hooks.profiler import ProfilerHook
from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.hooks.sampler_seed import DistSamplerSeedHook
from mmbridge.runners.hooks.segmind import SegmindLoggerHook
from mmbridge.runners.hooks.sync_buffer import SyncBuffersHook
from mmbridge.runners.hooks.tensorboard import TensorboardLoggerHook
from mmbridge.runners.hooks.text_logger import TextLoggerHook
from mmbridge.runners.hooks.wandb import WandbLoggerHook
from mmbridge.runners.hooks.yolox_lr import YOLOXLrUpdaterHook

__all__ = [
    "HOOKS",
    "CheckInvalidLossHook",
    "CheckpointHook",
    "ClearMLLoggerHook",
    "ClosureHook",
    "DistEvalHook",
    "DistSamplerSeedHook",
    "DvcliveLoggerHook",
    "EMAHook",
    "EmptyCacheHook",
    "EvalHook",
    "ExpMomentumEMAHook",
    "Fp16OptimizerHook",
    "GradientCumulativeFp16OptimizerHook",
    "GradientCumulativeOptimizerHook",
    "IterTimerHook",
    "LinearMomentumEMAHook",
    "LoggerHook",
    "LrUpdaterHook",
    "MemoryProfilerHook",
    "MlflowLoggerHook",
    "MomentumUpdaterHook",
    "NeptuneLoggerHook",
    "NumClassCheckHook",
    "OptimizerHook",
    "PaviLoggerHook",
    "ProfilerHook",
    "SegmindLoggerHook",
    "SetEpochInfoHook",
    "SyncBuffersHook",
    "SyncNormHook",
    "TensorboardLoggerHook",
    "TextLoggerHook",
    "WandbLoggerHook",
    "YOLOXLrUpdaterHook",
    "YOLOXModeSwitchHook",
]
