"""Logging to ClearML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.hooks.tracker import TrackerHook, package


@HOOKS.register_module()
class ClearMLLoggerHook(TrackerHook):
    """Reports each value as a scalar of its own plot, at the number of the iteration.

    ``init_kwargs`` go to ``clearml.Task.init``. MMCV 1.7.2, mmcv/runner/hooks/logger/clearml.py.
    """

    def __init__(
        self,
        init_kwargs: Mapping[str, Any] | None = None,
        interval: int = 10,
        ignore_last: bool = True,
        reset_flag: bool = False,
        by_epoch: bool = True,
    ) -> None:
        super().__init__(interval, ignore_last, reset_flag, by_epoch)
        self.clearml = package("clearml", type(self).__name__)
        self.init_kwargs = init_kwargs
        self.task_logger: Any = None

    def start(self, runner: Any) -> None:
        """Open the task."""
        self.task_logger = self.clearml.Task.init(**(self.init_kwargs or {})).get_logger()

    def write(self, runner: Any, tags: dict[str, Any]) -> None:
        """Report each value."""
        for tag, value in tags.items():
            self.task_logger.report_scalar(tag, tag, value, self.get_iter(runner))
