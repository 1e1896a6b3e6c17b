"""Logging to Neptune."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.hooks.tracker import TrackerHook, package


@HOOKS.register_module()
class NeptuneLoggerHook(TrackerHook):
    """Logs each value to its own field, at the iteration as its step, or without one (``with_step=False``).

    ``init_kwargs`` open the run. Works with clients before and after 1.0. MMCV 1.7.2,
    mmcv/runner/hooks/logger/neptune.py.
    """

    def __init__(
        self,
        init_kwargs: Mapping[str, Any] | None = None,
        interval: int = 10,
        ignore_last: bool = True,
        reset_flag: bool = True,
        with_step: bool = True,
        by_epoch: bool = True,
    ) -> None:
        super().__init__(interval, ignore_last, reset_flag, by_epoch)
        self.neptune = package("neptune", type(self).__name__)
        if not hasattr(self.neptune, "init_run") and find_spec("neptune.new"):
            self.neptune = package("neptune.new", type(self).__name__)  # the client before 1.0
        self.init_kwargs = init_kwargs
        self.with_step = with_step
        self.run: Any = None

    def start(self, runner: Any) -> None:
        """Open the run."""
        opened = getattr(self.neptune, "init_run", None) or self.neptune.init
        self.run = opened(**(self.init_kwargs or {}))

    def write(self, runner: Any, tags: dict[str, Any]) -> None:
        """Append each value."""
        for tag, value in tags.items():
            field = self.run[tag]
            append = getattr(field, "append", None) or field.log
            if self.with_step:
                append(value, step=self.get_iter(runner))
            else:
                append(value)

    def finish(self, runner: Any) -> None:
        """Close the run."""
        self.run.stop()
