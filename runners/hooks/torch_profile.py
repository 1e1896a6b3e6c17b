"""One profile of a run by torch's profiler: started, stepped, and written when it ends."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

ACTIVITIES = {"cpu": ProfilerActivity.CPU, "cuda": ProfilerActivity.CUDA}
"""What can be profiled, by the names of configs."""

OnTraceReady = Callable[..., None] | Mapping[str, Any] | None


class TorchProfile:
    """What both runtimes' ProfilerHook have in common.

    ``schedule`` are arguments of ``torch.profiler.schedule``. ``on_trace_ready`` is a function of the profiler, or a
    dict of type 'log_trace' (logs the table; other keys are its arguments) or 'tb_trace' (writes files for
    TensorBoard to ``dir_name``, by default ``tf_tracing_logs``, in the folder that :meth:`start` is told).
    ``json_trace_path`` receives a Chrome trace. Other arguments go to ``torch.profiler.profile``. Without CUDA only the
    CPU is profiled. Raises ValueError for another ``on_trace_ready``.
    """

    def __init__(
        self,
        activities: Sequence[ProfilerActivity],
        schedule: Mapping[str, Any] | None = None,
        on_trace_ready: OnTraceReady = None,
        json_trace_path: str | None = None,
        **options: Any,
    ) -> None:
        cuda = torch.cuda.is_available()
        self.activities = [each for each in activities if each is not ProfilerActivity.CUDA or cuda]
        self.schedule = None if schedule is None else torch.profiler.schedule(**schedule)
        self.on_trace_ready = on_trace_ready
        self.json_trace_path = json_trace_path
        self.options = options
        self.profiler: profile | None = None
        kind = on_trace_ready.get("type") if isinstance(on_trace_ready, Mapping) else on_trace_ready
        if not (kind is None or callable(kind) or kind in ("log_trace", "tb_trace")):
            raise ValueError(f"on_trace_ready must be of type 'log_trace' or 'tb_trace', found {kind!r}")

    def start(self, runner: Any, directory: str | None) -> None:
        """Start profiling; relative folders of traces are within ``directory``."""
        handler = self._handler(runner, directory or ".")
        self.profiler = profile(
            activities=self.activities, schedule=self.schedule, on_trace_ready=handler, **self.options
        )
        self.profiler.start()
        runner.logger.info("profiler is profiling...")

    def _handler(self, runner: Any, directory: str) -> Callable[..., None] | None:
        chosen = self.on_trace_ready
        if chosen is None or callable(chosen):
            return chosen
        options = dict(chosen)
        if options.pop("type") == "log_trace":
            return lambda profiler: runner.logger.info("\n" + profiler.key_averages().table(**options))
        options["dir_name"] = os.path.join(directory, options.get("dir_name", "tf_tracing_logs"))
        handler: Callable[..., None] = torch.profiler.tensorboard_trace_handler(**options)
        return handler

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self.profiler is not None

    def step(self) -> None:
        """An iteration is over."""
        if self.profiler is not None:
            self.profiler.step()

    def stop(self, runner: Any) -> None:
        """Stop, if it runs, and write what was asked for."""
        if self.profiler is None:
            return
        runner.logger.info("profiler may take a few minutes...")
        profiler, self.profiler = self.profiler, None
        profiler.stop()
        if self.json_trace_path is not None:
            profiler.export_chrome_trace(self.json_trace_path)
