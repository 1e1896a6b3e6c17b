"""WorkflowTrainLoop: MMCV 1.x's workflow with ``val`` in it, which measures the loss on validation data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.log_buffer import LogBuffer
from mmbridge.runners.loop.registry import LOOPS
from mmbridge.runners.loop.runner.base_loop import BaseLoop
from mmbridge.runners.loop.runner.train_loops import EpochBasedTrainLoop
from torch import nn


@LOOPS.register_module()
class WorkflowTrainLoop(EpochBasedTrainLoop):
    """Trains for ``max_epochs`` epochs through the flows of ``workflow``: ``[('train', 2), ('val', 1)]``.

    A flow ``('val', n)`` goes n times through ``val_dataloader`` and reports the mean of every loss, by samples, as
    the validation's metrics; the model must have ``loss_step`` (an adapted 1.x model has) or the mode ``loss`` of
    MMEngine's ``forward``. The runner's own validation, with its evaluator, goes on beside it. Training stops in the
    middle of a flow, val flows are finished. MMCV 1.7.2, mmcv/runner/epoch_based_runner.py.

    Raises:
        ConfigError: the workflow is no list of (mode, times), has another mode, or never trains.
    """

    def __init__(
        self,
        runner: Any,
        dataloader: Any,
        max_epochs: int,
        workflow: Sequence[tuple[str, int]],
        val_dataloader: Any = None,
        **intervals: Any,
    ) -> None:
        _check(workflow, val_dataloader)
        super().__init__(runner, dataloader, max_epochs, **intervals)
        self.workflow = list(workflow)
        self.val_loss_loop = None if val_dataloader is None else ValLossLoop(runner, val_dataloader)

    def run(self) -> nn.Module:
        """Train; returns the model."""
        with self.runner.at_work("train", self.dataloader):
            self.runner.call_hook("before_train")
            while self._epoch < self._max_epochs and not self.stop_training:
                for mode, times in self.workflow:
                    for _ in range(times):
                        self._flow(mode)
            self.runner.call_hook("after_train")
        return self.runner.model  # type: ignore[no-any-return]

    def _flow(self, mode: str) -> None:
        if mode == "val" and self.val_loss_loop is not None:
            self.val_loss_loop.run()
        elif mode == "train" and self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate_if_due()


class ValLossLoop(BaseLoop):
    """The losses on the data, without gradients and in eval mode, as MMCV 1.x's ``val`` epochs."""

    mode = "val"

    def run(self) -> dict[str, float]:
        """One pass; returns the mean of each loss over the samples, which the hooks get as metrics."""
        with self.runner.at_work("val", self.dataloader):
            return self._run()

    def _run(self) -> dict[str, float]:
        runner = self.runner
        means = LogBuffer()
        runner.call_hook("before_val")
        runner.call_hook("before_val_epoch")
        runner.model.eval()
        for idx, data_batch in enumerate(self.dataloader):
            runner.call_hook("before_val_iter", batch_idx=idx, data_batch=data_batch)
            outputs, samples = self._losses(data_batch)
            means.update(outputs, samples)
            runner.call_hook("after_val_iter", batch_idx=idx, data_batch=data_batch, outputs=outputs)
        means.average()
        metrics = dict(means.output)
        runner.call_hook("after_val_epoch", metrics=metrics)
        runner.call_hook("after_val")
        return metrics

    @torch.no_grad()
    def _losses(self, data_batch: Any) -> tuple[dict[str, float], int]:
        if hasattr(self.runner.model, "loss_step"):
            outputs, samples = self.runner.model.loss_step(data_batch)
            return {name: float(value) for name, value in outputs.items()}, samples
        model = self.runner.bare_model
        data = model.data_preprocessor(data_batch, False)
        losses = model(**data, mode="loss") if isinstance(data, dict) else model(*data, mode="loss")
        _, outputs = model.parse_losses(losses)
        samples = len(data["inputs"] if isinstance(data, dict) else data[0])
        return {name: float(value) for name, value in outputs.items()}, samples


def _check(workflow: Any, val_dataloader: Any) -> None:
    flows: list[Any] = list(workflow) if isinstance(workflow, (list, tuple)) else [None]
    if not all(isinstance(flow, (list, tuple)) and len(flow) == 2 for flow in flows):
        raise ConfigError(f"train_cfg.workflow: must be a list of (mode, times), found {workflow!r}")
    modes = [mode for mode, _ in flows]
    if set(modes) - {"train", "val"} or not all(isinstance(times, int) and times > 0 for _, times in flows):
        raise ConfigError(f"train_cfg.workflow: modes are 'train' and 'val', each 1 time or more; found {workflow!r}")
    if "train" not in modes:
        raise ConfigError(f"train_cfg.workflow: {workflow!r} never trains, so it would never end; add ('train', 1)")
    if "val" in modes and val_dataloader is None:
        raise ConfigError("train_cfg.val_dataloader: a workflow with 'val' needs the data to measure the loss on")
