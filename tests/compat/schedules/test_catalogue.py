"""The records name every curve in both dialects."""

from __future__ import annotations

import pytest
from mmbridge.compat.schedules import CURVES, POLICIES, SCHEDULERS, scheduler_named
from mmbridge.compat.schedules.plateau import lowered

LR_POLICIES = (
    "Fixed Step Exp Poly Inv CosineAnnealing FlatCosineAnnealing CosineRestart Cyclic OneCycle LinearAnnealing"
)
MOMENTUM_POLICIES = "Step CosineAnnealing LinearAnnealing Cyclic OneCycle"


def test_every_policy_of_mmcv() -> None:
    names = [(parameter, name) for parameter in ("lr", "momentum") for kind, name in POLICIES if kind == parameter]

    assert {("lr", name) for name in LR_POLICIES.split()} == {pair for pair in names if pair[0] == "lr"}
    assert {("momentum", name) for name in MOMENTUM_POLICIES.split()} == {pair for pair in names if pair[0] != "lr"}


def test_a_curve_is_named_in_at_least_one_dialect() -> None:
    assert all(curve.policies or curve.schedulers for curve in CURVES)
    assert len({curve.name for curve in CURVES}) == len(CURVES)


@pytest.mark.parametrize(
    ("policy", "parameter", "argument", "default"),
    [
        ("Step", "lr", "gamma", 0.1),
        ("Step", "momentum", "gamma", 0.5),
        ("Cyclic", "lr", "target_ratio", (10, 1e-4)),
        ("Cyclic", "momentum", "target_ratio", (0.85 / 0.95, 1.0)),
        ("Poly", "lr", "power", 1.0),
        ("OneCycle", "lr", "final_div_factor", 1e4),
    ],
)
def test_defaults_that_the_two_hooks_of_a_policy_do_not_share(
    policy: str, parameter: str, argument: str, default: object
) -> None:
    found = {entry.name: entry.default for entry in POLICIES[parameter, policy].arguments}  # type: ignore[index]

    assert default == found[argument]


@pytest.mark.parametrize(
    ("name", "stem", "parameter"),
    [
        ("StepLR", "Step", "lr"),
        ("StepMomentum", "Step", "momentum"),
        ("StepParamScheduler", "Step", None),
        ("mmengine.PolyLR", "Poly", "lr"),
        ("OneCycleParamScheduler", "OneCycle", None),
    ],
)
def test_a_type_names_its_rule_and_its_parameter(name: str, stem: str, parameter: str | None) -> None:
    scheduler, drives = scheduler_named(name)

    assert (stem, parameter) == (scheduler.stem, drives)


def test_there_is_no_one_cycle_for_momentum() -> None:
    assert "OneCycleMomentum" not in SCHEDULERS


@pytest.mark.parametrize(("value", "expected"), [(1.0, 0.1), (0.2, 0.05)])
def test_a_plateau_lowers_down_to_a_least_value(value: float, expected: float) -> None:
    assert expected == lowered(value, factor=0.1, least=0.05)
