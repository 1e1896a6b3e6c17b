"""A collated batch onto its devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmbridge.runners.parallel.data_container import DataContainer
from torch import Tensor

CPU = (-1,)
"""The target that means: leave tensors where they are, only unpack the containers."""


def scatter(inputs: Any, target_gpus: Sequence[int], dim: int = 0) -> list[Any]:
    """``inputs`` as one value per device of ``target_gpus`` (CUDA indices, or ``[-1]`` for no copying).

    Tensors are split along ``dim``; containers give one item per device, the list inside a ``cpu_only`` one
    as it is; tuples, lists and dicts are scattered item by item; anything else is repeated. Raises
    TypeError for a container that holds neither tensors nor lists of them. MMCV 1.7.2,
    mmcv/parallel/scatter_gather.py.
    """
    targets = tuple(target_gpus)
    if isinstance(inputs, Tensor):
        return [inputs] if targets == CPU else list(torch.nn.parallel.scatter(inputs, list(targets), dim))
    if isinstance(inputs, DataContainer):
        return list(inputs.data) if inputs.cpu_only else _scatter_list(inputs.data, targets)
    if isinstance(inputs, (tuple, list)) and inputs:
        kind = tuple if isinstance(inputs, tuple) else list
        items = (scatter(item, targets, dim) for item in inputs)
        return [kind(part) for part in zip(*items, strict=False)]
    if isinstance(inputs, dict) and inputs:
        values = (scatter(value, targets, dim) for value in inputs.values())
        parts = zip(targets, *values, strict=False)  # at most one dict per device
        return [type(inputs)(zip(inputs, part, strict=True)) for _, *part in parts]
    return [inputs for _ in targets]


def scatter_kwargs(
    inputs: Any, kwargs: Any, target_gpus: Sequence[int], dim: int = 0
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Positional and keyword arguments as one tuple and one dict per device; the shorter is filled up."""
    positional = scatter(inputs, target_gpus, dim) if inputs else []
    named = scatter(kwargs, target_gpus, dim) if kwargs else []
    count = max(len(positional), len(named))
    positional += [() for _ in range(count - len(positional))]
    named += [{} for _ in range(count - len(named))]
    return tuple(positional), tuple(named)


def _scatter_list(data: Any, targets: tuple[int, ...]) -> list[Any]:
    if isinstance(data, Tensor):
        return [_move(data, targets[0])]
    if not isinstance(data, list):
        raise TypeError(
            f"a DataContainer must hold tensors or lists of tensors, found {type(data).__name__}; "
            "use cpu_only=True for anything else"
        )
    share = -(-len(data) // len(targets))  # items per device, rounded up
    return [_move(item, targets[index // share]) for index, item in enumerate(data)]


def _move(data: Any, target: int) -> Any:
    if isinstance(data, Tensor):
        return data.contiguous() if target == -1 else data.contiguous().cuda(target, non_blocking=True)
    return _scatter_list(data, (target,))
