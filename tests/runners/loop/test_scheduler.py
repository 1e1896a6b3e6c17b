"""What the schedulers of the loop runtime set, step by step: values that MMEngine 0.10.7 was seen to set."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from mmbridge.runners.loop import scheduler as schedulers
from mmbridge.runners.loop.optim import OptimWrapper
from mmbridge.runners.loop.registry import PARAM_SCHEDULERS

ROUNDING = 1e-14
"""A recursion gathers a few last bits over these few steps."""
PRINTED = 5e-5
"""Some recorded values have four or five digits."""


def optimizer_of(*lrs: float, kind: Any = torch.optim.SGD, **arguments: Any) -> Any:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in lrs or (1.0,)]
    return kind(groups, lr=1.0, **arguments)


def played(optimizer: Any, built: list[Any], steps: int, name: str = "lr") -> list[list[float]]:
    """What the groups hold at each of ``steps``."""
    values = []
    for _ in range(steps):
        values.append([group[name] for group in optimizer.param_groups])
        getattr(optimizer, "optimizer", optimizer).step()
        for each in built:
            each.step()
    return values


def lr(steps: int, *configs: Mapping[str, Any], base: float = 1.0) -> list[float]:
    """The learning rate of the only group at each of ``steps``, as ``configs`` make it."""
    optimizer = optimizer_of(base)
    built = [PARAM_SCHEDULERS.build({**config, "optimizer": optimizer}) for config in configs]
    return [values[0] for values in played(optimizer, built, steps)]


def new(type: str, **arguments: Any) -> dict[str, Any]:
    return {"type": type, **arguments}


def near(values: list[float], tolerance: float = ROUNDING) -> Any:
    return pytest.approx(values, rel=tolerance, abs=0)


def test_a_line_arrives_at_the_step_before_its_end() -> None:
    assert near([0.2, 0.4, 0.6, 0.8, 1, 1]) == lr(6, new("LinearLR", start_factor=0.2, end=5))
    assert near([0.2, 0.36, 0.52, 0.68, 0.84, 1]) == lr(6, new("LinearLR", start_factor=0.2, end=6))


def test_a_constant_is_undone_at_the_step_before_its_end() -> None:
    assert [0.5, 0.5, 1, 1] == lr(4, new("ConstantLR", factor=0.5, end=3))


@pytest.mark.parametrize("config", [new("ConstantLR", factor=0.5, end=1), new("LinearLR", start_factor=0.5, end=1)])
def test_a_warm_up_of_one_step_is_never_undone(config: dict[str, Any]) -> None:
    assert [0.5, 0.5, 0.5] == lr(3, config)


def test_a_constant_up_to_the_end_of_the_run_is_undone_at_the_very_last_step() -> None:
    """The Runner makes the run's length the ``end`` of a scheduler that has none."""
    assert [0.05, 0.05, 0.05, 0.1] == lr(4, new("ConstantLR", factor=0.5, end=4), base=0.1)


def test_a_polynomial_is_at_its_floor_at_the_step_before_its_end() -> None:
    assert near([1, 2 / 3, 1 / 3, 0, 0]) == lr(5, new("PolyLR", end=4))
    assert near([1, 0.7, 0.4, 0.1, 0.1]) == lr(5, new("PolyLR", end=4, eta_min=0.1))


def test_milestones_count_from_begin_and_as_often_as_they_are_listed() -> None:
    assert [1, 1, 1, 1, 1, 0.1] == lr(6, new("MultiStepLR", begin=3, milestones=[2]))
    assert [0.5, 0.5, 0.125] == lr(3, new("MultiStepLR", milestones=[0, 2, 2], gamma=0.5))


def test_a_cosine_rises_again_and_an_end_freezes_it_before_the_floor() -> None:
    rising = lr(8, new("CosineAnnealingLR", T_max=4, eta_min=0.2))

    assert near([0.31716, 0.2, 0.31716, 0.6], PRINTED) == rising[3:7]
    assert near([0.31716] * 3, PRINTED) == lr(6, new("CosineAnnealingLR", T_max=4, eta_min=0.2, end=4))[3:]


def test_a_restart_sets_the_value_whatever_stood_there() -> None:
    restarts = new("CosineRestartLR", periods=[2, 3], restart_weights=[1, 0.5], eta_min=0.2)
    halved = new("ConstantLR", factor=0.5)

    assert near([1, 0.6, 0.5, 0.425, 0.275, 0.275, 0.275]) == lr(7, restarts)
    assert near([1, 0.6, 0.5]) == lr(3, halved, restarts)


