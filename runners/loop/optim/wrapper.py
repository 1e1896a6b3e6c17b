"""OptimWrapper: one call from the loss to changed parameters, with accumulation and clipping."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from mmbridge.runners.loop.logging import MessageHub, print_log
from mmbridge.runners.loop.optim.interface import BaseOptimWrapper
from mmbridge.runners.loop.registry import OPTIM_WRAPPERS
from mmbridge.runners.norms import BATCH_NORM
from mmbridge.runners.optim.unrecorded import clear_grads, take_step
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim import Optimizer

_CLIPPING: dict[str, tuple[str, Callable[..., Any]]] = {
    "norm": ("grad_norm", clip_grad_norm_),
    "value": ("grad_value", clip_grad_value_),
}


@OPTIM_WRAPPERS.register_module()
class OptimWrapper(BaseOptimWrapper):
    """Steps ``optimizer`` once per ``accumulative_counts`` losses, by the gradient of their mean.

    Gradients are cleared after a step, never before the first loss. ``clip_grad`` holds the arguments of torch's
    ``clip_grad_norm_`` or, with ``type='value'``, of ``clip_grad_value_``; the norm before clipping is logged as
    ``train/grad_norm``. Raises ValueError for other counts and settings. A subclass that overrides :meth:`backward`
    adds 1 to ``_inner_count`` in it. MMEngine 0.10.7, mmengine/optim/optimizer/optimizer_wrapper.py.
    """

    message_hub: MessageHub | None = None
    """Where the norm is logged; the runner sets it. Nothing is logged without one."""

    def __init__(
        self, optimizer: Optimizer, accumulative_counts: int = 1, clip_grad: Mapping[str, Any] | None = None
    ) -> None:
        if accumulative_counts < 1:
            raise ValueError(f"accumulative_counts must be 1 or more, found {accumulative_counts!r}")
        super().__init__(optimizer)
        self._accumulative_counts = accumulative_counts
        self.clip_grad_kwargs: dict[str, Any] | None = None
        if clip_grad is not None:
            self.grad_name, self.clip_func, self.clip_grad_kwargs = _clipping(clip_grad)
        self._inner_count = 0
        self._max_counts = -1
        self._remainder_counts = -1

    @property
    def inner_count(self) -> int:
        """How many losses there were."""
        return self._inner_count

    def update_params(
        self, loss: Tensor, step_kwargs: dict[str, Any] | None = None, zero_kwargs: dict[str, Any] | None = None
    ) -> None:
        """Go backward on the loss's share; where a step is due, step (``step_kwargs``) and clear (``zero_kwargs``)."""
        self.backward(self.scale_loss(loss))
        if self.should_update():
            # Calls with ** take as long as all the rest here, so there are none without need; below, too.
            self.step(**step_kwargs) if step_kwargs else self.step()
            self.zero_grad(**zero_kwargs) if zero_kwargs else self.zero_grad()

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Add the gradients of ``loss`` to those there are; ``kwargs`` go to ``Tensor.backward``."""
        loss.backward(**kwargs) if kwargs else loss.backward()  # type: ignore[no-untyped-call]
        self._inner_count += 1

    def zero_grad(self, **kwargs: Any) -> None:
        """Clear gradients; ``kwargs`` go to the optimizer's method."""
        self.optimizer.zero_grad(**kwargs) if kwargs else clear_grads(self.optimizer)

    def step(self, **kwargs: Any) -> None:
        """Clip, and let the optimizer step; ``kwargs`` go to its method."""
        if self.clip_grad_kwargs:
            self._clip_grad()
        self.optimizer.step(**kwargs) if kwargs else take_step(self.optimizer)

    def optim_context(self, model: Any) -> AbstractContextManager[Any]:
        """What ``model`` computes its loss in: without averaging gradients over processes before a step is due."""
        if not self.should_sync() and hasattr(model, "no_sync"):
            context: AbstractContextManager[Any] = model.no_sync()
            return context
        return _NO_CONTEXT

    def initialize_count_status(self, model: nn.Module, init_counts: int, max_counts: int) -> None:
        """Say that ``init_counts`` of ``max_counts`` losses are behind us, so that the last step is right and is done.

        Without this, losses after the last full ``accumulative_counts`` are lost.
        """
        self._inner_count = init_counts
        self._max_counts = max_counts
        self._remainder_counts = max_counts % self._accumulative_counts
        if init_counts % self._accumulative_counts != 0:
            _warn(
                f"going on at iteration {init_counts}, between two steps of accumulative_counts="
                f"{self._accumulative_counts}: the gradients that were accumulated before are lost"
            )
        if self._accumulative_counts > 1 and any(isinstance(each, BATCH_NORM) for each in model.modules()):
            _warn(
                "the model has batch normalization, whose statistics are of single iterations: "
                f"accumulative_counts={self._accumulative_counts} may be a little worse than larger batches"
            )

    def should_update(self) -> bool:
        """Whether a step is due after the last loss."""
        return self._inner_count % self._accumulative_counts == 0 or self._inner_count == self._max_counts

    def should_sync(self) -> bool:
        """Whether a step will be due after the next loss."""
        coming = self._inner_count + 1
        return coming % self._accumulative_counts == 0 or coming == self._max_counts

    def scale_loss(self, loss: Tensor) -> Tensor:
        """``loss`` divided by how many losses the coming step is for: fewer than usual at the very end of training.

        Raises ValueError for a loss after the last that :meth:`initialize_count_status` announced.
        """
        counts = self._accumulative_counts
        if counts == 1:
            return loss
        if self._max_counts != -1 and self._inner_count >= self._max_counts - self._remainder_counts:
            counts = self._remainder_counts
            if counts == 0:
                raise ValueError(
                    f"update_params is called for loss {self._inner_count + 1}, but initialize_count_status "
                    f"announced {self._max_counts}; announce as many as there will be"
                )
        return loss / counts

    def _clip_grad(self) -> None:
        params = [
            param
            for group in self.optimizer.param_groups
            for param in group["params"]
            if param.requires_grad and param.grad is not None
        ]
        if not params:
            return
        norm = self.clip_func(params, **(self.clip_grad_kwargs or {}))
        if norm is not None and self.message_hub is not None:  # clipping by value has no norm
            self.message_hub.update_scalar(f"train/{self.grad_name}", norm)

    def __repr__(self) -> str:
        counts = f"_accumulative_counts: {self._accumulative_counts}"
        return f"Type: {type(self).__name__}\n{counts}\noptimizer: \n{self.optimizer!r}\n"


_NO_CONTEXT: AbstractContextManager[Any] = nullcontext()


def _clipping(clip_grad: Mapping[str, Any]) -> tuple[str, Callable[..., Any], dict[str, Any]]:
    """What the result of clipping is called, what clips, and its arguments."""
    if not isinstance(clip_grad, Mapping):
        raise ValueError(f"clip_grad must be a dict such as dict(max_norm=35), found {clip_grad!r}")
    arguments = dict(clip_grad)
    kind = arguments.pop("type", "norm")
    if kind not in _CLIPPING:
        raise ValueError(f"clip_grad.type must be 'norm' or 'value', found {kind!r}")
    if not arguments:
        raise ValueError(
            f"clip_grad={dict(clip_grad)} does not say how far to clip: write dict(max_norm=35), "
            "dict(type='value', clip_value=0.2), or None for no clipping"
        )
    name, clip = _CLIPPING[kind]
    try:
        inspect.signature(clip).bind([], **arguments)
    except TypeError as error:
        raise ValueError(f"clip_grad={dict(clip_grad)}: {error}, as torch's {clip.__name__} is called") from None
    return name, clip, arguments


def _warn(sentence: str) -> None:
    print_log(sentence, logger="current", level=logging.WARNING)
