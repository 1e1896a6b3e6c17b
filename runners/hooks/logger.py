"""What loggers have in common: when they log, and what."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Number
from typing import Any

from mmbridge.compat.hook import LegacyHook


class LoggerHook(LegacyHook, ABC):
    """Base of the loggers: averages the log buffer every ``interval`` iterations and logs it.

    ``ignore_last`` leaves what remains of an epoch unlogged. All loggers share the buffer: each logs
    whenever an earlier one has made it ready, and the last one (``reset_flag``) clears its output.
    MMCV 1.7.2, mmcv/runner/hooks/logger/base.py.
    """

    def __init__(
        self, interval: int = 10, ignore_last: bool = True, reset_flag: bool = False, by_epoch: bool = True
    ) -> None:
        self.interval = interval
        self.ignore_last = ignore_last
        self.reset_flag = reset_flag
        self.by_epoch = by_epoch
        self._keep = interval

    @abstractmethod
    def log(self, runner: Any) -> Any:
        """Log the output of the log buffer."""

    @staticmethod
    def is_scalar(val: Any, include_np: bool = True, include_torch: bool = True) -> bool:
        """Whether ``val`` is a number, or an array or tensor that holds one."""
        if isinstance(val, Number):
            return True
        if include_np and type(val).__module__ == "numpy":
            return bool(getattr(val, "size", 0) == 1)
        return include_torch and callable(getattr(val, "numel", None)) and bool(val.numel() == 1)

    def get_mode(self, runner: Any) -> str:
        """'train' while training iterations are logged; 'val' for results of an evaluation."""
        if runner.mode == "train":
            return "train" if "time" in runner.log_buffer.output else "val"
        if runner.mode == "val":
            return "val"
        raise ValueError(f"runner mode should be 'train' or 'val', but got {runner.mode}")

    def get_epoch(self, runner: Any) -> int:
        """The number of the epoch, from 1; of a val epoch, that of the training epoch before."""
        if runner.mode == "train":
            return int(runner.epoch + 1)
        if runner.mode == "val":
            return int(runner.epoch)
        raise ValueError(f"runner mode should be 'train' or 'val', but got {runner.mode}")

    def get_iter(self, runner: Any, inner_iter: bool = False) -> int:
        """The number of the iteration, from 1: in its epoch where asked for and by epoch, else in the run."""
        return int((runner.inner_iter if self.by_epoch and inner_iter else runner.iter) + 1)

    def get_lr_tags(self, runner: Any) -> dict[str, Any]:
        """The learning rate of the first group, per optimizer."""
        return _tags("learning_rate", runner.current_lr())

    def get_momentum_tags(self, runner: Any) -> dict[str, Any]:
        """The momentum of the first group, per optimizer."""
        return _tags("momentum", runner.current_momentum())

    def get_loggable_tags(
        self,
        runner: Any,
        allow_scalar: bool = True,
        allow_text: bool = False,
        add_mode: bool = True,
        tags_to_skip: tuple[str, ...] = ("time", "data_time"),
    ) -> dict[str, Any]:
        """What is to be logged, as ``mode/name``, with learning rate and momentum."""
        tags = {}
        for name, value in runner.log_buffer.output.items():
            if name in tags_to_skip:
                continue
            if (not allow_scalar and self.is_scalar(value)) or (not allow_text and isinstance(value, str)):
                continue
            tags[f"{self.get_mode(runner)}/{name}" if add_mode else name] = value
        return {**tags, **self.get_lr_tags(runner), **self.get_momentum_tags(runner)}

    def before_run(self, runner: Any) -> None:
        """The last logger is the one to clear the output; entries older than any logger's interval may go."""
        loggers = [hook for hook in runner.hooks if isinstance(hook, LoggerHook)]
        loggers[-1].reset_flag = True
        loggers[-1]._keep = max(logger.interval for logger in loggers)

    def before_epoch(self, runner: Any) -> None:
        """Forget what was reported."""
        runner.log_buffer.clear()

    def after_train_iter(self, runner: Any) -> None:
        """Average and log if it is time."""
        if self.by_epoch:
            due = self.every_n_inner_iters(runner, self.interval)
        else:
            due = self.every_n_iters(runner, self.interval)
        if due or (not self.ignore_last and self.end_of_epoch(runner)):
            runner.log_buffer.average(self.interval)
        if runner.log_buffer.ready:
            self._log_and_clear(runner)
            if not self.by_epoch and self.reset_flag:
                # A run counted in iterations never forgets otherwise, and its memory would grow without end.
                runner.log_buffer.trim(self._keep)

    def after_train_epoch(self, runner: Any) -> None:
        """Log what an evaluation has reported."""
        if runner.log_buffer.ready:
            self._log_and_clear(runner)

    def after_val_epoch(self, runner: Any) -> None:
        """Log the averages of the val epoch."""
        runner.log_buffer.average()
        self._log_and_clear(runner)

    def _log_and_clear(self, runner: Any) -> None:
        self.log(runner)
        if self.reset_flag:
            runner.log_buffer.clear_output()


def _tags(name: str, values: Any) -> dict[str, Any]:
    if isinstance(values, dict):
        return {f"{name}/{key}": value[0] for key, value in values.items()}
    return {name: values[0]}
