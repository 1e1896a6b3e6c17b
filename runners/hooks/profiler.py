"""Torch's profiler over the first epochs or iterations of a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.hooks.registry import HOOKS
from torch.profiler import ProfilerActivity, profile

_ACTIVITIES = {"cpu": ProfilerActivity.CPU, "cuda": ProfilerActivity.CUDA}


@HOOKS.register_module()
class ProfilerHook(LegacyHook):
    """Profiles the first ``profile_iters`` epochs (``by_epoch``) or iterations.

    ``schedule`` are arguments of ``torch.profiler.schedule``. ``on_trace_ready`` is a function of the profiler, or a
    dict of type 'log_trace' (logs the table; other keys are its arguments) or 'tb_trace' (writes files for
    TensorBoard to ``dir_name``, default ``work_dir/tf_tracing_logs``). ``json_trace_path`` receives a Chrome trace.
    Raises ValueError for wrong settings and for more iterations than the run has. MMCV 1.7.2,
    mmcv/runner/hooks/profiler.py.
    """

    def __init__(
        self,
        by_epoch: bool = True,
        profile_iters: int = 1,
        activities: Sequence[str] = ("cpu", "cuda"),
        schedule: Mapping[str, Any] | None = None,
        on_trace_ready: Callable[..., None] | Mapping[str, Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        json_trace_path: str | None = None,
    ) -> None:
        if not isinstance(by_epoch, bool):
            raise TypeError(f"by_epoch should be a boolean, found {by_epoch!r}")
        if profile_iters < 1:
            raise ValueError(f"profile_iters should be greater than 0, but got {profile_iters}")
        unknown = [each for each in activities if each not in _ACTIVITIES]
        if isinstance(activities, str) or unknown:
            raise ValueError(f"activities should be a list of {', '.join(_ACTIVITIES)}, found {activities!r}")
        self.by_epoch = by_epoch
        self.profile_iters = profile_iters
        self.activities = [_ACTIVITIES[each] for each in activities if each == "cpu" or torch.cuda.is_available()]
        self.schedule = None if schedule is None else torch.profiler.schedule(**schedule)
        self.on_trace_ready = on_trace_ready
        self.options: dict[str, Any] = {
            "record_shapes": record_shapes,
            "profile_memory": profile_memory,
            "with_stack": with_stack,
            "with_flops": with_flops,
        }
        self.json_trace_path = json_trace_path
        self.profiler: profile | None = None

    def before_run(self, runner: Any) -> None:
        """Start profiling."""
        most = runner.max_epochs if self.by_epoch else runner.max_iters
        if most is None or self.profile_iters > most:
            raise ValueError(f"profile_iters should not be greater than {most}, found {self.profile_iters}")
        if self.by_epoch and runner.max_epochs > 1:
            runner.logger.warning(
                f"profiler will profile {self.profile_iters} epochs, which may be many iterations and much memory; "
                "by_epoch=False profiles iterations"
            )
        handler = self._handler(runner)
        self.profiler = profile(
            activities=self.activities, schedule=self.schedule, on_trace_ready=handler, **self.options
        )
        self.profiler.start()
        runner.logger.info("profiler is profiling...")

    def _handler(self, runner: Any) -> Callable[..., None] | None:
        chosen = self.on_trace_ready
        if chosen is None or callable(chosen):
            return chosen
        options = dict(chosen)
        kind = options.pop("type", None)
        if kind == "log_trace":
            return lambda profiler: runner.logger.info("\n" + profiler.key_averages().table(**options))
        if kind == "tb_trace":
            options.setdefault("dir_name", os.path.join(runner.work_dir or ".", "tf_tracing_logs"))
            handler: Callable[..., None] = torch.profiler.tensorboard_trace_handler(**options)
            return handler
        raise ValueError(f"on_trace_ready must be of type 'log_trace' or 'tb_trace', found {kind!r}")

    def after_train_iter(self, runner: Any) -> None:
        """Tell the profiler that a step is over; by iteration, stop if it was the last."""
        if self.profiler is None:
            return
        self.profiler.step()
        if not self.by_epoch and runner.iter == self.profile_iters - 1:
            self._stop(runner)

    def after_train_epoch(self, runner: Any) -> None:
        """By epoch, stop if it was the last."""
        if self.profiler is not None and self.by_epoch and runner.epoch == self.profile_iters - 1:
            self._stop(runner)

    def _stop(self, runner: Any) -> None:
        assert self.profiler is not None
        runner.logger.info("profiler may take a few minutes...")
        self.profiler.stop()
        if self.json_trace_path is not None:
            self.profiler.export_chrome_trace(self.json_trace_path)
        self.profiler = None
