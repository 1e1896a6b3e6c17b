"""How long each iteration takes, and how much of it is waiting for data."""

from __future__ import annotations

import time
from typing import Any

from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.hooks.registry import HOOKS


@HOOKS.register_module()
class IterTimerHook(LegacyHook):
    """Logs ``data_time`` and ``time`` (seconds per iteration, the former within the latter).

    MMCV 1.7.2, mmcv/runner/hooks/iter_timer.py.
    """

    def __init__(self) -> None:
        self.t = time.time()

    def before_epoch(self, runner: Any) -> None:
        """Start the clock."""
        self.t = time.time()

    def before_iter(self, runner: Any) -> None:
        """The batch is there: log how long that took."""
        runner.log_buffer.update({"data_time": time.time() - self.t})

    def after_iter(self, runner: Any) -> None:
        """Log how long the iteration took, and start the next."""
        now = time.time()
        runner.log_buffer.update({"time": now - self.t})
        self.__dict__["t"] = now  # past Hook.__setattr__, which would cost as much as all of the rest
