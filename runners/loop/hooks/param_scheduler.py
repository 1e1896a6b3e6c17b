"""When schedulers step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.compat.hook import EngineHook, takes
from mmbridge.runners.loop.registry import HOOKS


@HOOKS.register_module()
class ParamSchedulerHook(EngineHook):
    """Steps the runner's schedulers after each iteration or, with their ``by_epoch``, after each epoch.

    Those with ``need_val_args`` also step after each validation, with its metrics. Raises TypeError where
    ``runner.param_schedulers`` is neither None nor lists of schedulers, one or one per optimizer. MMEngine 0.10.7,
    mmengine/hooks/param_scheduler_hook.py.
    """

    priority = "LOW"

    @takes()
    def after_train_iter(self, runner: Any, batch_idx: int = 0, data_batch: Any = None, outputs: Any = None) -> None:
        """Step those that count iterations."""
        schedulers = runner.param_schedulers
        if schedulers is not None:
            for scheduler in schedulers if type(schedulers) is list else _all(schedulers):
                if not scheduler.by_epoch:
                    scheduler.step()

    def after_train_epoch(self, runner: Any) -> None:
        """Step those that count epochs."""
        for scheduler in _all(runner.param_schedulers):
            if scheduler.by_epoch:
                scheduler.step()

    def after_val_epoch(self, runner: Any, metrics: Mapping[str, Any] | None = None) -> None:
        """Step those that look at metrics; in a run that does not train they are not built yet."""
        if metrics is None:
            return
        for scheduler in _all(runner.param_schedulers):
            if getattr(scheduler, "need_val_args", False) and scheduler.by_epoch:
                scheduler.step(metrics)


def _all(schedulers: Any) -> list[Any]:
    if schedulers is None:
        return []
    if isinstance(schedulers, list):
        return schedulers
    if isinstance(schedulers, Mapping):
        return [each for some in schedulers.values() if isinstance(some, list) for each in some]
    raise TypeError(
        "runner.param_schedulers must be a list of schedulers, or a dict with such a list for each optimizer, "
        f"found {type(schedulers).__name__}"
    )
