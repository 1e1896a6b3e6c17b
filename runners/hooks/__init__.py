"""The hooks of the legacy runtime, one file each, and the registry that configs name them in."""

from mmbridge.runners.hooks.checkpoint import CheckpointHook
from mmbridge.runners.hooks.closure import ClosureHook
from mmbridge.runners.hooks.ema import EMAHook, ExpMomentumEMAHook, LinearMomentumEMAHook
from mmbridge.runners.hooks.evaluation import DistEvalHook, EvalHook
from mmbridge.runners.hooks.fp16_optimizer import Fp16OptimizerHook, GradientCumulativeFp16OptimizerHook
from mmbridge.runners.hooks.iter_timer import IterTimerHook
from mmbridge.runners.hooks.logger import LoggerHook
from mmbridge.runners.hooks.lr_updater import LrUpdaterHook
from mmbridge.runners.hooks.memory import EmptyCacheHook
from mmbridge.runners.hooks.momentum_updater import MomentumUpdaterHook
from mmbridge.runners.hooks.optimizer import GradientCumulativeOptimizerHook, OptimizerHook
from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.hooks.sampler_seed import DistSamplerSeedHook
from mmbridge.runners.hooks.sync_buffer import SyncBuffersHook
from mmbridge.runners.hooks.text_logger import TextLoggerHook

__all__ = [
    "HOOKS",
    "CheckpointHook",
    "ClosureHook",
    "DistEvalHook",
    "DistSamplerSeedHook",
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
    "MomentumUpdaterHook",
    "OptimizerHook",
    "SyncBuffersHook",
    "TextLoggerHook",
]
