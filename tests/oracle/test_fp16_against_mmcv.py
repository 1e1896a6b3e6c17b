"""Casting and loss scaling are those of the real MMCV 1.7.2, wherever that works without CUDA."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Any

import pytest
import torch
from mmbridge.runners import fp16 as ours
from torch import nn

pytestmark = pytest.mark.oracle


def theirs() -> Any:
    """MMCV's module of the same names."""
    pytest.importorskip("mmcv.runner")
    from mmcv.runner import fp16_utils

    return fp16_utils


def described(value: Any) -> Any:
    """``value`` with tensors replaced by their types."""
    if isinstance(value, torch.Tensor):
        return value.dtype
    if isinstance(value, dict):
        return type(value), {key: described(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, deque)):
        return type(value), [described(item) for item in value]
    return value


NESTED = {
    "tensor": torch.ones(2),
    "other_type": torch.ones(2, dtype=torch.int64),
    "string": "abc",
    "none": None,
    "list": [torch.ones(1), 1, "a"],
    "tuple": (torch.ones(1), [torch.zeros(1)]),
    "dict": {"a": torch.ones(1), "b": {"c": (torch.ones(1),)}},
    "ordered": OrderedDict(a=torch.ones(1)),
    "deque": deque([torch.ones(1)]),
}


@pytest.mark.parametrize("value", NESTED.values(), ids=NESTED)
def test_cast_tensor_type(value: Any) -> None:
    expected = theirs().cast_tensor_type(value, torch.float, torch.half)
    actual = ours.cast_tensor_type(value, torch.float, torch.half)

    assert described(expected) == described(actual)


def test_arrays_and_modules_are_returned_as_they_are() -> None:
    numpy = pytest.importorskip("numpy")

    for value in (numpy.ones(2), nn.Linear(1, 1)):
        for library in (theirs(), ours):
            assert value is library.cast_tensor_type(value, torch.float, torch.half)


@pytest.mark.parametrize("mode", ["dynamic", "static"])
@pytest.mark.parametrize("window", [1, 2, 3])
def test_loss_scale(mode: str, window: int) -> None:
    def scales(scaler: Any) -> Any:
        seen = []
        for overflow in [False, False, True, True, True, False, False, False, False]:
            scaler.update_scale(overflow)
            seen.append(scaler.loss_scale)
        return seen, scaler.state_dict()

    arguments = {"init_scale": 4.0, "mode": mode, "scale_factor": 2.0, "scale_window": window}

    assert scales(theirs().LossScaler(**arguments)) == scales(ours.LossScaler(**arguments))


@pytest.mark.parametrize("value", [1.0, float("inf"), float("-inf"), float("nan"), 3e38])
@pytest.mark.parametrize("mode", ["dynamic", "static"])
def test_overflow(mode: str, value: float) -> None:
    with_grad, without = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1))
    with_grad.grad = torch.full((2,), value)

    def overflows(library: Any) -> bool:
        return library.LossScaler(mode=mode).has_overflow([without, with_grad])

    assert overflows(theirs()) == overflows(ours)


def test_switched_off_methods_run_as_they_are() -> None:
    def outcome(library: Any) -> Any:
        class Model(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.fp16_enabled = False

            @library.auto_fp16(apply_to=("x",))
            def forward(self, x: torch.Tensor, *, y: int = 1) -> Any:
                return x.dtype, y

            @library.force_fp32(out_fp16=True)
            def loss(self, x: torch.Tensor) -> Any:
                return x.dtype

        model = Model()
        return model(torch.ones(1), y=2), model.loss(torch.ones(1, dtype=torch.half))

    assert outcome(theirs()) == outcome(ours)


def test_wrap_fp16_model() -> None:
    def flags(library: Any) -> list[Any]:
        model = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
        model[1].fp16_enabled = False
        library.wrap_fp16_model(model)
        return [getattr(module, "fp16_enabled", None) for module in model.modules()]

    assert flags(theirs()) == flags(ours)
