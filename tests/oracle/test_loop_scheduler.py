"""The loop runtime's schedulers set what MMEngine 0.10.7's set, bit for bit; their checkpoints are interchangeable."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections import Counter
from typing import Any

import pytest
import scheduler_lists
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mmbridge.runners.loop import scheduler as ours
from mmbridge.runners.loop.optim import OptimWrapper
from mmbridge.runners.loop.registry import PARAM_SCHEDULERS
from scheduler_lists import Run

pytestmark = pytest.mark.oracle

theirs = pytest.importorskip("mmengine.optim.scheduler")
their_registry = pytest.importorskip("mmengine.registry").PARAM_SCHEDULERS
their_wrapper = pytest.importorskip("mmengine.optim").OptimWrapper

ITERATIONS = 20
many = settings(max_examples=400)


def optimizers() -> st.SearchStrategy[dict[str, Any]]:
    """SGD or Adam, with one group or two, bare or in a wrapper, new or with the initial values of a run before."""
    return st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["SGD", "Adam"]),
            "lrs": st.sampled_from([(0.1,), (0.1, 0.03), (1.0, 1.0)]),
            "wrapped": st.booleans(),
            "resumed": st.booleans(),
        }
    )


def optimizer_of(spec: dict[str, Any], wrapper: Any) -> Any:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in spec["lrs"]]
    more = {"momentum": 0.9} if spec["kind"] == "SGD" else {"betas": (0.8, 0.99)}
    optimizer = getattr(torch.optim, spec["kind"])(groups, lr=0.2, weight_decay=0.05, **more)
    if spec["resumed"]:
        for group in optimizer.param_groups:
            group |= {"initial_lr": 0.4, "initial_momentum": 0.7, "initial_weight_decay": 0.01}
    return wrapper(optimizer) if spec["wrapped"] else optimizer


def our_run(spec: dict[str, Any], configs: list[dict[str, Any]]) -> Run:
    return Run(optimizer_of(spec, OptimWrapper), PARAM_SCHEDULERS, configs)


def their_run(spec: dict[str, Any], configs: list[dict[str, Any]]) -> Run:
    return Run(optimizer_of(spec, their_wrapper), their_registry, configs)


def told(run: Any, steps: int = ITERATIONS) -> list[str]:
    """What is seen at every iteration; it ends with the kind of an error where there is one."""
    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether the optimizer stepped first is not compared here
        try:
            run = run() if callable(run) else run
            for _ in range(steps):
                seen.append(run.seen())
                run.step()
        except Exception as error:
            seen.append(kind_of(error))
    return seen


def kind_of(error: Exception) -> str:
    """Its class as MMEngine has it; for an AssertionError, what ours raises instead."""
    return {"AssertionError": "ValueError", "MissingKey": "KeyError"}.get(name := type(error).__name__, name)


@many
@given(optimizers(), scheduler_lists.lists())
def test_any_list_sets_the_same_values(spec: dict[str, Any], configs: list[dict[str, Any]]) -> None:
    assert told(lambda: their_run(spec, configs)) == told(lambda: our_run(spec, configs))


def plain(state: dict[str, Any]) -> dict[str, Any]:
    """MMEngine's state as ours has it: a dict for the Counter, a name for the function."""
    state = dict(state)
    if "anneal_func" in state:
        state["anneal_strategy"] = state.pop("anneal_func").__name__.removeprefix("_annealing_")
    return {key: dict(value) if isinstance(value, Counter) else value for key, value in state.items()}


PLAIN = {"kind": "SGD", "lrs": (0.1,), "wrapped": False, "resumed": False}
LINE = {"type": "OneCycleLR", "eta_max": 1.0, "total_steps": 25, "anneal_strategy": "linear", "by_epoch": False}


