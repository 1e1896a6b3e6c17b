from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.runners.parallel import DataContainer, collate, scatter


def image(*shape: int) -> torch.Tensor:
    return torch.ones(shape)


def test_images_are_padded_at_their_ends_and_stacked() -> None:
    batch = [
        DataContainer(image(1, 2, 1), stack=True),
        DataContainer(image(1, 1, 3), stack=True, padding_value=7),
    ]

    (stacked,) = collate(batch, samples_per_gpu=2).data

    assert [[[1, 0, 0], [1, 0, 0]]] == stacked[0].tolist()
    assert [[[1, 1, 1], [7, 7, 7]]] == stacked[1].tolist()


def test_one_item_per_device() -> None:
    batch = [DataContainer(image(1, n, n), stack=True) for n in (1, 3, 2)]

    collated = collate(batch, samples_per_gpu=2)

    assert [(2, 1, 3, 3), (1, 1, 2, 2)] == [tuple(chunk.shape) for chunk in collated.data]
    assert collated.stack


def test_tensors_that_are_not_stacked_and_other_objects_become_lists() -> None:
    boxes = collate([DataContainer(image(n, 4)) for n in (2, 1)], samples_per_gpu=2)
    names = collate([DataContainer(name, cpu_only=True) for name in "ab"], samples_per_gpu=1)

    assert [[(2, 4), (1, 4)]] == [[tuple(box.shape) for box in chunk] for chunk in boxes.data]
    assert [["a"], ["b"]] == names.data
    assert (False, True) == (boxes.cpu_only, names.cpu_only)


def test_samples_are_transposed() -> None:
    batch = [{"x": n, "pair": (float(n), "name"), "text": "abc"} for n in range(2)]

    collated = collate(batch)

    assert [0, 1] == collated["x"].tolist()
    assert [0.0, 1.0] == collated["pair"][0].tolist()
    assert ["name", "name"] == collated["pair"][1]
    assert ["abc", "abc"] == collated["text"]


@pytest.mark.parametrize(
    ("batch", "error", "match"),
    [
        pytest.param({"a": 1}, TypeError, "must be a sequence of samples, found dict", id="no_sequence"),
        pytest.param([DataContainer("a", stack=True)], ValueError, "must hold a tensor, found str", id="no_tensor"),
        pytest.param(
            [DataContainer(image(1, 2, 2), stack=True), DataContainer(image(3, 2, 2), stack=True)],
            ValueError,
            r"shapes \[\(1, 2, 2\), \(3, 2, 2\)\] cannot be padded in their last 2 dimensions",
            id="leading_dimensions_differ",
        ),
        pytest.param(
            [DataContainer(image(2, 2), stack=True)],
            ValueError,
            "they need more than 2 dimensions",
            id="too_few_dimensions",
        ),
    ],
)
def test_what_cannot_be_collated(batch: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        collate(batch, samples_per_gpu=2)


SHAPES = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=6)


@given(shapes=SHAPES, samples_per_gpu=st.integers(1, 4), value=st.floats(-9, 9, width=32))
def test_padding_loses_nothing_and_adds_only_the_padding_value(
    shapes: list[tuple[int, int]], samples_per_gpu: int, value: float
) -> None:
    tensors = [torch.full((2, *shape), 100.0 + n) for n, shape in enumerate(shapes)]
    batch = [DataContainer(tensor, stack=True, padding_value=value) for tensor in tensors]

    padded = [row for chunk in collate(batch, samples_per_gpu).data for row in chunk]

    for tensor, row in zip(tensors, padded, strict=True):
        height, width = tensor.shape[1:]
        assert torch.equal(tensor, row[:, :height, :width])
        assert [value] * (row.numel() - tensor.numel()) == row[row < 100].tolist()


@given(shapes=SHAPES, samples_per_gpu=st.integers(1, 4))
def test_scattering_gives_back_every_sample(shapes: list[tuple[int, int]], samples_per_gpu: int) -> None:
    batch = [{"box": DataContainer(torch.ones(shape)), "meta": DataContainer(shape, cpu_only=True)} for shape in shapes]
    collated = collate(batch, samples_per_gpu)
    chunks = -(-len(shapes) // samples_per_gpu)

    scattered = [scatter(collated[key], [-1]) for key in ("box", "meta")]

    assert [chunks, chunks] == [len(each) for each in scattered]
    assert shapes == [tuple(box.shape) for chunk in scattered[0] for box in chunk]
    assert shapes == [meta for chunk in scattered[1] for meta in chunk]


def test_data_container() -> None:
    container = DataContainer(image(2, 3), stack=True, padding_value=1, pad_dims=1)

    assert (torch.Size([2, 3]), 3) == (container.size(), container.size(1))
    assert (2, 2) == (container.dim(), len(container))
    assert ("torch.FloatTensor", list) == (container.datatype, DataContainer([1]).datatype)
    assert "DataContainer('a')" == repr(DataContainer("a"))
    with pytest.raises(AttributeError, match=r"no size\(\) for data of type <class 'list'>"):
        DataContainer([1]).size()
    with pytest.raises(ValueError, match="must be None, 1, 2 or 3, found 4"):
        DataContainer(image(1), pad_dims=4)