def test_one_cycle_and_a_step_too_many() -> None:
    cycle = new("OneCycleLR", eta_max=1.0, total_steps=5, pct_start=0.4)

    assert near([0.04, 1, 0.75, 0.25, 4e-6], PRINTED) == lr(5, cycle)
    with pytest.raises(ValueError, match=r"OneCycleLR.total_steps: 5 are given, and this would be step 6"):
        lr(7, cycle)


def test_order_in_a_list_matters_where_there_is_a_floor() -> None:
    rise, fall = new("LinearLR", start_factor=0.5, end=3), new("CosineAnnealingLR", eta_min=0.05, T_max=4)

    assert near([0.05, 0.07134, 0.07643, 0.05774], 1e-3) == lr(4, rise, fall, base=0.1)
    assert near([0.05, 0.075, 0.08619, 0.0606], 1e-3) == lr(4, fall, rise, base=0.1)


def test_epochs_are_converted_to_iterations() -> None:
    def built(**config: Any) -> Any:
        config = {"convert_to_iter_based": True, "epoch_length": 10, "optimizer": optimizer_of(), **config}
        return PARAM_SCHEDULERS.build(config)

    cosine, poly = built(type="CosineAnnealingLR", T_max=3, end=3), built(type="PolyLR", end=3)

    assert (30, 30, False) == (cosine.T_max, cosine.end, cosine.by_epoch)
    assert 29 == poly.total_iters
    assert {10: 1, 25.0: 2} == built(type="MultiStepLR", milestones=[1, 2.5, 2.5]).milestones
    assert (15, 10**9) == ((step := built(type="StepLR", step_size=2, begin=1.5)).begin, step.end)
    assert [20, 30] == built(type="CosineRestartLR", periods=(2, 3), restart_weights=(1, 1), eta_min=0).periods
    assert 50 == built(type="OneCycleLR", eta_max=1, total_steps=5).total_steps
    assert 40 == built(type="OneCycleLR", eta_max=1, end=4).total_steps
    with pytest.raises(ValueError, match="by_epoch=True"):
        built(type="PolyLR", by_epoch=False)


def test_a_fractional_end_overshoots() -> None:
    assert near([0.5, 5 / 6, 7 / 6, 7 / 6]) == lr(4, new("LinearLR", start_factor=0.5, end=2.5))


def test_several_groups_in_a_wrapper_have_a_base_rate_which_is_driven_too() -> None:
    wrapper = OptimWrapper(optimizer_of(0.2, 0.4))
    halved = schedulers.StepLR(wrapper, step_size=1, gamma=0.5)
    played(wrapper, [halved], 1)

    assert {"base_lr": [0.5], "lr": [0.1, 0.2]} == wrapper.get_lr()
    assert [0.1, 0.2, 0.5] == halved.get_last_value()


def test_a_stalled_metric_lowers_the_rate() -> None:
    optimizer = optimizer_of()
    plateau = schedulers.ReduceOnPlateauLR(optimizer, patience=1, factor=0.5)
    values = []
    for loss in [1, *[0.9] * 6]:
        plateau.step()  # after the epoch
        plateau.step({"loss": loss})  # after its validation
        values.append(plateau.get_last_value()[0])

    assert [1, 1, 1, 0.5, 0.5, 0.25, 0.25] == values
    with pytest.raises(KeyError, match=r"ReduceOnPlateauLR.monitor: the metrics have no 'loss'; did you mean 'los'"):
        plateau.step({"los": 1})
    with pytest.raises(TypeError, match="metrics must be a dict, got float"):
        plateau.step(0.9)


def test_momentum_of_adam_is_its_first_beta_and_an_entry_of_the_group() -> None:
    optimizer = optimizer_of(kind=torch.optim.Adam, betas=(0.8, 0.99))
    halved = schedulers.ExponentialMomentum(optimizer, gamma=0.5)
    played(optimizer, [halved], 1)

    assert [(0.4, 0.99, 0.4, 0.8)] == [
        (*group["betas"], group["momentum"], group["initial_momentum"]) for group in optimizer.param_groups
    ]


