"""Torch's gradient scaler, wherever this torch keeps it."""

from __future__ import annotations

from typing import Any

import torch


def grad_scaler(device_type: str = "cuda", enabled: bool = True, **options: Any) -> Any:
    """Torch's gradient scaler for ``device_type``; it does nothing for CUDA on machines without it.

    Before torch 2.3 there is one for CUDA only; for other devices it does nothing.
    """
    enabled = enabled and (device_type != "cuda" or torch.cuda.is_available())
    if hasattr(torch.amp, "GradScaler"):  # torch 2.3
        return torch.amp.GradScaler(device_type, enabled=enabled, **options)
    return torch.cuda.amp.GradScaler(enabled=enabled and device_type == "cuda", **options)
