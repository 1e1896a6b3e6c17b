"""When a run's values are written: to the log, to the visualizer's backends, and copied away at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmbridge.compat.hook import EngineHook, takes
from mmbridge.runners.checkpoint import replacing
from mmbridge.runners.hooks.log_files import copy_logs
from mmbridge.runners.hooks.output_dir import output_dir
from mmbridge.runners.loop.registry import HOOKS

Suffixes = str | Sequence[str]


@HOOKS.register_module()
class LoggerHook(EngineHook):
    """Logs what the log processor makes of the message hub, every ``interval`` iterations of an epoch.

    The rest of an epoch is logged where ``ignore_last`` is False, and where the epoch has no more than ``interval``
    iterations. Every ``interval_exp_name`` iterations and at each epoch's end the experiment's name is logged. Metrics
    of a validation go to the visualizer by the epoch, or by the iteration without ``log_metric_by_epoch``; those of a
    test are written to ``log_dir/<timestamp>.json``. ``out_dir`` receives a copy of the files in ``log_dir`` that end
    with ``out_suffix`` when the run is over; ``keep_local=False`` then removes them here. Raises TypeError and
    ValueError for wrong settings. MMEngine 0.10.7, mmengine/hooks/logger_hook.py.
    """

    priority = "BELOW_NORMAL"

    def __init__(
        self,
        interval: int = 10,
        ignore_last: bool = True,
        interval_exp_name: int = 1000,
        out_dir: str | os.PathLike[str] | None = None,
        out_suffix: Suffixes = (".json", ".log", ".py", "yaml"),
        keep_local: bool = True,
        file_client_args: Mapping[str, Any] | None = None,
        log_metric_by_epoch: bool = True,
        backend_args: Mapping[str, Any] | None = None,
    ) -> None:
        _check_settings(interval, ignore_last, interval_exp_name, out_dir, out_suffix, keep_local)
        if file_client_args is not None and (out_dir is None or backend_args is not None):
            raise ValueError("LoggerHook: file_client_args needs out_dir, and no backend_args beside it")
        self.interval = interval
        self.ignore_last = ignore_last
        self.interval_exp_name = interval_exp_name
        self.out_dir = self._given_out_dir = out_dir
        self.out_suffix = out_suffix
        self.keep_local = keep_local
        self.backend_args = file_client_args if backend_args is None else backend_args
        self.log_metric_by_epoch = log_metric_by_epoch
        self.json_log_path: str | None = None
        self._epoch_length: int | None = None
        self._name_at = 0

    def before_run(self, runner: Any) -> None:
        """Name the files."""
        if self._given_out_dir is not None:
            self.out_dir = output_dir(self._given_out_dir, runner.work_dir, type(self).__name__, self.backend_args)
            runner.logger.info(f"Text logs will be saved to {self.out_dir} after the training process.")
        self.json_log_path = f"{runner.timestamp}.json"

    def before_train_epoch(self, runner: Any) -> None:
        """Look up the length of the epoch, once."""
        self._epoch_length = _length(runner.train_dataloader)
        self._name_at = 0

    @takes("batch_idx")
    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Log if it is time."""
        done = batch_idx + 1
        if done % self.interval and done != self._epoch_length and done < self._name_at:
            return
        at_end = done == self._epoch_length
        if (done >= self._name_at and self._name_is_due(runner, done)) or at_end:
            runner.logger.info(f"Exp name: {runner.experiment_name}")
        if not done % self.interval or (at_end and (not self.ignore_last or done <= self.interval)):
            tag, line = runner.log_processor.get_log_after_iter(runner, batch_idx, "train")
            runner.logger.info(line)
            runner.visualizer.add_scalars(tag, step=runner.iter + 1, file_path=self.json_log_path)

    def _name_is_due(self, runner: Any, done: int) -> bool:
        """Whether the run's iteration is one for the name; work out after how many of this epoch the next is."""
        left: int = -(runner.iter + 1) % self.interval_exp_name
        self._name_at = done + (left or self.interval_exp_name)
        return left == 0

    @takes("batch_idx")
    def after_val_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Log if it is time."""
        self._log_iter(runner, batch_idx, "val")

    @takes("batch_idx")
    def after_test_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Log if it is time."""
        self._log_iter(runner, batch_idx, "test")

    def _log_iter(self, runner: Any, batch_idx: int, mode: str) -> None:
        if self.every_n_inner_iters(batch_idx, self.interval):
            _, line = runner.log_processor.get_log_after_iter(runner, batch_idx, mode)
            runner.logger.info(line)

    def after_val_epoch(self, runner: Any, metrics: Mapping[str, Any] | None = None) -> None:
        """Log the metrics."""
        tag, line = runner.log_processor.get_log_after_epoch(runner, len(runner.val_dataloader), "val")
        runner.logger.info(line)
        step = runner.epoch if self.log_metric_by_epoch else runner.iter
        runner.visualizer.add_scalars(tag, step=step, file_path=self.json_log_path)

    def after_test_epoch(self, runner: Any, metrics: Mapping[str, Any] | None = None) -> None:
        """Log the metrics, and write them to a file of their own."""
        length = len(runner.test_dataloader)
        tag, line = runner.log_processor.get_log_after_epoch(runner, length, "test", with_non_scalar=True)
        runner.logger.info(line)
        if runner.rank == 0:
            with replacing(os.path.join(runner.log_dir, str(self.json_log_path))) as partial:
                Path(partial).write_text(json.dumps(_plain(tag)), "utf-8")

    def after_run(self, runner: Any) -> None:
        """Close the visualizer; copy the logs to ``out_dir``."""
        runner.visualizer.close()
        if self.out_dir is not None and runner.rank == 0:
            copy_logs(runner.log_dir, os.fspath(self.out_dir), self.out_suffix, self.keep_local, runner.logger)


def _length(dataloader: Any) -> int | None:
    """How many batches an epoch has; None where the data are a stream and nobody knows."""
    try:
        return len(dataloader)
    except TypeError:
        return None


def _plain(value: Any) -> Any:
    """``value`` for JSON: arrays, tensors and scalars of numpy as numbers and lists, what has no such form as null."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, (str, int, float)):
        return value
    return value.tolist() if hasattr(value, "tolist") else None


def _check_settings(
    interval: Any, ignore_last: Any, interval_exp_name: Any, out_dir: Any, out_suffix: Any, keep_local: Any
) -> None:
    for name, number in {"interval": interval, "interval_exp_name": interval_exp_name}.items():
        if not isinstance(number, int):
            raise TypeError(f"LoggerHook: {name} must be a whole number, found {number!r}")
        if number <= 0:
            raise ValueError(f"LoggerHook: {name} must be greater than 0, found {number}")
    for name, flag in {"ignore_last": ignore_last, "keep_local": keep_local}.items():
        if not isinstance(flag, bool):
            raise TypeError(f"LoggerHook: {name} must be True or False, found {flag!r}")
    if out_dir is not None and not isinstance(out_dir, (str, os.PathLike)):
        raise TypeError(f"LoggerHook: out_dir must be a path, found {out_dir!r}")
    endings = [out_suffix] if isinstance(out_suffix, str) else out_suffix
    if not isinstance(endings, (list, tuple)) or not all(isinstance(each, str) for each in endings):
        raise TypeError(f"LoggerHook: out_suffix must be a text or a list of texts, found {out_suffix!r}")
