"""The schedulers' names, signatures and what they say of bad arguments."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from mmbridge.compat.schedules import SCHEDULERS
from mmbridge.runners.loop import scheduler as schedulers
from mmbridge.runners.loop.registry import PARAM_SCHEDULERS, Registry
from mmbridge.runners.loop.scheduler.stepping import INF


def optimizer_of(groups: int = 1, kind: Any = torch.optim.SGD) -> Any:
    return kind([{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(groups)], lr=0.1)


def test_every_scheduler_of_the_catalogue_is_registered() -> None:
    names = {*SCHEDULERS, "LegacyPolicyLR", "LegacyPolicyMomentum"}

    assert {name: getattr(schedulers, name) for name in names} == {name: PARAM_SCHEDULERS.get(name) for name in names}
    assert 10 + 9 + 10 + 2 == len(names)


@pytest.mark.parametrize("name", [name for name in SCHEDULERS if name.endswith("ParamScheduler")])
def test_arguments_are_those_of_the_catalogue(name: str) -> None:
    rule, _ = SCHEDULERS[name]
    kind = getattr(schedulers, name)
    parameters = inspect.signature(kind).parameters
    ours = {key: value.default for key, value in parameters.items() if key not in ("optimizer", "param_name")}
    empty = inspect.Parameter.empty
    common = {"begin": 0, "end": INF, "last_step": -1, "by_epoch": True, "verbose": False}
    theirs = {
        each.name: empty if repr(each.default) == "REQUIRED" else each.default for each in rule.arguments
    } | common

    assert theirs == ours
    assert ["optimizer", "param_name"] == list(parameters)[:2]
    assert rule.in_epochs == kind._in_epochs


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "end below begin": (
        "StepLR",
        {"step_size": 1, "begin": 3, "end": 3},
        "StepLR.end: must be above begin, got begin",
    ),
    "last step below -1": ("StepLR", {"step_size": 1, "last_step": -2}, "StepLR.last_step: must be an integer from -1"),
    "last step a fraction": ("ReduceOnPlateauLR", {"last_step": 0.5}, "last_step: must be an integer from -1, got 0.5"),
    "constant above one": ("ConstantLR", {"factor": 1.5}, "ConstantLR.factor: must be a number from 0 to 1, got 1.5"),
    "line from below zero": ("LinearLR", {"start_factor": -0.5}, "start_factor: must be a number from 0 to 1"),
    "line to above one": ("LinearMomentum", {"end_factor": 2}, "LinearMomentum.end_factor: must be a number from 0"),
    "line from zero": ("LinearLR", {"start_factor": 0}, "start_factor: 0 cannot be multiplied up again"),
    "two floors": ("CosineAnnealingLR", {"eta_min": 0, "eta_min_ratio": 0}, "give eta_min or eta_min_ratio, not both"),
    "restarts to no floor": ("CosineRestartLR", {"periods": [1]}, "give exactly one of eta_min and eta_min_ratio"),
    "a weight too few": (
        "CosineRestartLR",
        {"periods": [1, 2], "eta_min": 0},
        "must have one weight per period, got 1 for 2 periods",
    ),
    "one cycle of momentum": (
        "OneCycleParamScheduler",
        {"param_name": "momentum"},
        "OneCycleParamScheduler.param_name: must be 'lr', got 'momentum'",
    ),
    "no steps": ("OneCycleLR", {"total_steps": 0}, "OneCycleLR.total_steps: must be a positive integer, got 0"),
    "a fraction of steps": ("OneCycleLR", {"total_steps": 2.5}, "total_steps: must be a positive integer, got 2.5"),
    "a whole share": ("OneCycleLR", {"pct_start": 1}, "pct_start: must be a float from 0.0 to 1.0, got 1"),
    "unknown annealing": ("OneCycleLR", {"anneal_strategy": "cosine"}, "must be 'cos' or 'linear', got 'cosine'"),
    "a maximum too many": ("OneCycleLR", {"eta_max": [1, 2]}, "eta_max: has 2 values for 1 parameter groups"),
    "plateau by iteration": ("ReduceOnPlateauLR", {"by_epoch": False}, "by_epoch: must be True"),
    "plateau that rises": ("ReduceOnPlateauLR", {"factor": 1.0}, "factor: must be below 1, got 1.0"),
    "plateau without rule": ("ReduceOnPlateauLR", {"rule": "max"}, "rule: must be 'less' or 'greater', got 'max'"),
    "negative threshold": ("ReduceOnPlateauLR", {"threshold": -1}, "threshold: must not be negative, got -1"),
    "unknown threshold": ("ReduceOnPlateauLR", {"threshold_rule": "x"}, "must be 'rel' or 'abs', got 'x'"),
    "a minimum too many": (
        "ReduceOnPlateauLR",
        {"min_value": [0, 0]},
        "min_value: has 2 values for 1 parameter",
    ),
}


@pytest.mark.parametrize(("kind", "arguments", "sentence"), [pytest.param(*BAD[case], id=case) for case in BAD])
def test_bad_arguments_get_a_sentence(kind: str, arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as error:
        getattr(schedulers, kind)(optimizer_of(), **arguments)

    assert sentence in str(error.value)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_what_is_no_optimizer_is_refused(name: str) -> None:
    kind = getattr(schedulers, name)
    needed = {
        each.name: [1] if each.name in ("milestones", "periods") else 1
        for each in SCHEDULERS[name][0].arguments
        if repr(each.default) == "REQUIRED"
    } | ({"eta_min": 0} if "Restart" in name else {})
    named = ["lr"] if name.endswith("ParamScheduler") else []

    with pytest.raises(TypeError, match=rf"{name}.optimizer: must be an optimizer or a wrapper around one, got list"):
        kind([], *named, **needed)


def test_a_parameter_that_the_groups_lack() -> None:
    with pytest.raises(KeyError, match="ExponentialParamScheduler: parameter group 0 has no 'lrr'; did you mean 'lr'"):
        schedulers.ExponentialParamScheduler(optimizer_of(), "lrr", gamma=1)


def test_momentum_where_there_is_none() -> None:
    with pytest.raises(ValueError, match="ExponentialMomentum: the optimizer has neither momentum nor betas"):
        schedulers.ExponentialMomentum(optimizer_of(kind=torch.optim.Adagrad), gamma=1)


@pytest.mark.parametrize("kind", [schedulers.LinearLR, schedulers.ReduceOnPlateauLR])
def test_going_on_without_initial_values(kind: Any) -> None:
    with pytest.raises(KeyError, match="parameter group 0 has no 'initial_lr', which last_step needs"):
        kind(optimizer_of(), last_step=3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param({"by_epoch": False, "epoch_length": 3}, "only a schedule by epoch can be converted", id="by iter"),
        pytest.param({}, "epoch_length: must be a positive integer, got None", id="no length"),
        pytest.param({"epoch_length": 0}, "epoch_length: must be a positive integer, got 0", id="length 0"),
    ],
)
def test_what_cannot_be_converted(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        schedulers.StepLR.build_iter_from_epoch(optimizer_of(), step_size=1, **arguments)


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The registry of a project below that of schedulers, which holds another StepLR."""
    monkeypatch.setattr(PARAM_SCHEDULERS, "children", {})
    registry = Registry("parameter scheduler", parent=PARAM_SCHEDULERS, scope="project_of_schedulers")
    registry.register_module(module=type("StepLR", (schedulers.StepLR,), {}))
    return registry


@pytest.mark.parametrize("converted", [True, False])
@pytest.mark.parametrize("way", ["in_cfg", "in_force"])
def test_a_scope_says_whose_scheduler_is_built(project: Registry, way: str, converted: bool) -> None:
    cfg = {"type": "StepLR", "step_size": 2, "convert_to_iter_based": converted, "epoch_length": 3}
    own = {"_scope_": project.scope} if way == "in_cfg" else {}

    with PARAM_SCHEDULERS.switch_scope_and_registry(project.scope if way == "in_force" else None):
        built = PARAM_SCHEDULERS.build({**cfg, **own}, default_args={"optimizer": optimizer_of()})

    assert (type(built), built.step_size) == (project.get("StepLR"), 6 if converted else 2)


def test_what_counts_epochs_is_converted_by_keyword_only() -> None:
    with pytest.raises(TypeError, match="step_size"):
        schedulers.StepLR.build_iter_from_epoch(optimizer_of(), 1, epoch_length=3)


def test_a_scheduler_of_ones_own_must_say_what_it_sets() -> None:
    with pytest.raises(NotImplementedError, match=r"_ParamScheduler must define _get_value\(\)"):
        schedulers._ParamScheduler(optimizer_of(), "lr")
