"""The runtime of MMCV 1.x: two runners, one counting epochs and one counting iterations."""

import mmbridge.runners.torch_import  # noqa: F401 - before all that imports torch
from mmbridge.runners.legacy.build import RUNNER_BUILDERS, RUNNERS, DefaultRunnerConstructor, build_runner
from mmbridge.runners.legacy.epoch_runner import EpochBasedRunner, Runner
from mmbridge.runners.legacy.iter_runner import IterBasedRunner, IterLoader
from mmbridge.runners.legacy.runner import BaseRunner

__all__ = [
    "RUNNERS",
    "RUNNER_BUILDERS",
    "BaseRunner",
    "DefaultRunnerConstructor",
    "EpochBasedRunner",
    "IterBasedRunner",
    "IterLoader",
    "Runner",
    "build_runner",
]
