"""What happens to a batch between the loader and the model: to the device, and images into one tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmbridge.runners.loop.model.batch import padded, stack_batch
from mmbridge.runners.loop.model.placement import Placed
from mmbridge.runners.loop.registry import MODELS
from mmbridge.runners.loop.structures import BaseDataElement
from torch import Tensor

_LEAVES = frozenset({str, bytes, int, float, bool, type(None)})  # not to be asked whether they are of any other kind


@MODELS.register_module()
class BaseDataPreprocessor(Placed):
    """Moves a batch to the device of the model that it belongs to; ``non_blocking`` as in ``Tensor.to``.

    MMEngine 0.10.7, mmengine/model/base_model/data_preprocessor.py.
    """

    def __init__(self, non_blocking: bool | None = False) -> None:
        super().__init__()
        self._non_blocking = bool(non_blocking)
        self._device = torch.device("cpu")

    @property
    def device(self) -> torch.device:
        """Where batches are moved to: the device that this module, or the model around it, was last moved to."""
        return self._device

    def cast_data(self, data: Any) -> Any:
        """``data`` with its tensors and data elements on the device: mappings as dicts, sequences of their own type.

        Anything else is left as it is.
        """
        kind: Any = type(data)  # the commonest kinds first: this is called for every part of every batch
        if kind is Tensor:
            same = data.device == self._device  # told apart faster here than in to()
            return data if same else data.to(self._device, non_blocking=self._non_blocking)
        if kind is list:
            return [self.cast_data(item) for item in data]
        if kind is dict:
            return {key: self.cast_data(value) for key, value in data.items()}
        if kind in _LEAVES:
            return data
        if isinstance(data, Tensor):
            return data.to(self._device, non_blocking=self._non_blocking)
        if isinstance(data, (str, bytes)):
            return data
        if isinstance(data, Mapping):
            return {key: self.cast_data(data[key]) for key in data}
        if isinstance(data, Sequence):
            items = [self.cast_data(item) for item in data]
            return kind(*items) if hasattr(data, "_fields") else kind(items)
        if isinstance(data, BaseDataElement):
            return data.to(self.device, non_blocking=self._non_blocking)
        return data

    def forward(self, data: Any, training: bool = False) -> Any:
        """The batch as the model takes it, a dict, list or tuple; ``training`` is for augmentations of subclasses."""
        return self.cast_data(data)

    def _set_device(self, device: torch.device) -> None:
        self._device = device


@MODELS.register_module()
class ImgDataPreprocessor(BaseDataPreprocessor):
    """Also makes one float tensor of a batch's images ``inputs``: channels swapped, normalised, padded, stacked.

    ``mean`` and ``std``, of one or three values, are of the channels after the swap. Height and width are padded at
    the bottom and right with ``pad_value`` to the largest of the batch, rounded up to ``pad_size_divisor``. Raises
    ValueError for both swaps, for ``mean`` without ``std`` and for other numbers of values.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        pad_size_divisor: int = 1,
        pad_value: float = 0,
        bgr_to_rgb: bool = False,
        rgb_to_bgr: bool = False,
        non_blocking: bool | None = False,
    ) -> None:
        super().__init__(non_blocking)
        if bgr_to_rgb and rgb_to_bgr:
            raise ValueError("bgr_to_rgb and rgb_to_bgr cannot both be True; they are the same swap of channels")
        if (mean is None) != (std is None):
            raise ValueError(f"mean and std must be given together or not at all, found mean={mean}, std={std}")
        self._enable_normalize = mean is not None
        for name, values in (("mean", mean), ("std", std)):
            if values is not None:
                if len(values) not in (1, 3):
                    raise ValueError(f"{name} must have 1 or 3 values, for gray or RGB images, found {len(values)}")
                self.register_buffer(name, torch.tensor(values).view(-1, 1, 1), persistent=False)
        self._channel_conversion = rgb_to_bgr or bgr_to_rgb
        self.pad_size_divisor = pad_size_divisor
        self.pad_value = pad_value

    def forward(self, data: Any, training: bool = False) -> Any:
        """The batch, a dict, with ``inputs`` of shape NCHW and, if they were missing, ``data_samples=None``.

        ``inputs`` may be a list of CHW tensors or one NCHW tensor. Raises TypeError for anything else, ValueError
        for other shapes.
        """
        data = self.cast_data(data)
        inputs = data["inputs"]
        if isinstance(inputs, Tensor):
            if inputs.dim() != 4:
                raise ValueError(
                    "ImgDataPreprocessor takes a tensor of shape NCHW or a list of tensors CHW, "
                    f"found a tensor of shape {tuple(inputs.shape)}"
                )
            images = self._normalized(inputs, 1)
            data["inputs"] = padded(images, images.shape[2:], self.pad_size_divisor, self.pad_value)
        elif isinstance(inputs, Sequence) and all(isinstance(image, Tensor) for image in inputs):
            data["inputs"] = stack_batch([*map(self._image, inputs)], self.pad_size_divisor, self.pad_value)
        else:
            raise TypeError(f"inputs of ImgDataPreprocessor must be a tensor or a list of tensors, found {inputs!r}")
        data.setdefault("data_samples", None)
        return data

    def _image(self, image: Tensor) -> Tensor:
        three = self._enable_normalize and len(self.mean) == 3
        if three and (image.dim() != 3 or len(image) != 3):
            raise ValueError(
                "a mean of 3 values needs images of shape (3, height, width), "
                f"found an image of shape {tuple(image.shape)}"
            )
        return self._normalized(image, 0)

    def _normalized(self, images: Tensor, channels: int) -> Tensor:
        """``images``, whose dimension ``channels`` are the channels, swapped and normalised, as float32."""
        if self._channel_conversion:
            images = images[(slice(None),) * channels + ([2, 1, 0],)]
        images = images.float()  # after the swap, which is cheaper on bytes
        return (images - self.mean) / self.std if self._enable_normalize else images
