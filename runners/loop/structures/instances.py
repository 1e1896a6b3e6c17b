"""Values of a number of instances, as of the boxes in an image.

MMEngine 0.10.7, mmengine/structures/instance_data.py.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any

import torch
from mmbridge.runners.loop.structures.element import BaseDataElement, is_array
from torch import Tensor


class InstanceData(BaseDataElement):
    """An element all of whose data have one length: tensors, arrays, lists, tuples, str, or any type with ``cat``.

    Such a type can be indexed by a slice, and its ``cat(list)`` makes one of several. Raises TypeError for a value
    without a length, ValueError for one of another length.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("_metainfo_fields", "_data_fields"):
            if not isinstance(value, Sized):
                raise TypeError(f"{name} of InstanceData must have a length, found {type(value).__name__}")
            if len(self) > 0 and len(value) != len(self):
                raise ValueError(f"{name} has {len(value)} items, but this InstanceData has {len(self)} instances")
        super().__setattr__(name, value)

    __setitem__ = __setattr__

    def __len__(self) -> int:
        return len(self.values()[0]) if self._data_fields else 0

    def __getitem__(self, item: Any) -> Any:
        """The field of that name, or the chosen instances: an int, slice, list, array or tensor of int or bool.

        Raises TypeError for another kind of index, IndexError for an int out of range and for a mask of another
        length, ValueError for a field whose type cannot be chosen from.
        """
        if isinstance(item, str):
            return getattr(self, item)
        if isinstance(item, int):
            if not -len(self) <= item < len(self):
                raise IndexError(f"index {item} is out of range of {len(self)} instances")
            item = slice(item, None, len(self))
        chosen = self.__class__(metainfo=self.metainfo)
        index = item if isinstance(item, slice) else self._index(item)
        for name, value in self.items():
            chosen[name] = value[index] if isinstance(index, slice) else _choose(name, value, index)
        return chosen

    def _index(self, item: Any) -> Tensor:
        if isinstance(item, list):
            item = torch.tensor(item, dtype=None if item else torch.int64)
        elif is_array(item):
            item = torch.from_numpy(item)
            item = item.long() if item.dtype == torch.int32 else item
        if not isinstance(item, Tensor) or item.dtype not in (torch.int64, torch.bool):
            found = f"a tensor of {item.dtype}" if isinstance(item, Tensor) else type(item).__name__
            raise TypeError(
                f"an index of InstanceData must be a str, an int, a slice, or a list, array or tensor of int64 or "
                f"bool, found {found}"
            )
        if item.dim() != 1:
            raise IndexError(f"an index of InstanceData must have one dimension, found {item.dim()}")
        if item.dtype == torch.bool and len(item) != len(self):
            raise IndexError(f"a mask of length {len(item)} does not fit {len(self)} instances")
        return item

    @staticmethod
    def cat(instances_list: Sequence[InstanceData]) -> InstanceData:
        """All instances of the elements, which must have the same fields, with the metainfo of the first.

        Raises ValueError for an empty list, for different fields and for a field whose type has no ``cat``,
        TypeError for other elements.
        """
        if not all(isinstance(each, InstanceData) for each in instances_list):
            raise TypeError(f"InstanceData.cat takes InstanceData, found {[type(e).__name__ for e in instances_list]}")
        if not instances_list:
            raise ValueError("InstanceData.cat needs at least one element")
        first = instances_list[0]
        if len(instances_list) == 1:
            return first
        names = [sorted(each.all_keys()) for each in instances_list]
        if any(each != names[0] for each in names):
            raise ValueError(f"InstanceData.cat needs elements of the same fields, found {names}")
        joined = first.__class__(metainfo=first.metainfo)
        for name, _ in first.items():
            joined[name] = _join(name, [each[name] for each in instances_list])
        return joined


def _choose(name: str, value: Any, index: Tensor) -> Any:
    """The items of ``value`` that a tensor of int64 or bool chooses."""
    if isinstance(value, Tensor):
        return value[index]
    if is_array(value):
        return value[index.cpu().numpy()]
    if not isinstance(value, (str, list, tuple)) and not (hasattr(value, "__getitem__") and hasattr(value, "cat")):
        raise ValueError(f"{name} is of type {type(value).__name__}, which has no cat, so it cannot be chosen from")
    numbers = (index.nonzero().view(-1) if index.dtype == torch.bool else index).tolist()
    parts = [value[slice(number, None, len(value))] for number in numbers] or [value[:0]]
    return _join(name, parts)


def _join(name: str, values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, Tensor):
        return torch.cat(values)
    if is_array(first):
        import numpy

        return numpy.concatenate(values)
    if isinstance(first, (str, list, tuple)):
        joined: Any = first[:]
        for value in values[1:]:
            joined = joined + value
        return joined
    if hasattr(first, "cat"):
        return first.cat(values)
    raise ValueError(f"{name} is of type {type(first).__name__}, which has no cat")
