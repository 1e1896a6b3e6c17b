"""Many samples into one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmbridge.runners.parallel.data_container import DataContainer
from torch import Tensor
from torch.nn import functional
from torch.utils.data import default_collate


def collate(batch: Sequence[Any], samples_per_gpu: int = 1) -> Any:
    """One batch of ``batch``'s samples: the kind of the first sample decides.

    DataContainers become one container of a list with an item per ``samples_per_gpu`` samples; mappings and
    sequences are transposed (into dicts and lists) and their fields collated; the rest goes to torch's
    ``default_collate``. Raises TypeError for a batch that is not a sequence, ValueError for tensors that
    cannot be stacked. MMCV 1.7.2, mmcv/parallel/collate.py.
    """
    if not isinstance(batch, Sequence):
        raise TypeError(f"a batch must be a sequence of samples, found {type(batch).__name__}")
    first = batch[0]
    if isinstance(first, DataContainer):
        return _collate_containers(batch, samples_per_gpu)
    if isinstance(first, Mapping):
        return {key: collate([sample[key] for sample in batch], samples_per_gpu) for key in first}
    if isinstance(first, Sequence) and not isinstance(first, (str, bytes)):
        return [collate(field, samples_per_gpu) for field in zip(*batch, strict=False)]
    return default_collate(list(batch))


def _collate_containers(batch: Sequence[DataContainer], samples_per_gpu: int) -> DataContainer:
    first = batch[0]
    chunks = [batch[start : start + samples_per_gpu] for start in range(0, len(batch), samples_per_gpu)]
    if first.stack and not first.cpu_only:
        data: list[Any] = [_stack(chunk) for chunk in chunks]
    else:
        data = [[sample.data for sample in chunk] for chunk in chunks]
    return DataContainer(data, first.stack, first.padding_value, cpu_only=first.cpu_only)


def _stack(chunk: Sequence[DataContainer]) -> Tensor:
    """The tensors of ``chunk``, padded to their common size, as one tensor of shape ``(len(chunk), ...)``."""
    for sample in chunk:
        if not isinstance(sample.data, Tensor):
            raise ValueError(
                f"a DataContainer with stack=True must hold a tensor, found {type(sample.data).__name__}; "
                "use stack=False, or cpu_only=True for what is not a tensor"
            )
    tensors = [sample.data for sample in chunk]
    if chunk[0].pad_dims is not None:
        size = _common_size(tensors, chunk[0].pad_dims)
        tensors = [
            functional.pad(sample.data, _padding(sample.data, size), value=sample.padding_value) for sample in chunk
        ]
    stacked: Tensor = default_collate(tensors)
    return stacked


def _common_size(tensors: Sequence[Tensor], pad_dims: int) -> list[int]:
    """The largest extent of each of the last ``pad_dims`` dimensions, in order."""
    shapes = [tuple(tensor.shape) for tensor in tensors]
    leading = {(len(shape), shape[:-pad_dims]) for shape in shapes}
    if len(leading) > 1 or len(shapes[0]) <= pad_dims:
        raise ValueError(
            f"tensors of shapes {shapes} cannot be padded in their last {pad_dims} dimensions and stacked: "
            f"they need more than {pad_dims} dimensions and must agree in all the others"
        )
    return [max(extents) for extents in zip(*(shape[-pad_dims:] for shape in shapes), strict=True)]


def _padding(tensor: Tensor, size: Sequence[int]) -> list[int]:
    """What ``functional.pad`` needs to bring the last dimensions to ``size``: (0, missing), last first."""
    missing = [want - have for want, have in zip(size, tensor.shape[-len(size) :], strict=True)]
    return [part for extent in reversed(missing) for part in (0, extent)]
