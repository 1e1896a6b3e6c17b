from __future__ import annotations

from collections import OrderedDict, deque, namedtuple
from typing import Any

import pytest
import torch
from mmbridge.runners.fp16 import auto_fp16, cast_tensor_type, force_fp32, low_precision, wrap_fp16_model
from torch import nn

FULL = torch.float32
HALF = torch.bfloat16  # on the CPU
Pair = namedtuple("Pair", "a b")


class Model(nn.Module):
    """Reports the types its methods see."""

    def __init__(self, enabled: bool = True) -> None:
        super().__init__()
        self.fp16_enabled = enabled
        self.fc = nn.Linear(2, 2)

    @auto_fp16(apply_to=("x",), out_fp32=True)
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> Any:
        return {"x": x.dtype, "y": y.dtype, "output": self.fc(x), "inside": self.fc(y).dtype}

    @auto_fp16()
    def all_arguments(self, x: torch.Tensor, *more: torch.Tensor, z: torch.Tensor, **named: torch.Tensor) -> Any:
        return [value.dtype for value in (x, *more, z, *named.values())]

    @auto_fp16(apply_to="x")
    def one_name(self, x: torch.Tensor, y: torch.Tensor) -> Any:
        return [x.dtype, y.dtype]

    @force_fp32(apply_to=("x",), out_fp16=True)
    def loss(self, x: torch.Tensor, y: torch.Tensor) -> Any:
        return {"x": x.dtype, "y": y.dtype, "autocast": torch.is_autocast_enabled("cpu"), "output": x.float()}

    @auto_fp16()
    @force_fp32()
    def both(self, x: torch.Tensor, y: torch.Tensor) -> Any:
        return [x.dtype, y.dtype]

    def around(self, x: torch.Tensor) -> Any:
        with torch.autocast("cpu", dtype=HALF):
            return self.loss(x, y=x)


def ones(dtype: torch.dtype = FULL) -> torch.Tensor:
    return torch.ones(1, 2, dtype=dtype)


def test_auto_fp16_runs_in_half_precision() -> None:
    output = Model()(ones(), y=ones())

    assert (HALF, FULL, HALF) == (output["x"], output["y"], output["inside"])
    assert output["output"].dtype == FULL


def test_auto_fp16_trains_on_the_cpu() -> None:
    model = Model()

    model(ones(), ones())["output"].sum().backward()

    assert model.fc.weight.grad is not None
    assert model.fc.weight.grad.dtype == FULL


@pytest.mark.parametrize("enabled", [False, None])
def test_nothing_changes_where_it_is_not_enabled(enabled: bool | None) -> None:
    model = Model()
    if enabled is None:
        del model.fp16_enabled
    else:
        model.fp16_enabled = enabled

    output = model(ones(), ones())

    assert (FULL, FULL, FULL) == (output["x"], output["y"], output["inside"])
    assert model.loss(ones(HALF), ones(HALF))["x"] == HALF


def test_arguments_beyond_the_signature_are_passed_on_as_they_are() -> None:
    assert [HALF, FULL, FULL, FULL] == Model().all_arguments(ones(), ones(), z=ones(), other=ones())


def test_a_single_name_may_be_given_without_a_tuple() -> None:
    assert [HALF, FULL] == Model().one_name(ones(), ones())


def test_force_fp32_runs_in_full_precision_within_autocast() -> None:
    output = Model().around(ones(HALF))

    assert (FULL, HALF, False) == (output["x"], output["y"], output["autocast"])
    assert output["output"].dtype == HALF


def test_decorators_see_through_each_other() -> None:
    assert [FULL, FULL] == Model().both(ones(), ones(HALF))


def test_other_types_are_refused_unless_supported() -> None:
    class Thing:
        fp16_enabled = True

        @auto_fp16()
        def run(self, x: torch.Tensor) -> Any:
            return x.dtype

        @force_fp32()
        def lose(self) -> None: ...

    with pytest.raises(TypeError, match="@auto_fp16 decorates methods of Module, found a method of Thing"):
        Thing().run(ones())
    with pytest.raises(TypeError, match="@force_fp32 decorates methods of Module"):
        Thing().lose()

    class Supported:
        fp16_enabled = True
        run = auto_fp16(supported_types=(object,))(lambda self, x: x.dtype)

    assert Supported().run(ones()) == low_precision(Supported())[1]


def test_wrap_fp16_model_switches_on_what_has_the_switch() -> None:
    model = nn.Sequential(Model(enabled=False), nn.Linear(1, 1))

    wrap_fp16_model(model)

    assert model[0].fp16_enabled is True
    assert not hasattr(model[1], "fp16_enabled")


def test_half_precision_by_device() -> None:
    assert ("cpu", torch.bfloat16) == low_precision(nn.Linear(1, 1))
    assert ("meta", torch.float16) == low_precision(nn.Linear(1, 1, device="meta"))


def test_cast_tensor_type_keeps_the_types_of_what_holds_tensors() -> None:
    data = [
        {"a": ones(), "b": (ones(), "text", None)},
        OrderedDict(c=Pair(ones(), 1)),
        deque([ones()]),
        range(2),
        b"bytes",
        ones(torch.int64),
    ]

    cast = cast_tensor_type(data, FULL, torch.half)

    assert [dict, OrderedDict, deque, range, bytes, torch.Tensor] == [type(item) for item in cast]
    assert (torch.half, torch.half) == (cast[0]["a"].dtype, cast[0]["b"][0].dtype)
    assert isinstance(cast[1]["c"], Pair)
    assert (torch.half, torch.half, torch.int64) == (cast[1]["c"].a.dtype, cast[2][0].dtype, cast[5].dtype)


def test_cast_tensor_type_leaves_other_objects_alone() -> None:
    once = (tensor for tensor in [ones()])

    assert once is cast_tensor_type(once, FULL, torch.half)
