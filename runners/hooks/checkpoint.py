"""Saving checkpoints at intervals, and removing old ones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.dist import allreduce_params
from mmbridge.runners.hooks.output_dir import output_dir
from mmbridge.runners.hooks.registry import HOOKS


@HOOKS.register_module()
class CheckpointHook(LegacyHook):
    """Saves after every ``interval`` epochs (or iterations) and, with ``save_last``, at the end.

    At most ``max_keep_ckpts`` files of the interval's grid are kept; looking for older ones stops at the
    first gap. The name of the last file goes to ``meta['hook_msgs']['last_ckpt']``, after saving. Other
    arguments go to ``runner.save_checkpoint``. In a run that never announces epochs, ``by_epoch`` saves
    nothing. MMCV 1.7.2, mmcv/runner/hooks/checkpoint.py.
    """

    def __init__(
        self,
        interval: int = -1,
        by_epoch: bool = True,
        save_optimizer: bool = True,
        out_dir: str | None = None,
        max_keep_ckpts: int = -1,
        save_last: bool = True,
        sync_buffer: bool = False,
        file_client_args: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.interval = interval
        self.by_epoch = by_epoch
        self.save_optimizer = save_optimizer
        self.out_dir = out_dir
        self.max_keep_ckpts = max_keep_ckpts
        self.save_last = save_last
        self.sync_buffer = sync_buffer
        self.file_client_args = file_client_args
        self.args = kwargs

    def before_run(self, runner: Any) -> None:
        """Decide and log where the files go."""
        self.out_dir = output_dir(self.out_dir, runner.work_dir, type(self).__name__, self.file_client_args)
        runner.logger.info(f"Checkpoints will be saved to {self.out_dir} by HardDiskBackend.")

    def after_train_epoch(self, runner: Any) -> None:
        """Save if it is time, by epoch."""
        if not self.by_epoch:
            return
        if self.every_n_epochs(runner, self.interval) or (self.save_last and self.is_last_epoch(runner)):
            runner.logger.info(f"Saving checkpoint at {runner.epoch + 1} epochs")
            self._save(runner)

    def after_train_iter(self, runner: Any) -> None:
        """Save if it is time, by iteration."""
        if self.by_epoch:
            return
        if self.every_n_iters(runner, self.interval) or (self.save_last and self.is_last_iter(runner)):
            runner.logger.info(f"Saving checkpoint at {runner.iter + 1} iterations")
            self._save(runner)

    def _save(self, runner: Any) -> None:
        if self.sync_buffer:
            allreduce_params(runner.model.buffers())
        if runner.rank != 0:
            return
        runner.save_checkpoint(self.out_dir, save_optimizer=self.save_optimizer, **self.args)
        assert self.out_dir is not None
        number = runner.epoch + 1 if self.by_epoch else runner.iter + 1
        template = self.args.get("filename_tmpl", "epoch_{}.pth" if self.by_epoch else "iter_{}.pth")
        if runner.meta is not None:
            messages = runner.meta.setdefault("hook_msgs", {})
            messages["last_ckpt"] = os.path.join(self.out_dir, template.format(number))
        self._remove_old(self.out_dir, template, number)

    def _remove_old(self, directory: str, template: str, number: int) -> None:
        if self.max_keep_ckpts <= 0 or self.interval <= 0:
            return
        for old in range(number - self.max_keep_ckpts * self.interval, 0, -self.interval):
            path = os.path.join(directory, template.format(old))
            if not os.path.isfile(path):
                break
            os.remove(path)
