"""Many processes, one model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mmbridge.runners.parallel.scatter import scatter_kwargs
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@contextmanager
def choosing_broadcast_buffers() -> Iterator[None]:
    """Within the block torch does not warn about ``broadcast_buffers``.

    It offers nothing else that leaves buffers alone at the start as well as in every forward.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
        yield


class MMDistributedDataParallel(DistributedDataParallel):
    """``DistributedDataParallel`` that unpacks DataContainers and offers ``train_step`` and ``val_step``.

    A step runs through torch's own forward, so gradients, buffers and ``no_sync`` are synchronised as torch
    does it. MMCV 1.7.2, mmcv/parallel/distributed.py; unlike there, containers are unpacked on the CPU too.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        with choosing_broadcast_buffers():
            super().__init__(*args, **kwargs)

    def scatter(self, inputs: Any, kwargs: Any, device_ids: Sequence[Any]) -> Any:
        """The arguments of every device: a tuple of tuples and a tuple of dicts."""
        return scatter_kwargs(inputs, kwargs, device_ids, dim=self.dim)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Call the model with the arguments on this process's device."""
        positional, named = self._local(inputs, kwargs)
        return super().forward(*positional, **named)  # type: ignore[no-untyped-call]

    def train_step(self, *inputs: Any, **kwargs: Any) -> Any:
        """Call the model's ``train_step``; the next backward pass averages gradients over the processes."""
        return self._step("train_step", inputs, kwargs)

    def val_step(self, *inputs: Any, **kwargs: Any) -> Any:
        """Call the model's ``val_step``."""
        return self._step("val_step", inputs, kwargs)

    def _local(self, inputs: Any, kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if not inputs and not kwargs:
            return (), {}
        positional, named = self.scatter(inputs, kwargs, self.device_ids or [-1])
        return positional[0], named[0]

    def _step(self, name: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run ``module.<name>`` where torch's forward would run ``module``."""
        model: nn.Module = self.module

        def run(*inputs: Any, **kwargs: Any) -> Any:
            self.module = model
            return getattr(model, name)(*inputs, **kwargs)

        positional, named = self._local(inputs, kwargs)
        self.module = _StandIn(model, run)
        try:
            return super().forward(*positional, **named)  # type: ignore[no-untyped-call]
        finally:
            self.module = model


class _StandIn(nn.Module):
    """What torch sees as the module during a step: the buffers of ``model``, but another function to call.

    The model itself stays untouched, so its own forward hooks do not fire for the step.
    """

    def __init__(self, model: nn.Module, run: Callable[..., Any]) -> None:
        super().__init__()
        self.run = run
        self.buffers_of_model = model.named_buffers

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.run(*inputs, **kwargs)

    def named_buffers(self, *args: Any, **kwargs: Any) -> Iterator[tuple[str, Tensor]]:
        return self.buffers_of_model(*args, **kwargs)
