"""A value with instructions on how to batch it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class DataContainer:
    """``data`` with the way :func:`collate` and :func:`scatter` shall treat it.

    ``stack``: tensors are padded with ``padding_value`` at the end of their last ``pad_dims`` dimensions
    (None: not at all) and stacked; otherwise they stay a list. ``cpu_only``: any objects, never copied to a
    device. Raises ValueError for another ``pad_dims`` than None, 1, 2 or 3. MMCV 1.7.2,
    mmcv/parallel/data_container.py.
    """

    def __init__(
        self,
        data: Any,
        stack: bool = False,
        padding_value: float = 0,
        cpu_only: bool = False,
        pad_dims: int | None = 2,
    ) -> None:
        if pad_dims not in (None, 1, 2, 3):
            raise ValueError(f"pad_dims of DataContainer must be None, 1, 2 or 3, found {pad_dims!r}")
        self._data = data
        self._stack = stack
        self._padding_value = padding_value
        self._cpu_only = cpu_only
        self._pad_dims = pad_dims

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.data!r})"

    def __len__(self) -> int:
        return len(self.data)

    @property
    def data(self) -> Any:
        """What it holds."""
        return self._data

    @property
    def datatype(self) -> type | str:
        """The type of the data: torch's name of it for a tensor."""
        return self.data.type() if isinstance(self.data, Tensor) else type(self.data)

    @property
    def cpu_only(self) -> bool:
        """Whether the data stays where it is."""
        return self._cpu_only

    @property
    def stack(self) -> bool:
        """Whether a batch becomes one tensor."""
        return self._stack

    @property
    def padding_value(self) -> float:
        """What is written where a tensor is smaller than its neighbours."""
        return self._padding_value

    @property
    def pad_dims(self) -> int | None:
        """How many of the last dimensions may differ and are padded; None: none."""
        return self._pad_dims

    def size(self, *args: int) -> torch.Size | int:
        """``data.size(...)``; AttributeError where the data is not a tensor."""
        size: torch.Size | int = self._tensor("size").size(*args)
        return size

    def dim(self) -> int:
        """``data.dim()``; AttributeError where the data is not a tensor."""
        return self._tensor("dim").dim()

    def _tensor(self, method: str) -> Tensor:
        if not isinstance(self.data, Tensor):
            raise AttributeError(
                f"{type(self).__name__} has no {method}() for data of type {self.datatype}: not a tensor"
            )
        return self.data
