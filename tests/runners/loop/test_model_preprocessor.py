"""What happens to a batch before the model."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as shapes
from mmbridge.runners.loop.model import BaseDataPreprocessor, ImgDataPreprocessor, stack_batch
from mmbridge.runners.loop.structures import BaseDataElement
from torch import Tensor

Pair = namedtuple("Pair", "left right")


def test_cast_data_keeps_the_shape_of_the_batch() -> None:
    tensor = torch.ones(2)
    batch = {"a": [tensor, (tensor, None)], "b": Pair(tensor, "text"), "c": b"bytes", "d": 3, "e": {tensor}}

    moved = BaseDataPreprocessor().to("meta").cast_data(batch)

    assert [list, tuple, Pair] == [type(moved["a"]), type(moved["a"][1]), type(moved["b"])]
    assert ["meta"] * 3 == [each.device.type for each in (moved["a"][0], moved["a"][1][0], moved["b"].left)]
    assert (None, "text", b"bytes", 3) == (moved["a"][1][1], moved["b"].right, moved["c"], moved["d"])
    assert moved["e"] is batch["e"]


def test_what_is_there_already_is_not_copied() -> None:
    tensor = torch.ones(2)

    assert BaseDataPreprocessor().cast_data([tensor])[0] is tensor


def test_data_elements_are_moved() -> None:
    sample = BaseDataElement(metainfo={"a": 1}, x=torch.ones(1), inner=BaseDataElement(y=torch.ones(1)))

    moved = BaseDataPreprocessor().to("meta").cast_data({"data_samples": [sample]})["data_samples"][0]

    assert ["meta", "meta", 1] == [moved.x.device.type, moved.inner.y.device.type, moved.a]
    assert "cpu" == sample.x.device.type


def test_a_range_is_no_batch() -> None:
    """A sequence that cannot be made of its items."""
    with pytest.raises(TypeError):
        BaseDataPreprocessor().cast_data(range(2))


@pytest.mark.parametrize(
    ("act", "error", "match"),
    [
        pytest.param(lambda: stack_batch(torch.ones(2)), TypeError, "takes a list of tensors, found Tensor", id="kind"),
        pytest.param(lambda: stack_batch([]), ValueError, r"one number of dimensions, found \[\]", id="empty"),
        pytest.param(
            lambda: stack_batch([torch.ones(2), torch.ones(2, 2)]), ValueError, r"found \[1, 2\]", id="dimensions"
        ),
        pytest.param(lambda: stack_batch([torch.ones(2)], 0), ValueError, "must be at least 1, found 0", id="divisor"),
    ],
)
def test_stack_batch_refuses(act: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        act()


@given(
    sizes=shapes.lists(shapes.tuples(shapes.integers(1, 6), shapes.integers(1, 6)), min_size=1, max_size=4),
    divisor=shapes.integers(1, 4),
)
def test_stacked_images_are_in_the_upper_left_and_the_rest_is_padding(
    sizes: list[tuple[int, int]], divisor: int
) -> None:
    images = [image(2, *size) for size in sizes]

    batch = stack_batch(images, divisor, 99)

    assert (len(sizes), 2) == batch.shape[:2]
    for own, extents in zip(batch.shape[2:], zip(*sizes, strict=True), strict=True):
        assert own % divisor == 0
        assert 0 <= own - max(extents) < divisor
    for (height, width), single, original in zip(sizes, batch, images, strict=True):
        assert torch.equal(original, single[:, :height, :width])
        assert torch.equal(torch.full_like(single, 99)[:, height:], single[:, height:])
        assert torch.equal(torch.full_like(single, 99)[..., width:], single[..., width:])


def image(*shape: int, dtype: torch.dtype = torch.uint8) -> Tensor:
    return torch.arange(torch.Size(shape).numel()).view(shape).to(dtype)


def test_images_are_padded_to_the_largest_rounded_up_and_stacked() -> None:
    """Images of 1x1 and 2x5 with divisor 4 and pad value 7 make a batch of (2, 3, 4, 8)."""
    batch = ImgDataPreprocessor(pad_size_divisor=4, pad_value=7)({"inputs": [image(3, 1, 1), image(3, 2, 5)]})

    assert ((2, 3, 4, 8), torch.float32) == (batch["inputs"].shape, batch["inputs"].dtype)
    assert [10, 11, 12, 13, 14, 7, 7, 7] == batch["inputs"][1, 1, 0].tolist()
    assert [7] * 8 == batch["inputs"][1, 1, 3].tolist()


def test_data_samples_are_none_where_they_are_missing() -> None:
    preprocess = ImgDataPreprocessor()

    assert preprocess({"inputs": [image(3, 1, 1)]})["data_samples"] is None
    assert ["a"] == preprocess({"inputs": [image(3, 1, 1)], "data_samples": ["a"]})["data_samples"]


@pytest.mark.parametrize("swap", ["bgr_to_rgb", "rgb_to_bgr"])
def test_channels_are_swapped_then_normalised(swap: str) -> None:
    preprocess = ImgDataPreprocessor(mean=[1, 2, 3], std=[1.0, 2.0, 4.0], **{swap: True})
    pixel = torch.tensor([7, 6, 2], dtype=torch.uint8).view(3, 1, 1)
    expected = [1.0, 2.0, 1.0]

    assert expected == preprocess({"inputs": [pixel]})["inputs"].flatten().tolist()
    assert expected == preprocess({"inputs": pixel[None]})["inputs"].flatten().tolist()


def test_one_batch_tensor_is_padded_as_a_whole() -> None:
    batch = ImgDataPreprocessor(pad_size_divisor=4)({"inputs": image(2, 1, 3, 5)})

    assert (2, 1, 4, 8) == batch["inputs"].shape
    assert [0, 0, 0] == batch["inputs"][0, 0, 0, 5:].tolist()


def test_mean_and_std_are_buffers_that_are_not_stored_but_moved() -> None:
    preprocess = ImgDataPreprocessor(mean=[1.0], std=[2.0])

    assert {} == preprocess.state_dict()
    assert ["mean", "std"] == [name for name, _ in preprocess.named_buffers()]
    assert "meta" == preprocess.to("meta").mean.device.type


def test_the_given_batch_is_left_alone() -> None:
    batch = {"inputs": [image(3, 1, 1)]}

    ImgDataPreprocessor()(batch)

    assert ["inputs"] == list(batch)
    assert isinstance(batch["inputs"], list)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        pytest.param({"bgr_to_rgb": True, "rgb_to_bgr": True}, "cannot both be True", id="both_swaps"),
        pytest.param({"mean": [0, 0, 0]}, "mean and std must be given together", id="no_std"),
        pytest.param({"std": [0, 0, 0]}, "mean and std must be given together", id="no_mean"),
        pytest.param({"mean": [0, 0], "std": [1]}, "mean must have 1 or 3 values.*found 2", id="two_means"),
        pytest.param({"mean": [0], "std": [1] * 4}, "std must have 1 or 3 values.*found 4", id="four_stds"),
    ],
)
def test_image_preprocessor_refuses(settings: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        ImgDataPreprocessor(**settings)


@pytest.mark.parametrize(
    ("inputs", "error", "match"),
    [
        pytest.param(image(3, 4, 5), ValueError, r"NCHW.*found a tensor of shape \(3, 4, 5\)", id="three_dimensions"),
        pytest.param([image(1, 4, 5)], ValueError, r"images of shape \(3, height, width\).*\(1, 4, 5\)", id="gray"),
        pytest.param([image(3, 4)], ValueError, r"images of shape \(3, height, width\)", id="no_width"),
        pytest.param("image", TypeError, "must be a tensor or a list of tensors", id="a_text"),
        pytest.param([1.0], TypeError, "must be a tensor or a list of tensors", id="a_list_of_numbers"),
    ],
)
def test_other_inputs_are_refused(inputs: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        ImgDataPreprocessor(mean=[0, 0, 0], std=[1, 1, 1])({"inputs": inputs})
