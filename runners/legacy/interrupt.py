"""Ctrl-C during a run: the iteration ends, the state is saved, the run stops."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any, Final

from mmbridge.compat.hook import LegacyHook

FILE: Final = "interrupted.pth"
"""The name of the checkpoint in the work directory; ``latest.pth`` points to it."""

_NOTICE: Final = b"Ctrl-C: the state will be saved after this iteration; press it again to stop at once.\n"


class Interrupted(KeyboardInterrupt):
    """A run was stopped by Ctrl-C; ``checkpoint`` is the file that holds its state."""

    def __init__(self, checkpoint: str) -> None:
        super().__init__(checkpoint)
        self.checkpoint = checkpoint


class InterruptHook(LegacyHook):
    """From ``before_run`` until :meth:`close`, the first Ctrl-C saves the state before the next training iteration.

    Then :class:`Interrupted` is raised. Between two iterations weights, optimizer and counters belong together. A run
    counted in iterations goes on with the next one; one counted in epochs begins the present epoch again, as its
    checkpoints know no place inside of an epoch. A second Ctrl-C is a KeyboardInterrupt at once. In several processes
    rank 0 saves and stops, and the launcher ends the others.
    """

    priority = "HIGHEST"

    def __init__(self) -> None:
        self._asked = self._saving = False
        self.rank = 0
        self._previous: Any = None

    def before_run(self, runner: Any) -> None:
        """Take Ctrl-C over."""
        self.rank = runner.rank
        self._previous = signal.signal(signal.SIGINT, self._ask)

    def before_train_iter(self, runner: Any) -> None:
        """Save and stop if that was asked for."""
        if not self._asked or self.rank != 0:
            return
        self._saving = True
        runner.save_checkpoint(runner.work_dir, filename_tmpl=FILE)
        raise Interrupted(os.path.join(runner.work_dir, FILE))

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """In a run counted in epochs, write down the beginning of the present epoch."""
        if self._saving and runner.max_epochs is not None:
            checkpoint["meta"].update(epoch=runner.epoch, iter=runner.iter - runner.inner_iter, within_epoch=True)

    def close(self) -> None:
        """Give Ctrl-C back."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            signal.default_int_handler(number, frame)
        self._asked = True
        if self.rank == 0:
            os.write(2, _NOTICE)  # a stream may be in the middle of a write
