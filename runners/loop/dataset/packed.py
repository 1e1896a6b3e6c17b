"""Many small objects in one block of bytes, which worker processes share instead of each copying it.

A forked process that only looks at a Python object changes its reference count and so gets a copy of its memory page;
of a block of bytes it copies nothing.
"""

from __future__ import annotations

import pickle
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

Ends = array  # of 64 bit integers: where each object's bytes end


def pack(items: Iterable[Any]) -> tuple[bytes, Ends[int]]:
    """The pickled ``items`` one behind the other, and where each ends."""
    pickled = [pickle.dumps(item, protocol=4) for item in items]
    return b"".join(pickled), array("q", accumulate(map(len, pickled)))


def unpack(data: bytes, ends: Ends[int], index: int) -> Any:
    """A new copy of the item at ``index``, which counts from the end if it is negative. Raises IndexError."""
    return pickle.loads(_piece(data, ends, index))


def subset(data: bytes, ends: Ends[int], indices: int | Sequence[int]) -> tuple[bytes, Ends[int]]:
    """The items at ``indices``, packed; the first n for a number n, the last n for -n.

    Raises IndexError for what is not there, TypeError for other types.
    """
    if isinstance(indices, int):
        if abs(indices) > len(ends):
            raise IndexError(f"a subset of {abs(indices)} samples of a dataset that has {len(ends)}")
        # -0 is 0 as well: no item at all
        indices = range(indices) if indices >= 0 else range(len(ends) + indices, len(ends))
    if not isinstance(indices, Sequence) or isinstance(indices, str):
        raise TypeError(f"indices must be an int or a sequence of int, found {type(indices).__name__}")
    pieces = [_piece(data, ends, index) for index in indices]
    return b"".join(pieces), array("q", accumulate(map(len, pieces)))


def _piece(data: bytes, ends: Ends[int], index: int) -> memoryview:
    place = index + len(ends) if index < 0 else index
    if not 0 <= place < len(ends):
        raise IndexError(f"index {index} is not in a dataset of {len(ends)} samples")
    return memoryview(data)[ends[place - 1] if place else 0 : ends[place]]
