"""Logging to Segmind."""

from __future__ import annotations

from typing import Any

from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.hooks.tracker import TrackerHook, package


@HOOKS.register_module()
class SegmindLoggerHook(TrackerHook):
    """Logs metrics at the number of the epoch. MMCV 1.7.2, mmcv/runner/hooks/logger/segmind.py."""

    def __init__(
        self, interval: int = 10, ignore_last: bool = True, reset_flag: bool = False, by_epoch: bool = True
    ) -> None:
        super().__init__(interval, ignore_last, reset_flag, by_epoch)
        self.log_metrics = package("segmind.tracking.fluent", type(self).__name__, "segmind").log_metrics
        self.mlflow_log = package("segmind.utils.logging_utils", type(self).__name__, "segmind").try_mlflow_log

    def write(self, runner: Any, tags: dict[str, Any]) -> None:
        """Log all values at once."""
        self.mlflow_log(self.log_metrics, tags, step=runner.epoch, epoch=runner.epoch)
