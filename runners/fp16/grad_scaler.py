"""Torch's gradient scaler, wherever this torch keeps it."""

from __future__ import annotations

from typing import Any

import torch


def grad_scaler(device_type: str = "cuda", enabled: bool = True, sharded: bool = False, **options: Any) -> Any:
    """Torch's gradient scaler for ``device_type``, or with ``sharded`` that of FSDP; ``options`` are its arguments.

    It does nothing for CUDA on machines without it, nor, before torch 2.3, for other devices than CUDA.
    """
    enabled = enabled and (device_type != "cuda" or torch.cuda.is_available())
    for_every_device = hasattr(torch.amp, "GradScaler")  # torch 2.3
    kind: Any = torch.amp.GradScaler if for_every_device else torch.cuda.amp.GradScaler
    if sharded:
        from torch.distributed.fsdp.sharded_grad_scaler import ShardedGradScaler as kind  # noqa: N813
    if for_every_device:
        return kind(device_type, enabled=enabled, **options)
    return kind(enabled=enabled and device_type == "cuda", **options)
