"""The hooks of the loop runtime, with MMEngine's names."""

from __future__ import annotations

from mmbridge.compat.hook import EngineHook as Hook
from mmbridge.runners.loop.hooks.checkpoint import CheckpointHook
from mmbridge.runners.loop.hooks.early_stopping import EarlyStoppingHook
from mmbridge.runners.loop.hooks.ema import EMAHook
from mmbridge.runners.loop.hooks.empty_cache import EmptyCacheHook
from mmbridge.runners.loop.hooks.iter_timer import IterTimerHook
from mmbridge.runners.loop.hooks.logger import LoggerHook
from mmbridge.runners.loop.hooks.param_scheduler import ParamSchedulerHook
from mmbridge.runners.loop.hooks.profiler import ProfilerHook
from mmbridge.runners.loop.hooks.runtime_info import RuntimeInfoHook
from mmbridge.runners.loop.hooks.sampler_seed import DistSamplerSeedHook
from mmbridge.runners.loop.hooks.sync_buffer import SyncBuffersHook
from mmbridge.runners.loop.hooks.tta import PrepareTTAHook, build_runner_with_tta
from mmbridge.runners.loop.hooks.visualization import NaiveVisualizationHook

__all__ = [
    "CheckpointHook",
    "DistSamplerSeedHook",
    "EMAHook",
    "EarlyStoppingHook",
    "EmptyCacheHook",
    "Hook",
    "IterTimerHook",
    "LoggerHook",
    "NaiveVisualizationHook",
    "ParamSchedulerHook",
    "PrepareTTAHook",
    "ProfilerHook",
    "RuntimeInfoHook",
    "SyncBuffersHook",
    "build_runner_with_tta",
]
