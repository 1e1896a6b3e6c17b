"""Torch's profiler over the first epochs or iterations of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.hooks.torch_profile import ACTIVITIES, OnTraceReady, TorchProfile


@HOOKS.register_module()
class ProfilerHook(LegacyHook):
    """Profiles the first ``profile_iters`` epochs (``by_epoch``) or iterations.

    Other arguments: :class:`~mmbridge.runners.hooks.torch_profile.TorchProfile`; traces are written to the runner's
    ``work_dir``. Raises ValueError for wrong settings and for more iterations than the run has. MMCV 1.7.2,
    mmcv/runner/hooks/profiler.py.
    """

    def __init__(
        self,
        by_epoch: bool = True,
        profile_iters: int = 1,
        activities: Sequence[str] = ("cpu", "cuda"),
        schedule: Mapping[str, Any] | None = None,
        on_trace_ready: OnTraceReady = None,
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
        unknown = [each for each in activities if each not in ACTIVITIES]
        if isinstance(activities, str) or unknown:
            raise ValueError(f"activities should be a list of {', '.join(ACTIVITIES)}, found {activities!r}")
        self.by_epoch = by_epoch
        self.profile_iters = profile_iters
        self.profile = TorchProfile(
            [ACTIVITIES[each] for each in activities],
            schedule,
            on_trace_ready,
            json_trace_path,
            record_shapes=record_shapes,
            profile_memory=profile_memory,
            with_stack=with_stack,
            with_flops=with_flops,
        )

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
        self.profile.start(runner, runner.work_dir)

    def after_train_iter(self, runner: Any) -> None:
        """Tell the profiler that a step is over; by iteration, stop if it was the last."""
        self.profile.step()
        if not self.by_epoch and runner.iter == self.profile_iters - 1:
            self.profile.stop(runner)

    def after_train_epoch(self, runner: Any) -> None:
        """By epoch, stop if it was the last."""
        if self.by_epoch and runner.epoch == self.profile_iters - 1:
            self.profile.stop(runner)
