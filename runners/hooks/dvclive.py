"""Logging to DVCLive."""

from __future__ import annotations

import os
from typing import Any

from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.hooks.tracker import TrackerHook, package


@HOOKS.register_module()
class DvcliveLoggerHook(TrackerHook):
    """Logs once per epoch, at its number from 0, or by iteration at the iteration's number from 1.

    ``dvclive`` may be a ``Live`` object, else one is made from the other arguments. ``model_file`` is written after
    each epoch. MMCV 1.7.2, mmcv/runner/hooks/logger/dvclive.py, on the client of today.
    """

    def __init__(
        self,
        model_file: str | None = None,
        interval: int = 10,
        ignore_last: bool = True,
        reset_flag: bool = False,
        by_epoch: bool = True,
        dvclive: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interval, ignore_last, reset_flag, by_epoch)
        self.model_file = model_file
        self.dvclive = package("dvclive", type(self).__name__).Live(**kwargs) if dvclive is None else dvclive
        self._step = 0

    def write(self, runner: Any, tags: dict[str, Any]) -> None:
        """Log each value at the step."""
        self.dvclive.step = self._step
        for tag, value in tags.items():
            self.dvclive.log_metric(tag, value)

    def after_train_iter(self, runner: Any) -> None:
        """By iteration: log if it is time."""
        if self.by_epoch:
            return
        self._step = self.get_iter(runner)
        super().after_train_iter(runner)

    def after_train_epoch(self, runner: Any) -> None:
        """By epoch: average the epoch and log; write the model."""
        if not self.by_epoch:
            return
        self._step = runner.epoch
        runner.log_buffer.average(self.interval)
        self._log_and_clear(runner)
        if self.model_file is not None and runner.rank == 0:
            directory, name = os.path.split(self.model_file)
            runner.save_checkpoint(directory or ".", filename_tmpl=name, create_symlink=False)

    def finish(self, runner: Any) -> None:
        """Close the log."""
        self.dvclive.end()
