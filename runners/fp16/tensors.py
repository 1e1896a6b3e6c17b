"""Casting the tensors inside nested data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import torch
from torch import Tensor


def cast_tensor_type(inputs: Any, src_type: torch.dtype, dst_type: torch.dtype) -> Any:
    """``inputs`` with every tensor of type ``src_type`` cast to ``dst_type``; nothing else changes.

    Mappings, sequences (named tuples too) and sets are rebuilt with their own type; anything else is
    returned as it is. MMCV 1.7.2, mmcv/runner/fp16_utils.py.
    """
    if isinstance(inputs, Tensor):
        return inputs.to(dst_type) if inputs.dtype == src_type else inputs
    if isinstance(inputs, (str, bytes, torch.nn.Module)):
        return inputs
    kind: Any = type(inputs)
    if isinstance(inputs, Mapping):
        return kind({key: cast_tensor_type(value, src_type, dst_type) for key, value in inputs.items()})
    if isinstance(inputs, tuple) and hasattr(kind, "_make"):  # a named tuple takes its items one by one
        return kind._make(cast_tensor_type(item, src_type, dst_type) for item in inputs)
    if isinstance(inputs, (Sequence, Set)) and not isinstance(inputs, (range, memoryview)):
        return kind(cast_tensor_type(item, src_type, dst_type) for item in inputs)
    return inputs
