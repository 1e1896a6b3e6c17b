"""Running a model over a test loader, in one process or several."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import torch
from mmbridge.runners.dist import gather_objects
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
    parts = gather_objects(part)
    return None if parts is None else in_turn(parts)[:size]


def in_turn(parts: list[list[Any]]) -> list[Any]:
    """The first entries of all parts, then the second ones, and so on; parts may be shorter than others."""
    none = object()
    return [entry for turn in zip_longest(*parts, fillvalue=none) for entry in turn if entry is not none]
