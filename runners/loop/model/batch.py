"""Tensors of unequal sizes into one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def stack_batch(tensor_list: list[Tensor], pad_size_divisor: int = 1, pad_value: float = 0) -> Tensor:
    """One tensor of all, each padded with ``pad_value`` at its end to the largest size in every dimension.

    Sizes are rounded up to a multiple of ``pad_size_divisor``; the first dimension (channels) is never padded.
    Raises TypeError for what is not a list, ValueError for an empty one, for tensors of different numbers of
    dimensions and for a divisor below 1. MMEngine 0.10.7, mmengine/model/utils.py.
    """
    if not isinstance(tensor_list, list):
        raise TypeError(f"stack_batch takes a list of tensors, found {type(tensor_list).__name__}")
    dimensions = [tensor.ndim for tensor in tensor_list]
    if len(set(dimensions)) != 1:
        raise ValueError(f"stack_batch takes tensors of one number of dimensions, found {dimensions}")
    if pad_size_divisor < 1:
        raise ValueError(f"pad_size_divisor must be at least 1, found {pad_size_divisor}")
    largest = [max(sizes) for sizes in zip(*(tensor.shape[1:] for tensor in tensor_list), strict=True)]
    return torch.stack([padded(tensor, largest, pad_size_divisor, pad_value) for tensor in tensor_list])


def padded(tensor: Tensor, sizes: Sequence[int], divisor: int = 1, value: float = 0) -> Tensor:
    """``tensor``, its last dimensions brought to ``sizes``, each rounded up to a multiple of ``divisor``."""
    own = tensor.shape[tensor.ndim - len(sizes) :]
    missing = [-(-size // divisor) * divisor - have for size, have in zip(sizes, own, strict=True)]
    if not any(missing):
        return tensor
    return functional.pad(tensor, [part for extent in reversed(missing) for part in (0, extent)], value=value)
