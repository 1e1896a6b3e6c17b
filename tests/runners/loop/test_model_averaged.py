"""Averaged models."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from mmbridge.runners.loop.model import (
    BaseAveragedModel,
    ExponentialMovingAverage,
    MomentumAnnealingEMA,
    StochasticWeightAverage,
)
from mmbridge.runners.loop.registry import MODELS
from torch import nn


class Scalar(nn.Module):
    """One weight, one buffer, one counter."""

    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(float(value)))
        self.register_buffer("b", torch.tensor(float(value)))
        self.register_buffer("n", torch.tensor(int(value)))

    def forward(self, x: float) -> torch.Tensor:
        return self.w * x

    def become(self, value: float) -> Scalar:
        with torch.no_grad():
            self.w.fill_(value)
            self.b.fill_(value)
            self.n.fill_(int(value))
        return self


def track(averaged: BaseAveragedModel, values: list[float], name: str = "w") -> list[float]:
    """The averaged value after an update by each of ``values``."""
    seen = []
    for value in values:
        averaged.update_parameters(Scalar(value))
        seen.append(round(getattr(averaged.module, name).item(), 6))
    return seen


def test_the_momentum_is_the_weight_of_the_new_value() -> None:
    assert [1, 1.1, 1.29, 1.561] == track(ExponentialMovingAverage(Scalar(), momentum=0.1), [1, 2, 3, 4])


def test_the_stochastic_average_is_the_mean() -> None:
    assert [1, 1.5, 2, 2.5] == track(StochasticWeightAverage(Scalar()), [1, 2, 3, 4])


def test_the_annealed_momentum_falls_to_the_given_one() -> None:
    averaged = MomentumAnnealingEMA(Scalar(), momentum=0.6, gamma=2)

    assert [0, 2 / 3, 2 / 3 * 0.4 + 0.6] == pytest.approx(track(averaged, [0, 1, 1]), abs=1e-6)  # float32


def test_the_interval_counts_updates() -> None:
    assert [1, 1, 2, 2, 3] == track(StochasticWeightAverage(Scalar(), interval=2), [1, 2, 3, 4, 5])


def test_buffers_are_copied_at_every_update_whatever_the_interval() -> None:
    averaged = StochasticWeightAverage(Scalar(), interval=3)

    assert [1, 2, 3] == track(averaged, [1, 2, 3], "b")
    assert 3 == averaged.module.n


def test_buffers_are_averaged_if_asked_for_and_integers_stay_as_first_copied() -> None:
    averaged = StochasticWeightAverage(Scalar(), update_buffers=True)

    assert [1, 1.5, 2] == track(averaged, [1, 2, 3], "b")
    assert 1 == averaged.module.n


def test_the_state_holds_the_number_of_updates_and_the_average() -> None:
    averaged = ExponentialMovingAverage(Scalar(), momentum=0.1)
    track(averaged, [1, 2])

    assert ["steps", "module.w", "module.b", "module.n"] == list(averaged.state_dict())
    assert 2 == averaged.state_dict()["steps"]


def test_a_loaded_state_goes_on_where_it_was() -> None:
    averaged, other = ExponentialMovingAverage(Scalar(), momentum=0.1), ExponentialMovingAverage(Scalar(), momentum=0.1)
    track(averaged, [1, 2])

    other.load_state_dict(averaged.state_dict())

    assert [1.29, 1.561] == track(other, [3, 4])


@pytest.mark.parametrize("update_buffers", [False, True], ids=["parameters", "buffers_too"])
@pytest.mark.parametrize("change", [lambda model: model.double().float(), copy.deepcopy], ids=["cast", "copied"])
def test_a_model_that_was_cast_or_copied_goes_on(change: Any, update_buffers: bool) -> None:
    averaged = ExponentialMovingAverage(Scalar(), momentum=0.5, update_buffers=update_buffers)
    track(averaged, [1])

    changed = change(averaged)

    assert [2, 3] == track(changed, [3, 4])


def test_the_average_is_a_copy_that_needs_no_gradient_and_works_as_the_model() -> None:
    model = Scalar(3)
    averaged = ExponentialMovingAverage(model)
    model.become(5)

    assert 6 == averaged(2)
    assert not averaged.module.w.requires_grad
    assert model.w.requires_grad
    assert {"w": 3} == averaged.avg_parameters


def test_the_device_of_the_average() -> None:
    averaged = ExponentialMovingAverage(Scalar(), device="meta")

    assert ["meta", "meta"] == [averaged.module.w.device.type, averaged.steps.device.type]


def test_a_large_momentum_is_told(caplog: pytest.LogCaptureFixture) -> None:
    ExponentialMovingAverage(Scalar(), momentum=0.9)

    assert "momentum=0.9 is the weight of the new value, which is usually small; did you mean 0.1?" in caplog.text


@pytest.mark.parametrize(
    ("make", "match"),
    [
        pytest.param(lambda: ExponentialMovingAverage(Scalar(), momentum=1.0), "momentum.*found 1.0", id="momentum_1"),
        pytest.param(lambda: ExponentialMovingAverage(Scalar(), momentum=0.0), "momentum.*found 0.0", id="momentum_0"),
        pytest.param(lambda: MomentumAnnealingEMA(Scalar(), gamma=0), "gamma.*greater than 0, found 0", id="gamma"),
        pytest.param(lambda: StochasticWeightAverage(Scalar(), interval=0), "interval.*at least 1", id="interval"),
    ],
)
def test_settings_that_are_refused(make: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        make()


def test_an_average_of_the_users() -> None:
    class Greatest(BaseAveragedModel):
        def avg_func(self, averaged_param: torch.Tensor, source_param: torch.Tensor, steps: int) -> None:
            torch.maximum(averaged_param, source_param, out=averaged_param)

    assert [1, 4, 4] == track(Greatest(Scalar()), [1, 4, 2])
    with pytest.raises(NotImplementedError, match="BaseAveragedModel must define avg_func"):
        track(BaseAveragedModel(Scalar()), [1, 2])


@pytest.mark.parametrize("name", ["ExponentialMovingAverage", "MomentumAnnealingEMA", "StochasticWeightAverage"])
def test_averaged_models_are_built_by_name(name: str) -> None:
    assert name == type(MODELS.build({"type": name, "model": Scalar()})).__name__
