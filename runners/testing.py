"""Running a model over a test loader, in one process or several."""

from __future__ import annotations

from typing import Any

import torch
from mmbridge.runners.dist import get_dist_info
from torch import nn


def single_gpu_test(model: nn.Module, data_loader: Any) -> list[Any]:
    """The results of ``model(return_loss=False, **batch)`` for all batches, one after the other.

    Leaves the model in eval mode. A batch must be a mapping.
    """
    model.eval()
    results: list[Any] = []
    with torch.no_grad():
        for batch in data_loader:
            results.extend(model(return_loss=False, **batch))
    return results


def multi_gpu_test(
    model: nn.Module, data_loader: Any, tmpdir: str | None = None, gpu_collect: bool = False
) -> list[Any] | None:
    """As :func:`single_gpu_test` over all processes; the whole list in the process of rank 0, None elsewhere.

    ``tmpdir`` and ``gpu_collect`` chose, in MMCV, how results travel; torch.distributed decides that here.
    """
    return collect_results(single_gpu_test(model, data_loader), len(data_loader.dataset))


def collect_results(part: list[Any], size: int) -> list[Any] | None:
    """The parts of all processes, taken in turn, cut to ``size``; rank 0 only."""
    rank, world_size = get_dist_info()
    if world_size == 1:
        return part[:size]
    parts: list[Any] | None = [None] * world_size if rank == 0 else None
    torch.distributed.gather_object(part, parts)
    if parts is None:
        return None
    dealt = [entry for turn in zip(*parts, strict=False) for entry in turn]
    return dealt[:size]
