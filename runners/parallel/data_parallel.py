"""One process, one device (or the CPU)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch
from mmbridge.runners.parallel.scatter import scatter_kwargs
from torch import nn
from torch.nn.parallel import DataParallel


class MMDataParallel(DataParallel[nn.Module]):
    """``torch.nn.DataParallel`` that unpacks DataContainers and offers ``train_step`` and ``val_step``.

    Without CUDA it runs on the CPU. Training works with one device only: with more, a step raises
    ValueError (use MMDistributedDataParallel). MMCV 1.7.2, mmcv/parallel/data_parallel.py.
    """

    def __init__(
        self,
        module: nn.Module,
        device_ids: Sequence[int | torch.device] | None = None,
        output_device: int | torch.device | None = None,
        dim: int = 0,
    ) -> None:
        super().__init__(module, device_ids, output_device, dim)
        self.dim = dim  # torch leaves it unset without CUDA

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Call the model with the arguments scattered to its devices."""
        if self.device_ids:
            return super().forward(*inputs, **kwargs)
        return self._on_cpu(self.module, inputs, kwargs)

    def scatter(self, inputs: tuple[Any, ...], kwargs: dict[str, Any] | None, device_ids: Sequence[Any]) -> Any:
        """The arguments of every device: a tuple of tuples and a tuple of dicts."""
        return scatter_kwargs(inputs, kwargs, device_ids, dim=self.dim)

    def train_step(self, *inputs: Any, **kwargs: Any) -> Any:
        """Call the model's ``train_step`` on the only device."""
        return self._step("train_step", inputs, kwargs)

    def val_step(self, *inputs: Any, **kwargs: Any) -> Any:
        """Call the model's ``val_step`` on the only device."""
        return self._step("val_step", inputs, kwargs)

    def _step(self, name: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        step = getattr(self.module, name)
        if not self.device_ids:
            return self._on_cpu(step, inputs, kwargs)
        if len(self.device_ids) > 1:
            raise ValueError(
                f"MMDataParallel.{name} works with one device, found device_ids={self.device_ids}; "
                "train on several with MMDistributedDataParallel, or pass device_ids=[0]"
            )
        for tensor in chain(self.module.parameters(), self.module.buffers()):
            if tensor.device != self.src_device_obj:
                raise RuntimeError(
                    f"MMDataParallel: the model must be on {self.src_device_obj} (device_ids[0]), "
                    f"found a parameter or buffer on {tensor.device}"
                )
        positional, named = self.scatter(inputs, kwargs, self.device_ids)
        return step(*positional[0], **named[0])

    def _on_cpu(self, function: Any, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        positional, named = self.scatter(inputs, kwargs, [-1]) if inputs or kwargs else (((),), ({},))
        return function(*positional[0], **named[0])
