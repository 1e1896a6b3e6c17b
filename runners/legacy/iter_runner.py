"""IterBasedRunner: a run counted in iterations; IterLoader: a data loader without end."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from mmbridge.compat.hook import Hook
from mmbridge.runners.legacy.build import RUNNERS
from mmbridge.runners.legacy.registration import HookConfig
from mmbridge.runners.legacy.runner import BaseRunner, check_workflow


class IterLoader:
    """Draws batches from ``dataloader`` again and again; ``epoch`` counts how often it was exhausted.

    At each new pass ``dataloader.sampler.set_epoch`` is told the count, where there is such a method.
    """

    def __init__(self, dataloader: Any) -> None:
        self._dataloader = dataloader
        self.iter_loader: Iterator[Any] = iter(dataloader)
        self._epoch = 0

    @property
    def epoch(self) -> int:
        """How many passes over the data are complete."""
        return self._epoch

    def __iter__(self) -> IterLoader:
        return self

    def __next__(self) -> Any:
        try:
            return next(self.iter_loader)
        except StopIteration:
            self._epoch += 1
        sampler = getattr(self._dataloader, "sampler", None)
        if sampler is not None and hasattr(sampler, "set_epoch"):
            sampler.set_epoch(self._epoch)
        self.iter_loader = iter(self._dataloader)
        try:
            return next(self.iter_loader)
        except StopIteration:
            raise ValueError("the data loader is empty: there is no batch to draw") from None

    def __len__(self) -> int:
        return len(self._dataloader)


@RUNNERS.register_module()
class IterBasedRunner(BaseRunner):
    """Trains for ``max_iters`` iterations, through the flows of a workflow.

    The points, in order: before_run, before_epoch; of each training iteration before_train_iter and
    after_train_iter, of each val iteration the same with ``val``; after_epoch, after_run. The points of
    train and val epochs are never fired. ``epoch`` is the number of passes over the data before the
    present batch was drawn. MMCV 1.7.2, mmcv/runner/iter_based_runner.py.
    """

    def train(self, data_loader: Any, **kwargs: Any) -> None:
        """One training iteration; ``kwargs`` go to ``train_step``."""
        self.model.train()
        self.mode = "train"
        self.data_loader = data_loader
        self._epoch = data_loader.epoch
        self.data_batch = next(data_loader)
        self.call_hook("before_train_iter")
        outputs = self.model.train_step(self.data_batch, self.optimizer, **kwargs)  # type: ignore[operator]
        self.outputs = self._reported(outputs, "model.train_step()")
        self.call_hook("after_train_iter")
        del self.data_batch
        self._inner_iter += 1
        self._iter += 1

    @torch.no_grad()
    def val(self, data_loader: Any, **kwargs: Any) -> None:
        """One validation iteration; ``kwargs`` go to ``val_step``, which is not given the optimizer."""
        self.model.eval()
        self.mode = "val"
        self.data_loader = data_loader
        self.data_batch = next(data_loader)
        self.call_hook("before_val_iter")
        outputs = self.model.val_step(self.data_batch, **kwargs)  # type: ignore[operator]
        self.outputs = self._reported(outputs, "model.val_step()")
        self.call_hook("after_val_iter")
        del self.data_batch
        self._inner_iter += 1

    def run(
        self,
        data_loaders: list[Any],
        workflow: Sequence[tuple[str, int]],
        max_iters: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Go through the flows of ``workflow``, each with its own loader, until ``max_iters`` are trained.

        A flow ``(mode, times)`` calls the method ``mode`` that often; training stops in the middle of a
        flow, other flows are finished. Raises TypeError or ValueError, before anything runs, for what
        cannot be run.
        """
        if max_iters is not None:
            warnings.warn("max_iters belongs to the runner, not to run()", DeprecationWarning, stacklevel=2)
            self._max_iters = max_iters
        if self._max_iters is None:
            raise ValueError("max_iters must be specified during instantiation of the runner")
        check_workflow(self, data_loaders, workflow)
        self._begin_flows(workflow, data_loaders)
        self._log_start(workflow, f"{self._max_iters} iters")
        self.call_hook("before_run")
        self.call_hook("before_train")
        loaders = [IterLoader(data_loader) for data_loader in data_loaders]
        self.call_hook("before_epoch")
        while self.iter < self._max_iters and not self._is_stopped():
            for (mode, times), loader in zip(workflow, loaders, strict=True):
                self._inner_iter = 0
                for _ in range(times):
                    if mode == "train" and self.iter >= self._max_iters:
                        break
                    getattr(self, mode)(loader, **kwargs)
        self.call_hook("after_epoch")
        self.call_hook("after_train")
        self.call_hook("after_run")

    def resume(self, checkpoint: str, resume_optimizer: bool = True, map_location: Any = "default") -> None:
        """Go on where ``checkpoint`` was saved: weights, counters, the hooks' messages, the optimizer.

        The iteration saved is the one that was running, so it is trained again. ``meta`` stays this run's,
        except for what hooks keep there.
        """
        loaded = self._read_resumed(checkpoint, map_location)
        self._inner_iter = self._iter
        kept = {key: loaded["meta"][key] for key in ("hook_msgs", "fp16") if key in loaded["meta"]}
        if kept:
            self.meta = {**(self.meta or {}), **kept}
        self._resume_optimizer(loaded, resume_optimizer)
        self.logger.info("resumed from epoch: %d, iter %d", self.epoch, self.iter)

    def save_checkpoint(
        self,
        out_dir: str,
        filename_tmpl: str = "iter_{}.pth",
        meta: dict[str, Any] | None = None,
        save_optimizer: bool = True,
        create_symlink: bool = True,
    ) -> None:
        """Write ``out_dir/filename_tmpl``, filled with the number of the iteration that is ending, from 1.

        ``meta`` is changed in place: it receives the runner's ``meta``, ``epoch`` and ``iter``.
        """
        self._save(out_dir, filename_tmpl.format(self.iter + 1), save_optimizer, meta, create_symlink)

    def register_training_hooks(  # type: ignore[override]
        self,
        lr_config: HookConfig,
        optimizer_config: HookConfig = None,
        checkpoint_config: HookConfig = None,
        log_config: Mapping[str, Any] | None = None,
        momentum_config: HookConfig = None,
        custom_hooks_config: Any = None,
    ) -> None:
        """Add the hooks of a training run; rate, checkpoint and loggers go by iteration by default."""
        if log_config is not None and "hooks" in log_config:
            log_config = {**log_config, "hooks": [_by_iteration(each) for each in log_config["hooks"]]}
        super().register_training_hooks(
            _by_iteration(lr_config),
            optimizer_config,
            _by_iteration(checkpoint_config),
            log_config,
            momentum_config,
            custom_hooks_config=custom_hooks_config,
        )


def _by_iteration(config: HookConfig) -> HookConfig:
    if config is None or isinstance(config, Hook):
        return config
    return {"by_epoch": False, **config}
