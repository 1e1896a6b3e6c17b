"""Logging to TensorBoard."""

from __future__ import annotations

import os
from typing import Any

from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.hooks.tracker import TrackerHook, package


@HOOKS.register_module()
class TensorboardLoggerHook(TrackerHook):
    """Writes scalars and texts, at the number of the iteration, to ``log_dir`` (default: ``work_dir/tf_logs``).

    MMCV 1.7.2, mmcv/runner/hooks/logger/tensorboard.py.
    """

    def __init__(
        self,
        log_dir: str | None = None,
        interval: int = 10,
        ignore_last: bool = True,
        reset_flag: bool = False,
        by_epoch: bool = True,
    ) -> None:
        super().__init__(interval, ignore_last, reset_flag, by_epoch)
        self.log_dir = log_dir
        self.writer: Any = None

    def tags(self, runner: Any) -> dict[str, Any]:
        """Scalars and texts."""
        return self.get_loggable_tags(runner, allow_text=True)

    def start(self, runner: Any) -> None:
        """Open the writer."""
        if self.log_dir is None:
            self.log_dir = os.path.join(runner.work_dir or ".", "tf_logs")
        self.writer = summary_writer(self.log_dir, type(self).__name__)

    def write(self, runner: Any, tags: dict[str, Any]) -> None:
        """Add each value."""
        for tag, value in tags.items():
            add = self.writer.add_text if isinstance(value, str) else self.writer.add_scalar
            add(tag, value, self.get_iter(runner))

    def finish(self, runner: Any) -> None:
        """Close the writer."""
        self.writer.close()


def summary_writer(log_dir: str, user: str) -> Any:
    """A writer to ``log_dir``. Raises BridgeError, with what to install for ``user``, where TensorBoard is missing."""
    return package("torch.utils.tensorboard", user, "tensorboard").SummaryWriter(log_dir)
