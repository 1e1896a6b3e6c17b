"""Modules that are told where they are when they are moved."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn

Self = TypeVar("Self", bound="Placed")


class Placed(nn.Module):
    """``nn.Module`` whose ``to``, ``cuda``, ``cpu``, ``npu``, ``mlu`` and ``musa`` tell ``_set_device`` the device."""

    def _set_device(self, device: torch.device) -> None:
        raise NotImplementedError(f"{type(self).__name__} must define _set_device(device)")

    def to(self: Self, *args: Any, **kwargs: Any) -> Self:
        """Move or cast as ``nn.Module.to`` does."""
        super().to(*args, **kwargs)
        device = _device_of(*args, **kwargs)
        if device is not None:
            self._set_device(device)
        return self

    def cpu(self: Self) -> Self:
        """Move to the CPU."""
        super().cpu()
        self._set_device(torch.device("cpu"))
        return self

    def cuda(self: Self, device: int | str | torch.device | None = None) -> Self:
        """Move to a CUDA device, the current one by default."""
        super().cuda(device)  # type: ignore[arg-type]
        self._set_device(torch.device(torch.cuda.current_device() if device is None else device))
        return self

    def npu(self: Self, device: int | None = None) -> Self:
        """Move to an Ascend device; torch_npu must be imported."""
        return self.to(_named("npu", device))

    def mlu(self: Self, device: int | None = None) -> Self:
        """Move to a Cambricon device; torch_mlu must be imported."""
        return self.to(_named("mlu", device))

    def musa(self: Self, device: int | None = None) -> Self:
        """Move to a Moore Threads device; torch_musa must be imported."""
        return self.to(_named("musa", device))


def _named(kind: str, index: int | None) -> str:
    return kind if index is None else f"{kind}:{index}"


def _device_of(*args: Any, **kwargs: Any) -> torch.device | None:
    """The device that ``nn.Module.to`` with these arguments moves to; None where it only casts."""
    target = args[0] if args else kwargs.get("device", kwargs.get("tensor"))
    if isinstance(target, Tensor):
        return target.device
    if target is None or isinstance(target, torch.dtype):
        return None
    return torch.device(target)