@many
@given(optimizers(), scheduler_lists.lists(), st.integers(0, ITERATIONS))
@example(PLAIN, [LINE], 3)
def test_checkpoints_are_interchangeable(spec: dict[str, Any], configs: list[dict[str, Any]], at: int) -> None:
    """Each goes on from the other's checkpoint as MMEngine goes on from its own."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ours_first, theirs_first = our_run(spec, configs), their_run(spec, configs)
            for _ in range(at):
                ours_first.step()
                theirs_first.step()
            again = [build(spec, configs) for build in (our_run, their_run, our_run, their_run)]
    except (ArithmeticError, AssertionError, LookupError, ValueError):
        return  # a list that stops in both; the law above has it
    our_state, their_state = ours_first.state(), theirs_first.state()
    for run, state in zip(again, (our_state, our_state, their_state, their_state), strict=True):
        run.resume(copy.deepcopy(state))

    assert list(map(plain, their_state["schedulers"])) == our_state["schedulers"]
    assert 1 == len({tuple(told(run)) for run in again})


@many
@given(optimizers(), scheduler_lists.schedulers(), scheduler_lists.schedulers(), st.integers(0, ITERATIONS))
def test_a_checkpoint_of_another_scheduler(
    spec: dict[str, Any], before: dict[str, Any], after: dict[str, Any], at: int
) -> None:
    """Both take over what it holds."""

    def resumed(build: Any) -> Any:
        first = build(spec, [before])
        for _ in range(at):
            first.step()
        again = build(spec, [after])
        again.resume(first.state())
        return again

    assert told(lambda: resumed(their_run)) == told(lambda: resumed(our_run))


@pytest.mark.parametrize("name", [name for name in ours.__all__ if not name.startswith("Legacy")])
def test_the_same_names_and_signatures(name: str) -> None:
    """In names, order and defaults; MMEngine has one mixin module per parameter, not exported."""
    module = {"LRSchedulerMixin": "lr_scheduler", "MomentumSchedulerMixin": "momentum_scheduler"}.get(name)
    kind = getattr(pytest.importorskip(f"mmengine.optim.scheduler.{module}") if module else theirs, name)
    expected = inspect.signature(kind).parameters
    actual = inspect.signature(getattr(ours, name)).parameters

    assert [(key, each.default) for key, each in expected.items()] == [
        (key, each.default) for key, each in actual.items()
    ]


def metrics() -> st.SearchStrategy[list[float | None]]:
    """Epochs with the metric of their validation, or without one."""
    return st.lists(st.none() | st.sampled_from([0.5, 0.9, 0.90001, 1.0]) | st.floats(-2, 2), min_size=5, max_size=30)


PLATEAU = st.fixed_dictionaries(
    {},
    optional={
        "rule": st.sampled_from(["less", "greater"]),
        "factor": st.floats(0.1, 0.99),
        "patience": st.integers(0, 3),
        "threshold": st.sampled_from([0.0, 1e-4, 0.1]),
        "threshold_rule": st.sampled_from(["rel", "abs"]),
        "cooldown": st.integers(0, 2),
        "min_value": st.sampled_from([0.0, 0.05, [0.05], [0.02, 0.07], (0.01, 0.02, 0.03)]),
        "eps": st.sampled_from([1e-8, 0.01]),
        "begin": st.integers(0, 3),
        "end": st.integers(2, 20),
    },
)


@many
@given(optimizers(), PLATEAU, metrics(), st.sampled_from(["LR", "Momentum"]))
def test_a_metric_lowers_the_same_values(
    spec: dict[str, Any], arguments: dict[str, Any], values: list[float | None], suffix: str
) -> None:
    def seen(build: Any) -> list[Any]:
        seen: list[Any] = []
        try:
            run = build(spec, [{"type": f"ReduceOnPlateau{suffix}", "patience": 1, **arguments}])
            for value in values:
                run.schedulers[0].step()
                if value is not None:
                    run.schedulers[0].step({"loss": value})
                seen.append((run.seen(), run.state()["schedulers"]))
        except ValueError:
            seen.append("ValueError")
        return seen

    assert seen(their_run) == seen(our_run)
