"""Validation and test: one pass over the data without gradients, then the metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from mmbridge.runners.blame import blaming
from mmbridge.runners.loop.dataset.test_mode import in_test_mode
from mmbridge.runners.loop.registry import LOOPS
from mmbridge.runners.loop.runner.base_loop import BaseLoop
from mmbridge.runners.loop.structures import BaseDataElement


class EvaluationLoop(BaseLoop):
    """What both have in common; ``mode`` names the points, the model's method and the sum of losses.

    ``evaluator`` is an Evaluator, the dict of one, or metrics. ``fp16`` runs the model's step under autocast. Where
    the last of a step's outputs is a data element that holds nothing but ``loss``, its entries are averaged and
    reported beside the metrics.
    """

    mode: ClassVar[str]

    def __init__(self, runner: Any, dataloader: Any, evaluator: Any, fp16: bool = False) -> None:
        super().__init__(runner, in_test_mode(dataloader))
        with blaming(f"{self.mode}_evaluator"):
            self.evaluator = runner.build_evaluator(evaluator)
            self.evaluator.use_dataset(self.dataloader.dataset)
        runner.see_dataset(self.dataloader)
        self.fp16 = fp16
        self._losses: dict[str, list[float]] = {}

    def run(self) -> dict[str, Any]:
        """One pass over the data; returns the metrics."""
        with self.runner.at_work(self.mode, self.dataloader):
            return self._run()

    def _run(self) -> dict[str, Any]:
        mode, runner = self.mode, self.runner
        runner.call_hook(f"before_{mode}")
        runner.call_hook(f"before_{mode}_epoch")
        runner.model.eval()
        self._losses.clear()
        for idx, data_batch in enumerate(self.dataloader):
            self.run_iter(idx, data_batch)
        metrics: dict[str, Any] = self.evaluator.evaluate(len(self.dataloader.dataset))
        if self._losses:
            means = {name: sum(values) / len(values) for name, values in self._losses.items()}
            metrics.update(means)
            metrics[f"{mode}_loss"] = sum(mean for name, mean in means.items() if "loss" in name)
        runner.call_hook(f"after_{mode}_epoch", metrics=metrics)
        runner.call_hook(f"after_{mode}")
        return metrics

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch: Any) -> None:
        """The model's step on ``data_batch``, the batch number ``idx``, and the metrics' part of it."""
        mode, runner = self.mode, self.runner
        runner.inner_iter, runner.data_batch = idx, data_batch
        runner.call_hook(f"before_{mode}_iter", batch_idx=idx, data_batch=data_batch)
        step = getattr(runner.model, f"{mode}_step")
        if self.fp16:
            with torch.autocast(runner.device.type):
                outputs = step(data_batch)
        else:
            outputs = step(data_batch)
        runner.outputs = outputs = self._without_losses(outputs)
        self.evaluator.process(data_samples=outputs, data_batch=data_batch)
        runner.call_hook(f"after_{mode}_iter", batch_idx=idx, data_batch=data_batch, outputs=outputs)

    def _without_losses(self, outputs: Any) -> Any:
        if not isinstance(outputs, Sequence) or not outputs:
            return outputs
        last = outputs[-1]
        if not isinstance(last, BaseDataElement) or list(last.keys()) != ["loss"]:
            return outputs
        losses: Mapping[str, Any] = last.loss
        for name, value in losses.items():
            tensors = [value] if isinstance(value, torch.Tensor) else value
            self._losses.setdefault(name, []).extend(tensor.item() for tensor in tensors)
        return outputs[:-1]


@LOOPS.register_module()
class ValLoop(EvaluationLoop):
    """Validates while training, or alone. MMEngine 0.10.7, mmengine/runner/loops.py."""

    mode = "val"


@LOOPS.register_module()
class TestLoop(EvaluationLoop):
    """Tests. MMEngine 0.10.7, mmengine/runner/loops.py."""

    __test__ = False  # not a test of pytest's
    mode = "test"