def test_momentum_follows_a_metric_too() -> None:
    optimizer = optimizer_of(kind=torch.optim.Adam, betas=(0.8, 0.99))
    plateau = schedulers.ReduceOnPlateauMomentum(optimizer, monitor="acc", rule="greater", patience=0, factor=0.5)
    for accuracy in (0.5, 0.4):
        plateau.step({"acc": torch.tensor(accuracy)})

    assert (0.4, 0.99) == optimizer.param_groups[0]["betas"]


def test_any_parameter_by_name() -> None:
    optimizer = optimizer_of(weight_decay=0.1)
    decay = schedulers.MultiStepParamScheduler(optimizer, "weight_decay", milestones=[2], gamma=0.5)

    assert [[0.1], [0.1], [0.05]] == played(optimizer, [decay], 3, "weight_decay")
    assert [1.0] == [group["lr"] for group in optimizer.param_groups]


def test_a_scheduler_of_ones_own() -> None:
    """Subclassing works as with MMEngine: ``_get_value`` from ``last_step``, ``base_values`` and the groups."""

    class Squared(schedulers._ParamScheduler):
        def _get_value(self) -> list[float]:
            return [base / (1 + self.last_step) ** 2 for base in self.base_values]

    class SquaredLR(schedulers.LRSchedulerMixin, Squared):
        pass

    optimizer = optimizer_of(1.0, 2.0)

    assert [[1, 2], [0.25, 0.5], [0.25, 0.5]] == played(optimizer, [SquaredLR(optimizer, end=2)], 3)


def test_a_group_that_comes_later() -> None:
    """Rules that need no initial value drive it, those that do leave it alone."""
    optimizer = optimizer_of()
    built = [schedulers.ExponentialLR(optimizer, 0.5), schedulers.CosineAnnealingLR(optimizer, T_max=2)]
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 8.0})
    played(optimizer, built, 1)

    assert near([0.25, 4]) == ([group["lr"] for group in optimizer.param_groups])
    assert near([0.25, 4]) == built[1].get_last_value()


def test_stepping_before_the_optimizer_warns_once() -> None:
    optimizer = optimizer_of()
    linear, exponential = schedulers.LinearLR(optimizer, end=9), schedulers.ExponentialLR(optimizer, gamma=0.9)
    with pytest.warns(UserWarning, match=r"LinearLR.step\(\) was called before the optimizer's step\(\)"):
        linear.step()
    linear.step()
    optimizer.step()
    exponential.step()

    assert [None, None] == [linear._watch, exponential._watch]


def test_stepping_in_a_wrapper_that_accumulates_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedulers.LinearLR(OptimWrapper(optimizer_of(), accumulative_counts=4), end=9).step()


def test_verbose_logs_every_value(capsys: pytest.CaptureFixture[str]) -> None:
    schedulers.ExponentialLR(optimizer_of(0.1, 0.2), gamma=0.5, verbose=True)
    plateau = schedulers.ReduceOnPlateauLR(optimizer_of(), patience=0, factor=0.5, verbose=True)
    for _ in range(2):
        plateau.step({"loss": 1.0})
    lines = [line.rpartition(" - ")[2] for line in capsys.readouterr().out.splitlines()]

    assert [
        "lr of group 0 is now 1.0000e-01",
        "lr of group 1 is now 2.0000e-01",
        "lr of group 0 is now 5.0000e-01 at step 1",
    ] == lines


def test_a_converted_config_plays_the_old_formula() -> None:
    """What ``migrate convert --lr closed-form`` writes, in a wrapper of several groups; built without any import."""
    old = {"policy": "step", "step": [2], "warmup": "linear", "warmup_iters": 2, "warmup_ratio": 0.5}
    wrapper = OptimWrapper(optimizer_of(0.2, 0.4))
    config = new("LegacyPolicyLR", config=old, by_epoch=True, begin=0, end=3, convert_to_iter_based=True)
    built = PARAM_SCHEDULERS.build(config, default_args={"optimizer": wrapper, "epoch_length": 2})
    rates = [rate[0] for rate in played(wrapper, [built], 6)]

    assert isinstance(built, schedulers._ParamScheduler)
    assert near([0.1, 0.15, 0.2, 0.2, 0.02, 0.02]) == rates
    assert {"base_lr": [0.1], "lr": [0.02, 0.04]} == {
        key: pytest.approx(each) for key, each in wrapper.get_lr().items()
    }
