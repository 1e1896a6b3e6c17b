"""Saving checkpoints at intervals and at the best scores, removing old ones, and publishing the last."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmbridge.compat.hook import EngineHook, takes
from mmbridge.runners.checkpoint import replacing
from mmbridge.runners.hooks.output_dir import output_dir
from mmbridge.runners.loop.hooks.best_score import BestScores, distinct, texts
from mmbridge.runners.loop.hooks.publish import publish
from mmbridge.runners.loop.registry import HOOKS

Texts = str | Sequence[str] | None


@HOOKS.register_module()
class CheckpointHook(EngineHook):
    """Saves after every ``interval`` epochs (or iterations) since ``save_begin`` and, with ``save_last``, at the end.

    Of these files, the last ``max_keep_ckpts`` are kept, those of a run that was resumed counted. ``last_checkpoint``
    in the runner's ``work_dir`` names the latest. ``save_best`` names one or several metrics (``'auto'``: the first of
    the first validation) by which a file ``best_<metric>_<...>`` is kept; ``rule`` is 'greater' or 'less', one for all
    or one for each, else inferred from the metric's name by ``greater_keys`` and ``less_keys``. A validation with a new
    best also writes a regular checkpoint, once there has been one. ``published_keys``: at the end the last and the best
    files are written again with only these keys, under names with the beginning of their hash. Other arguments go to
    ``runner.save_checkpoint``. MMEngine 0.10.7, mmengine/hooks/checkpoint_hook.py.

    The message hub's facts ``last_ckpt``, ``keep_ckpt_ids``, ``best_score`` and ``best_ckpt`` (of several metrics,
    ``best_score_<metric>`` and ``best_ckpt_<metric>``) tell what was saved; so do ``best_ckpt_path`` and, of several
    metrics, ``best_ckpt_path_dict``.
    """

    priority = "VERY_LOW"

    def __init__(
        self,
        interval: int = -1,
        by_epoch: bool = True,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        out_dir: str | os.PathLike[str] | None = None,
        max_keep_ckpts: int = -1,
        save_last: bool = True,
        save_best: Texts = None,
        rule: Texts = None,
        greater_keys: Texts = None,
        less_keys: Texts = None,
        file_client_args: Mapping[str, Any] | None = None,
        filename_tmpl: str | None = None,
        backend_args: Mapping[str, Any] | None = None,
        published_keys: Texts = None,
        save_begin: int = 0,
        **kwargs: Any,
    ) -> None:
        if save_begin < 0:
            raise ValueError(f"CheckpointHook: save_begin must be at least 0, found {save_begin}")
        if file_client_args is not None and backend_args is not None:
            raise ValueError("CheckpointHook: file_client_args and backend_args say the same; keep backend_args")
        self.interval = interval
        self.by_epoch = by_epoch
        self.save_optimizer = save_optimizer
        self.save_param_scheduler = save_param_scheduler
        self.out_dir = self._given_out_dir = out_dir
        self.max_keep_ckpts = max_keep_ckpts
        self.save_last = save_last
        self.backend_args = file_client_args if backend_args is None else backend_args
        self.filename_tmpl = filename_tmpl or ("epoch_{}.pth" if by_epoch else "iter_{}.pth")
        self.published_keys = distinct("published_keys", published_keys)
        self.save_begin = save_begin
        self.args = kwargs
        self.save_best = distinct("save_best", save_best)
        named = {"rule": rule, "greater_keys": greater_keys, "less_keys": less_keys}
        choice = [texts(name, value) for name, value in named.items()]
        self.best = None if self.save_best is None else BestScores(self.save_best, *choice)
        self.best_ckpt_path: str | None = None  # where there is one metric, else they are in the dict
        self.best_ckpt_path_dict: dict[str, str | None] = {}
        self.last_ckpt: str | None = None
        self.keep_ckpt_ids: deque[int] = deque()
        self._directory: str | None = None  # until training has begun

    def before_train(self, runner: Any) -> None:
        """Decide and log where the files go; learn what an earlier part of the run has saved."""
        directory = output_dir(self._given_out_dir, runner.work_dir, type(self).__name__, self.backend_args)
        self.out_dir = self._directory = directory
        runner.logger.info(f"Checkpoints will be saved to {directory}.")
        self._learn_best(runner.message_hub)
        if self.max_keep_ckpts > 0:
            self.keep_ckpt_ids = deque(runner.message_hub.get_info("keep_ckpt_ids", ()))
            self._remove_old(runner)

    def after_train_epoch(self, runner: Any) -> None:
        """Save if it is time, by epoch."""
        if not self.by_epoch:
            return
        if self.every_n_epochs(runner, self.interval, self.save_begin) or (
            self.save_last and self.is_last_train_epoch(runner)
        ):
            runner.logger.info(f"Saving checkpoint at {runner.epoch + 1} epochs")
            self._save_checkpoint(runner)

    @takes()
    def after_train_iter(self, runner: Any, batch_idx: int = 0, data_batch: Any = None, outputs: Any = None) -> None:
        """Save if it is time, by iteration."""
        if self.by_epoch:
            return
        if self.every_n_train_iters(runner, self.interval, self.save_begin) or (
            self.save_last and self.is_last_train_iter(runner)
        ):
            runner.logger.info(f"Saving checkpoint at {runner.iter + 1} iterations")
            self._save_checkpoint(runner)

    def after_val_epoch(self, runner: Any, metrics: Mapping[str, Any]) -> None:
        """Save what is the best so far. Raises MissingKey if a metric of ``save_best`` is not there."""
        if self.best is None or self._directory is None:
            return
        if metrics:
            self._save_best_checkpoint(runner, metrics)
        else:
            runner.logger.warning("This validation gave no metrics, so no checkpoint is the best.")

    def after_train(self, runner: Any) -> None:
        """Publish the last and the best files."""
        if self.published_keys is None:
            return
        metrics = [] if self.best is None else self.best.metrics
        best = [self.best.path(runner.message_hub, each) for each in metrics] if self.best else []
        for path in [self.last_ckpt if self.save_last else None, *best]:
            if path is not None:
                publish(path, self.published_keys, runner.logger)

    def _save_checkpoint(self, runner: Any) -> None:
        """A regular checkpoint, of the epoch or iteration that is ending."""
        if self.by_epoch:
            step = runner.epoch + 1
            meta = {"epoch": step, "iter": runner.iter}
        else:
            step = runner.iter + 1
            meta = {"epoch": runner.epoch, "iter": step}
        self._save_checkpoint_with_step(runner, step, meta)

    def _save_checkpoint_with_step(self, runner: Any, step: int, meta: dict[str, int]) -> None:
        hub = runner.message_hub
        if self.max_keep_ckpts > 0 and step not in list(self.keep_ckpt_ids)[-1:]:
            self.keep_ckpt_ids.append(step)
            hub.update_info("keep_ckpt_ids", list(self.keep_ckpt_ids)[-self.max_keep_ckpts :])
        self.last_ckpt = self._path(step)
        hub.update_info("last_ckpt", self.last_ckpt)
        self._write(runner, self.last_ckpt, self.save_optimizer, self.save_param_scheduler, meta, **self.args)
        self._remove_old(runner)
        if runner.rank == 0:
            with replacing(os.path.join(runner.work_dir, "last_checkpoint")) as partial:
                Path(partial).write_text(self.last_ckpt, "utf-8")

    def _save_best_checkpoint(self, runner: Any, metrics: Mapping[str, Any]) -> None:
        """A file for each new best score, then the regular one of the epoch or iteration that has ended."""
        assert self.best is not None
        hub, meta = runner.message_hub, {"epoch": runner.epoch, "iter": runner.iter}
        step, unit = (runner.epoch, "epoch") if self.by_epoch else (runner.iter, "iter")
        new = self.best.new_bests(hub, metrics)
        for metric, score in new:
            before = self.best.path(hub, metric)
            name = f"best_{metric}_{self.filename_tmpl.format(step)}".replace("/", "_")
            path = os.path.join(str(self._directory), name)
            self.best.note(hub, metric, score, path)
            self._write(runner, path, False, False, meta)
            if before != path and self._remove(runner, before):
                runner.logger.info(f"The previous best checkpoint {before} is removed")
            runner.logger.info(f"The best checkpoint with {score:0.4f} {metric} at {step} {unit} is saved to {name}.")
        self._learn_best(hub)
        if new and self.last_ckpt is not None:
            self._save_checkpoint_with_step(runner, step, meta)

    def _learn_best(self, hub: Any) -> None:
        """Keep the files of the best scores for those who ask this hook for them."""
        paths = {} if self.best is None else {metric: self.best.path(hub, metric) for metric in self.best.metrics}
        self.best_ckpt_path = next(iter(paths.values())) if len(paths) == 1 else None
        self.best_ckpt_path_dict = paths if len(paths) > 1 else {}

    def _write(
        self, runner: Any, path: str, optimizer: bool, scheduler: bool, meta: dict[str, int], **options: Any
    ) -> None:
        runner.save_checkpoint(
            os.path.dirname(path),
            os.path.basename(path),
            save_optimizer=optimizer,
            save_param_scheduler=scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **options,
        )

    def _path(self, step: int) -> str:
        return os.path.join(str(self._directory), self.filename_tmpl.format(step))

    def _remove_old(self, runner: Any) -> None:
        """Only once the new file is there, so that a run that is killed has one at every moment."""
        while 0 < self.max_keep_ckpts < len(self.keep_ckpt_ids):
            path = self._path(self.keep_ckpt_ids.popleft())
            if path != self.last_ckpt:
                self._remove(runner, path)

    def _remove(self, runner: Any, path: str | None) -> bool:
        if runner.rank != 0 or path is None or not os.path.isfile(path):
            return False
        os.remove(path)
        return True
