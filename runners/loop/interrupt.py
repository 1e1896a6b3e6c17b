"""Ctrl-C during a run of loops: the iteration ends, the state is saved, the run stops."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mmbridge.runners.legacy.interrupt import FILE, Interrupted, InterruptHook


class LoopInterruptHook(InterruptHook):
    """As the legacy runtime's, but a run counted in epochs goes on inside of the epoch, too.

    The checkpoint's ``meta`` tells how many batches of the epoch are trained, and ``last_checkpoint`` names the file.
    """

    def before_train_iter(self, runner: Any, batch_idx: int = 0) -> None:
        """Save and stop if that was asked for."""
        if not self._asked or self.rank != 0:
            return
        meta = {"epoch": runner.epoch, "iter": runner.iter, "inner_iter": batch_idx}
        runner.save_checkpoint(runner.work_dir, FILE, meta=meta)
        saved = os.path.join(runner.work_dir, FILE)
        Path(runner.work_dir, "last_checkpoint").write_text(saved, "utf-8")
        raise Interrupted(saved)

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Nothing to change: the counters are what they are."""
