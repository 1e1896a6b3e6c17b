"""EpochBasedRunner: a run counted in epochs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from mmbridge.runners.legacy.build import RUNNERS
from mmbridge.runners.legacy.runner import BaseRunner, check_workflow


@RUNNERS.register_module()
class EpochBasedRunner(BaseRunner):
    """Trains for ``max_epochs`` passes over the data, through the flows of a workflow.

    The points, in order: before_run; of each training epoch before_train_epoch, of each of its batches
    before_train_iter and after_train_iter, then after_train_epoch; of val epochs the same with ``val``;
    after_run. ``iter`` counts once after_train_iter is over, ``epoch`` once after_train_epoch is. Hooks of the new
    generation also hear before_train and after_train around it all, before_val and after_val around a val epoch.
    MMCV 1.7.2, mmcv/runner/epoch_based_runner.py.
    """

    def run_iter(self, data_batch: Any, train_mode: bool, **kwargs: Any) -> None:
        """Compute one batch; its ``log_vars`` go to the log buffer, its outputs must be a dict."""
        if self.batch_processor is not None:
            outputs = self.batch_processor(self.model, data_batch, train_mode=train_mode, **kwargs)
        elif train_mode:
            outputs = self.model.train_step(data_batch, self.optimizer, **kwargs)  # type: ignore[operator]
        else:
            outputs = self.model.val_step(data_batch, self.optimizer, **kwargs)  # type: ignore[operator]
        self.outputs = self._reported(outputs, "batch_processor(), model.train_step() and model.val_step()")

    def train(self, data_loader: Any, **kwargs: Any) -> None:
        """One training epoch; ``kwargs`` go to ``train_step``."""
        self.model.train()
        self.mode = "train"
        self.data_loader = data_loader
        if self._max_epochs is not None:
            self._max_iters = self._max_epochs * len(data_loader)
        self.call_hook("before_train_epoch")
        for index, data_batch in enumerate(self.data_loader):  # which a hook may have replaced
            self.data_batch = data_batch
            self._inner_iter = index
            self.call_hook("before_train_iter")
            self.run_iter(data_batch, train_mode=True, **kwargs)
            self.call_hook("after_train_iter")
            del self.data_batch
            self._iter += 1
        self.call_hook("after_train_epoch")
        self._epoch += 1

    @torch.no_grad()
    def val(self, data_loader: Any, **kwargs: Any) -> None:
        """One pass over the validation data; ``kwargs`` are dropped."""
        self.model.eval()
        self.mode = "val"
        self.data_loader = data_loader
        self.call_hook("before_val")
        self.call_hook("before_val_epoch")
        for index, data_batch in enumerate(self.data_loader):
            self.data_batch = data_batch
            self._inner_iter = index
            self.call_hook("before_val_iter")
            self.run_iter(data_batch, train_mode=False)
            self.call_hook("after_val_iter")
            del self.data_batch
        self.call_hook("after_val_epoch")
        self.call_hook("after_val")

    def run(
        self,
        data_loaders: list[Any],
        workflow: Sequence[tuple[str, int]],
        max_epochs: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Go through the flows of ``workflow``, each with its own loader, until ``max_epochs`` are trained.

        A flow ``(mode, times)`` calls the method ``mode`` that often; training stops in the middle of a
        flow, other flows are finished. Raises TypeError or ValueError, before anything runs, for what
        cannot be run.
        """
        if max_epochs is not None:
            warnings.warn("max_epochs belongs to the runner, not to run()", DeprecationWarning, stacklevel=2)
            self._max_epochs = max_epochs
        if self._max_epochs is None:
            raise ValueError("max_epochs must be specified during instantiation of the runner")
        check_workflow(self, data_loaders, workflow)
        for (mode, _), data_loader in zip(workflow, data_loaders, strict=True):
            if mode == "train":
                self._max_iters = self._max_epochs * len(data_loader)
                break
        self._begin_flows(workflow, data_loaders)
        self._log_start(workflow, f"{self._max_epochs} epochs")
        self.call_hook("before_run")
        self.call_hook("before_train")
        while self.epoch < self._max_epochs and not self._is_stopped():
            for (mode, times), data_loader in zip(workflow, data_loaders, strict=True):
                for _ in range(times):
                    if mode == "train" and self.epoch >= self._max_epochs:
                        break
                    getattr(self, mode)(data_loader, **kwargs)
        self.call_hook("after_train")
        self.call_hook("after_run")

    def save_checkpoint(
        self,
        out_dir: str,
        filename_tmpl: str = "epoch_{}.pth",
        save_optimizer: bool = True,
        meta: dict[str, Any] | None = None,
        create_symlink: bool = True,
    ) -> None:
        """Write ``out_dir/filename_tmpl``, filled with the number of the epoch that is ending, from 1.

        ``meta`` is changed in place: it receives the runner's ``meta``, ``epoch`` and ``iter``.
        """
        self._save(out_dir, filename_tmpl.format(self.epoch + 1), save_optimizer, meta, create_symlink)


@RUNNERS.register_module()
class Runner(EpochBasedRunner):
    """The old name of EpochBasedRunner."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn("Runner was deprecated, please use EpochBasedRunner", DeprecationWarning, stacklevel=2)
        super().__init__(*args, **kwargs)
