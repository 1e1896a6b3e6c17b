"""Values of the pixels of an image.

MMEngine 0.10.7, mmengine/structures/pixel_data.py.
"""

from __future__ import annotations

import warnings
from typing import Any

from mmbridge.runners.loop.structures.element import BaseDataElement, is_array
from torch import Tensor


class PixelData(BaseDataElement):
    """An element whose data are tensors or arrays of shape (channels, height, width), one height and width for all.

    A value without channels gets one, with a warning. Raises TypeError for other values, ValueError for other shapes.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("_metainfo_fields", "_data_fields"):
            if not isinstance(value, Tensor) and not is_array(value):
                raise TypeError(f"{name} of PixelData must be a tensor or an array, found {type(value).__name__}")
            size = tuple(value.shape[-2:])
            if self.shape and size != self.shape:
                raise ValueError(f"{name} is of size {size}, but this PixelData of {self.shape} (height, width)")
            if value.ndim not in (2, 3):
                raise ValueError(f"{name} of PixelData must have 2 or 3 dimensions, found {value.ndim}")
            if value.ndim == 2:
                warnings.warn(f"{name} of PixelData is given a dimension of channels: {(1, *size)}", stacklevel=2)
                value = value[None]
        super().__setattr__(name, value)

    def __getitem__(self, item: tuple[int | slice, int | slice]) -> PixelData:
        """A part of the image, by rows and columns. Raises TypeError for another index than two ints or slices."""
        if not isinstance(item, tuple) or len(item) != 2 or not all(isinstance(each, (int, slice)) for each in item):
            raise TypeError(f"an index of PixelData must be two ints or slices, of rows and columns, found {item!r}")
        rows, columns = (
            slice(each, None, size) if isinstance(each, int) else each
            for each, size in zip(item, self.shape or (), strict=True)
        )
        part = self.__class__(metainfo=self.metainfo)
        for name, value in self.items():
            setattr(part, name, value[:, rows, columns])
        return part

    @property
    def shape(self) -> tuple[int, int] | None:
        """Height and width; None without data."""
        values = self.values()
        return tuple(values[0].shape[-2:]) if values else None
