"""What this machine computes with. MMEngine 0.10.7, mmengine/device/utils.py."""

from __future__ import annotations

import torch


def is_cuda_available() -> bool:
    """Whether torch can use CUDA here."""
    return torch.cuda.is_available()


def is_mps_available() -> bool:
    """Whether torch can use Apple's Metal here."""
    return torch.backends.mps.is_available()


def get_device() -> str:
    """The type of the device to compute with: ``cuda`` where it is available, else ``mps``, else ``cpu``."""
    return "cuda" if is_cuda_available() else "mps" if is_mps_available() else "cpu"


def get_max_cuda_memory(device: torch.device | None = None) -> int:
    """The most memory (MiB) that tensors took on the CUDA ``device`` since this was last asked."""
    most = torch.cuda.max_memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    return most // 2**20
