"""Batches are collated and scattered as the real MMCV 1.7.2 does it."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch
from mmbridge.runners import parallel as ours
from torch import nn

pytestmark = pytest.mark.oracle


def theirs() -> Any:
    """MMCV's package of the same names."""
    return pytest.importorskip("mmcv.parallel")


class Pair(NamedTuple):
    """A named tuple."""

    image: Any
    label: Any


def image(*shape: int) -> torch.Tensor:
    """Distinct values."""
    return torch.arange(1.0, 1.0 + torch.Size(shape).numel()).view(shape)


def plain(value: Any) -> Any:
    """``value`` without library types, comparable with ==."""
    if isinstance(value, torch.Tensor):
        return ("tensor", str(value.dtype), tuple(value.shape), value.tolist())
    if type(value).__name__ == "DataContainer":
        settings = (value.stack, value.padding_value, value.cpu_only, value.pad_dims)
        return ("container", settings, plain(value.data))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [plain(item) for item in value])
    return value


def batches(container: Any) -> dict[str, list[Any]]:
    """Batches of every kind, by name."""
    return {
        "tensors": [image(2, 3), image(2, 3)],
        "numbers": [1, 2, 3],
        "floats": [0.5, 1.5],
        "padded_images": [container(image(3, 2, 4), stack=True), container(image(3, 5, 1), stack=True)],
        "padded_with_their_own_values": [
            container(image(1, 2, 2), stack=True, padding_value=7),
            container(image(1, 1, 3), stack=True, padding_value=9),
        ],
        "padded_in_one_dimension": [
            container(image(2, 3), stack=True, pad_dims=1),
            container(image(2, 1), stack=True, pad_dims=1),
        ],
        "padded_in_three_dimensions": [
            container(image(1, 2, 1, 2), stack=True, pad_dims=3),
            container(image(1, 1, 2, 1), stack=True, pad_dims=3),
        ],
        "stacked_without_padding": [container(image(2), stack=True, pad_dims=None) for _ in range(3)],
        "lists_of_tensors": [container(image(n, 4)) for n in (1, 3, 2)],
        "anything": [container({"name": n}, cpu_only=True) for n in "abc"],
        "stack_means_nothing_on_the_cpu": [container(n, cpu_only=True, stack=True) for n in range(3)],
        "samples": [
            {
                "img": container(image(3, n, 2), stack=True),
                "meta": container({"n": n}, cpu_only=True),
                "gt": n,
            }
            for n in (1, 2, 3, 4)
        ],
        "tuples": [(image(2), container(n, cpu_only=True)) for n in range(2)],
        "named_tuples": [Pair(image(2), n) for n in range(2)],
        "augmentations": [{"img": [image(2), image(3)], "meta": [container(n, cpu_only=True)]} for n in range(2)],
    }


NAMES = list(batches(lambda *args, **kwargs: None))


@pytest.mark.parametrize("samples_per_gpu", [1, 2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_collate(name: str, samples_per_gpu: int) -> None:
    def collated(library: Any) -> Any:
        try:
            return plain(library.collate(batches(library.DataContainer)[name], samples_per_gpu))
        except RuntimeError as error:
            return type(error)

    assert collated(theirs()) == collated(ours)


@pytest.mark.parametrize("samples_per_gpu", [2, 4])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "stacked_without_padding"])
def test_scatter_to_the_cpu(name: str, samples_per_gpu: int) -> None:
    def scattered(library: Any) -> Any:
        batch = library.collate(batches(library.DataContainer)[name], samples_per_gpu)
        return [
            plain(list(library.scatter(batch, [-1]))),
            plain(library.scatter_kwargs((batch, 5), {"batch": batch, "flag": True, "empty": []}, [-1])),
            plain(library.scatter_kwargs((), {"batch": batch}, [-1])),
            plain(library.scatter_kwargs((batch,), {}, [-1])),
        ]

    assert scattered(theirs()) == scattered(ours)


class Recorder(nn.Module):
    """Returns what it is called with."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return "forward", args, kwargs

    def train_step(self, *args: Any, **kwargs: Any) -> Any:
        return "train_step", args, kwargs

    def val_step(self, *args: Any, **kwargs: Any) -> Any:
        return "val_step", args, kwargs


@pytest.mark.parametrize("method", ["forward", "train_step", "val_step"])
@pytest.mark.parametrize("name", ["samples", "tuples", "tensors"])
def test_data_parallel_without_cuda(name: str, method: str) -> None:
    def received(library: Any) -> Any:
        batch = library.collate(batches(library.DataContainer)[name], 4)
        wrapper = library.MMDataParallel(Recorder(), device_ids=[0])
        return plain(getattr(wrapper, method)(batch, None, return_loss=False))

    assert received(theirs()) == received(ours)


@pytest.mark.parametrize("data", [image(2, 3), [1, 2], {"a": 1}], ids=["tensor", "list", "dict"])
def test_data_container(data: Any) -> None:
    def seen(library: Any) -> Any:
        container = library.DataContainer(data, stack=True, padding_value=3, pad_dims=None)
        try:
            shape = (container.size(), container.size(0), container.dim())
        except AttributeError:
            shape = AttributeError
        return repr(container), len(container), container.datatype, shape, plain(container)

    assert seen(theirs()) == seen(ours)


def test_module_wrappers() -> None:
    for library in (theirs(), ours):
        wrapped = library.MMDataParallel(Recorder(), device_ids=[0])

        assert library.is_module_wrapper(wrapped)
        assert library.is_module_wrapper(nn.DataParallel(Recorder()))
        assert not library.is_module_wrapper(Recorder())
