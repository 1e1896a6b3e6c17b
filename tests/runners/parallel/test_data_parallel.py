from __future__ import annotations

from typing import Any

import pytest
import torch
from mmbridge.compat.registry import LegacyRegistry
from mmbridge.runners.parallel import (
    MODULE_WRAPPERS,
    DataContainer,
    MMDataParallel,
    collate,
    is_module_wrapper,
    scatter,
    scatter_kwargs,
)
from torch import nn

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
without_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="the machine has a CUDA device")


class Model(nn.Module):
    """Returns what its methods are called with."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, img: Any = None, meta: Any = None, return_loss: bool = True) -> Any:
        return img, meta, return_loss

    def train_step(self, data: Any, optimizer: Any = None, **kwargs: Any) -> Any:
        return data, optimizer, kwargs

    def val_step(self, data: Any, optimizer: Any = None) -> Any:
        return data, optimizer


def batch() -> dict[str, Any]:
    samples = [
        {
            "img": DataContainer(torch.full((1, 1, n), float(n)), stack=True),
            "meta": DataContainer({"n": n}, cpu_only=True),
        }
        for n in (1, 2)
    ]
    return collate(samples, samples_per_gpu=2)


@without_cuda
def test_on_the_cpu_containers_are_unpacked() -> None:
    model = MMDataParallel(Model(), device_ids=[0])

    img, meta, return_loss = model(**batch(), return_loss=False)
    data, optimizer, kwargs = model.train_step(batch(), None, flag=1)

    assert ((2, 1, 1, 2), [{"n": 1}, {"n": 2}], False) == (tuple(img.shape), meta, return_loss)
    assert ([{"n": 1}, {"n": 2}], None, {"flag": 1}) == (data["meta"], optimizer, kwargs)
    assert [{"n": 1}, {"n": 2}] == model.val_step(batch())[0]["meta"]
    assert (None, None, True) == model()


@needs_cuda
@pytest.mark.parametrize("method", ["forward", "train_step", "val_step"])
def test_on_one_device_data_is_copied(method: str) -> None:
    model = MMDataParallel(Model().cuda(), device_ids=[0])
    data = getattr(model, method)(batch()["img"] if method == "forward" else batch())[0]
    img = data if method == "forward" else data["img"]

    assert img.device == torch.device("cuda", 0)
    assert [1.0, 0.0, 2.0, 2.0] == img.flatten().tolist()


@needs_cuda
def test_scatter_copies_to_the_device() -> None:
    (part,) = scatter({"tensor": torch.ones(2), "boxes": DataContainer([[torch.zeros(3)]])}, [0])

    assert part["tensor"].device == part["boxes"][0].device == torch.device("cuda", 0)


@needs_cuda
def test_a_model_elsewhere_is_refused() -> None:
    model = MMDataParallel(Model().cuda(), device_ids=[0])
    model.cpu()

    with pytest.raises(RuntimeError, match=r"must be on cuda:0 .*, found a parameter or buffer on cpu"):
        model.train_step(batch())


def test_training_on_several_devices_is_refused() -> None:
    model = MMDataParallel(Model())
    model.device_ids = [0, 1]

    with pytest.raises(ValueError, match=r"MMDataParallel\.train_step works with one .*device_ids=\[0, 1\]"):
        model.train_step(batch())


def test_scatter_keeps_types_and_repeats_what_is_no_data() -> None:
    inputs = ([torch.ones(1), "a"], {"x": (torch.ones(2), 3)}, (), None)

    (part,) = scatter(inputs, [-1])

    assert [list, dict, tuple, type(None)] == [type(item) for item in part]
    assert (1.0, "a", (2,), 3) == (
        part[0][0].item(),
        part[0][1],
        tuple(part[1]["x"][0].shape),
        part[1]["x"][1],
    )


@pytest.mark.parametrize(
    ("inputs", "kwargs", "expected"),
    [
        pytest.param((), {}, ((), ()), id="nothing"),
        pytest.param((1,), {}, (((1,),), ({},)), id="positional"),
        pytest.param((), {"a": 1}, (((),), ({"a": 1},)), id="keywords"),
        pytest.param((1,), {"a": 1}, (((1,),), ({"a": 1},)), id="both"),
    ],
)
def test_scatter_kwargs_fills_the_shorter_side(inputs: Any, kwargs: Any, expected: Any) -> None:
    assert expected == scatter_kwargs(inputs, kwargs, [-1])


def test_a_container_of_other_objects_must_say_so() -> None:
    with pytest.raises(TypeError, match="or lists of tensors, found str; use cpu_only=True"):
        scatter(DataContainer([["name"]]), [-1])


def test_module_wrappers_and_their_child_registries() -> None:
    class Wrapper(nn.Module):
        pass

    child = LegacyRegistry("module wrapper", parent=MODULE_WRAPPERS, scope="mylib")
    before = is_module_wrapper(Wrapper())
    child.register_module(module=Wrapper)
    try:
        after = is_module_wrapper(Wrapper())
    finally:
        del MODULE_WRAPPERS.children["mylib"]

    assert (False, True) == (before, after)
    assert is_module_wrapper(MMDataParallel(Model()))
    assert not is_module_wrapper(Model())
