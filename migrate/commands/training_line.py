"""The line that tells how far a training is, on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from mmbridge.compat.hook import Hook

_EVERY: Final = 0.2  # seconds between two looks; a training step may be much shorter


class TrainingLine(Hook):
    """Shows iterations, what is left of them in time, the epoch and the loss, in either runtime."""

    priority = "LOWEST"

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._task: Any = None
        self._seen = 0.0

    def after_train_iter(self, runner: Any, outputs: Any = None) -> None:
        """Show this iteration, unless the last look was a moment ago."""
        now = time.monotonic()
        if now - self.__dict__["_seen"] < _EVERY and runner.iter + 1 < (runner.max_iters or 0):
            return
        self.__dict__["_seen"] = now  # past Hook.__setattr__, which looks for new methods
        if self._task is None:
            self._task = self._bar.add_task("", total=runner.max_iters, completed=runner.iter)
        self._bar.update(self._task, completed=runner.iter + 1, description=_description(runner, outputs), refresh=True)


def _description(runner: Any, outputs: Any) -> str:
    parts = []
    if runner.max_epochs is not None and runner.max_epochs > 1:
        parts.append(f"epoch {runner.epoch + 1}/{runner.max_epochs}")
    values = outputs.get("log_vars", outputs) if isinstance(outputs, Mapping) else {}
    if "loss" in values:
        loss = values["loss"]
        parts.append(f"loss {float(loss.detach() if hasattr(loss, 'detach') else loss):.4g}")
    return "  ".join(parts)


@contextmanager
def training_line() -> Iterator[list[Hook]]:
    """The hook that shows the line, where standard error is a terminal; what else is written to one goes above it."""
    if not sys.stderr.isatty():
        yield []
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (MofNCompleteColumn(), BarColumn(bar_width=None), TimeRemainingColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True, soft_wrap=True)
    logs_there = sys.stdout.isatty()  # the loop runtime logs to standard output, the legacy one to standard error
    with Progress(*columns, console=console, transient=True, auto_refresh=False, redirect_stdout=logs_there) as bar:
        yield [TrainingLine(bar)]
