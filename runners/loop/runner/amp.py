"""Mixed precision for a block of code. MMEngine 0.10.7, mmengine/runner/amp.py."""

from __future__ import annotations

import torch
from mmbridge.runners.loop.device import get_device


def autocast(
    device_type: str | None = None,
    dtype: torch.dtype | None = None,
    enabled: bool = True,
    cache_enabled: bool | None = None,
) -> torch.autocast:
    """``torch.autocast`` on the device that :func:`~mmbridge.runners.loop.device.get_device` tells, if none is named.

    ``dtype`` None is torch's own choice: bfloat16 on the CPU, float16 on CUDA.
    """
    return torch.autocast(device_type or get_device(), dtype, enabled, cache_enabled)
