from __future__ import annotations

import pytest
import torch
from mmbridge.runners.fp16 import LossScaler
from torch import nn


def test_dynamic_scale() -> None:
    scaler = LossScaler(init_scale=8, scale_window=2)
    seen = [scaler.loss_scale]
    for overflow in [False, False, False, True, False, False, False]:
        scaler.update_scale(overflow)
        seen.append(scaler.loss_scale)

    assert [8, 8, 16, 16, 8, 8, 16, 16] == seen


def test_the_scale_never_falls_below_one() -> None:
    scaler = LossScaler(init_scale=1.5)
    scaler.update_scale(True)

    assert scaler.loss_scale == 1


def test_static_scale() -> None:
    scaler = LossScaler(init_scale=8, mode="static", scale_window=1)
    param = nn.Parameter(torch.zeros(1))
    param.grad = torch.tensor([torch.inf])
    scaler.update_scale(True)

    assert scaler.loss_scale == 8
    assert not scaler.has_overflow([param])


@pytest.mark.parametrize(("value", "expected"), [(1.0, False), (torch.inf, True), (torch.nan, True)])
def test_overflow(value: float, expected: bool) -> None:
    param = nn.Parameter(torch.zeros(1))
    param.grad = torch.tensor([value])

    assert expected == LossScaler().has_overflow([nn.Parameter(torch.zeros(1)), param])


def test_state() -> None:
    scaler = LossScaler(init_scale=4, scale_window=3)
    scaler.update_scale(True)
    other = LossScaler()
    other.load_state_dict(scaler.state_dict())

    expected = {
        "cur_scale": 2,
        "cur_iter": 1,
        "mode": "dynamic",
        "last_overflow_iter": 0,
        "scale_factor": 2.0,
        "scale_window": 3,
    }

    assert expected == other.state_dict()


def test_unknown_mode() -> None:
    with pytest.raises(ValueError, match="must be 'dynamic' or 'static', found 'fixed'"):
        LossScaler(mode="fixed")
