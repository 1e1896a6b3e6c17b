"""The hooks that turn a loss into a step of the optimizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mmbridge.compat.errors import BridgeError
from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.norms import BATCH_NORM
from mmbridge.runners.optim.unrecorded import clear_grads, take_step
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_


@HOOKS.register_module()
class OptimizerHook(LegacyHook):
    """After each training iteration: gradients of ``runner.outputs['loss']``, clipped, and one step.

    ``grad_clip`` are the arguments of ``clip_grad_norm_``; the norm before clipping is logged as
    ``grad_norm``. ``detect_anomalous_params`` logs an error for each parameter that the loss does not
    depend on. MMCV 1.7.2, mmcv/runner/hooks/optimizer.py.
    """

    def __init__(self, grad_clip: Mapping[str, Any] | None = None, detect_anomalous_params: bool = False) -> None:
        self.grad_clip = grad_clip
        self.detect_anomalous_params = detect_anomalous_params

    def clip_grads(self, params: Iterable[nn.Parameter]) -> Tensor | None:
        """Clip the gradients there are; returns their norm before, None without any."""
        with_grads = [param for param in params if param.requires_grad and param.grad is not None]
        return clip_grad_norm_(with_grads, **(self.grad_clip or {})) if with_grads else None

    def after_train_iter(self, runner: Any) -> None:
        """Clear gradients, go backward, clip, step. Raises BridgeError for a dict of optimizers."""
        optimizer = self.optimizer_of(runner)
        clear_grads(optimizer)
        if self.detect_anomalous_params:
            self.detect_anomalous_parameters(runner.outputs["loss"], runner)
        runner.outputs["loss"].backward()
        self._clip_and_log(runner)
        take_step(optimizer)

    def optimizer_of(self, runner: Any) -> Any:
        """The one optimizer of the run; BridgeError where it has several."""
        if isinstance(runner.optimizer, dict):
            raise BridgeError(
                f"{type(self).__name__} steps one optimizer, the run has a dict of them: "
                f"{', '.join(runner.optimizer)}. Such a model steps them itself: set optimizer_config = None"
            )
        return runner.optimizer

    def _clip_and_log(self, runner: Any) -> None:
        if self.grad_clip is None:
            return
        grad_norm = self.clip_grads(runner.model.parameters())
        if grad_norm is not None:
            runner.log_buffer.update({"grad_norm": float(grad_norm)}, runner.outputs["num_samples"])

    def detect_anomalous_parameters(self, loss: Tensor, runner: Any) -> None:
        """Log an error for each trainable parameter that is not in the graph of ``loss``."""
        reached = _parameters_in_graph(loss)
        for name, param in runner.model.named_parameters():
            if param.requires_grad and id(param) not in reached:
                runner.logger.error(f"{name} with shape {param.size()} is not in the computational graph \n")


def _parameters_in_graph(loss: Tensor) -> set[int]:
    reached = set()
    seen = set()
    pending = [loss.grad_fn]
    while pending:
        node = pending.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)  # the node that accumulates a parameter's gradient
        if variable is not None:
            reached.add(id(variable))
        pending.extend(parent for parent, _ in node.next_functions)
    return reached


@HOOKS.register_module()
class GradientCumulativeOptimizerHook(OptimizerHook):
    """One step per ``cumulative_iters`` iterations, for the mean of their losses; others as OptimizerHook.

    Counts iterations of the whole run, so it goes on across epochs; the last iterations, where they are
    fewer, make a step of their own. Gradients left from before the first iteration are not cleared.
    """

    def __init__(self, cumulative_iters: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(cumulative_iters, int) or cumulative_iters < 1:
            raise ValueError(f"cumulative_iters only accepts positive int, but got {cumulative_iters!r} instead.")
        self.cumulative_iters = cumulative_iters
        self.remainder_iters = 0
        self._begun = False

    def has_batch_norm(self, module: nn.Module) -> bool:
        """Whether ``module`` holds batch normalization, whose statistics accumulation does not enlarge."""
        return any(isinstance(each, BATCH_NORM) for each in module.modules())

    def _begin(self, runner: Any) -> None:
        if runner.iter % self.cumulative_iters != 0:
            runner.logger.warning(
                "Resume iter number is not divisible by cumulative_iters in GradientCumulativeOptimizerHook, "
                "which means the gradient of some iters is lost and the result may be influenced slightly."
            )
        if self.cumulative_iters > 1 and self.has_batch_norm(runner.model):
            runner.logger.warning(
                "GradientCumulativeOptimizerHook may slightly decrease performance if the model has BatchNorm layers."
            )
        self.remainder_iters = runner.max_iters % self.cumulative_iters
        self._begun = True

    def _get_loss_factor(self, runner: Any) -> int:
        """How many losses the step that is due averages."""
        if runner.iter < runner.max_iters - self.remainder_iters:
            return self.cumulative_iters
        runner.logger.warning(
            f"Loss will be divided by {self.remainder_iters} in the last {self.remainder_iters} iterations "
            f"because they are not enough for {self.cumulative_iters} cumulative_iters."
        )
        return self.remainder_iters

    def _is_due(self, runner: Any) -> bool:
        return self.every_n_iters(runner, self.cumulative_iters) or self.is_last_iter(runner)

    def after_train_iter(self, runner: Any) -> None:
        """Go backward on the loss's share; clip, step and clear gradients where a step is due."""
        if not self._begun:
            self._begin(runner)
        loss = runner.outputs["loss"] / self._get_loss_factor(runner)
        loss.backward()
        if self._is_due(runner):
            self._clip_and_log(runner)
            optimizer = self.optimizer_of(runner)
            take_step(optimizer)
            clear_grads(optimizer)
