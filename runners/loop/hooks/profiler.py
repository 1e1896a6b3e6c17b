"""Torch's profiler over the first epoch or the first iterations of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.compat.hook import EngineHook, takes
from mmbridge.runners.hooks.torch_profile import ACTIVITIES, OnTraceReady, TorchProfile
from mmbridge.runners.loop.registry import HOOKS


@HOOKS.register_module()
class ProfilerHook(EngineHook):
    """Profiles the first epoch or, not ``by_epoch``, the first ``profile_times`` iterations, at most one epoch.

    Other arguments: :class:`~mmbridge.runners.hooks.torch_profile.TorchProfile`; traces are written to the runner's
    ``log_dir``. Raises ValueError for wrong settings and for more times than the run has. MMEngine 0.10.7,
    mmengine/hooks/profiler_hook.py.
    """

    priority = "VERY_LOW"

    def __init__(
        self,
        *,
        by_epoch: bool = True,
        profile_times: int = 1,
        activity_with_cpu: bool = True,
        activity_with_cuda: bool = False,
        schedule: Mapping[str, Any] | None = None,
        on_trace_ready: OnTraceReady = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        json_trace_path: str | None = None,
    ) -> None:
        wanted = {"cpu": activity_with_cpu, "cuda": activity_with_cuda}
        for name, value in {"by_epoch": by_epoch, **{f"activity_with_{k}": v for k, v in wanted.items()}}.items():
            if not isinstance(value, bool):
                raise TypeError(f"ProfilerHook: {name} must be True or False, found {value!r}")
        if schedule is not None and not isinstance(schedule, Mapping):
            raise TypeError(f"ProfilerHook: schedule must be a dict of torch.profiler.schedule's, found {schedule!r}")
        if profile_times < 1:
            raise ValueError(f"ProfilerHook: profile_times must be greater than 0, found {profile_times}")
        if by_epoch and profile_times > 1:
            raise ValueError(
                f"ProfilerHook: profile_times={profile_times} epochs would fill the memory, one is the most; "
                "by_epoch=False counts iterations"
            )
        self.by_epoch = by_epoch
        self.profile_times = profile_times
        self.profile = TorchProfile(
            [ACTIVITIES[each] for each in ACTIVITIES if wanted[each]],
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
        if most < self.profile_times:
            raise ValueError(f"ProfilerHook: profile_times must not be greater than {most}, found {self.profile_times}")
        self.profile.start(runner, runner.log_dir)

    @takes()
    def after_train_iter(self, runner: Any, batch_idx: int = 0, data_batch: Any = None, outputs: Any = None) -> None:
        """Tell the profiler that a step is over; by iteration, stop if it was the last."""
        if self.profile.running:
            self.profile.step()
            if not self.by_epoch and runner.iter == self.profile_times - 1:
                self.profile.stop(runner)

    def after_train_epoch(self, runner: Any) -> None:
        """Stop."""
        self.profile.stop(runner)
