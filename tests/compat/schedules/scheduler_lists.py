"""Hypothesis strategies for lists of schedulers in the new dialect, and how a run steps them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

EPOCH_LENGTH = 3
QUARTERS = st.integers(1, 40).map(lambda n: n / 4)
STEPS = st.integers(1, 9) | QUARTERS
UNIT = st.floats(0.01, 1.0)
FLOOR = st.just({}) | st.fixed_dictionaries({"eta_min": UNIT}) | st.fixed_dictionaries({"eta_min_ratio": UNIT})
GAMMA = st.floats(0.1, 2.0)

ARGUMENTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "Step": st.fixed_dictionaries({"step_size": st.integers(1, 5)}, optional={"gamma": GAMMA}),
    "MultiStep": st.fixed_dictionaries(
        {"milestones": st.lists(st.integers(0, 9) | QUARTERS, max_size=5)}, optional={"gamma": GAMMA}
    ),
    "Constant": st.fixed_dictionaries({}, optional={"factor": UNIT}),
    "Exponential": st.fixed_dictionaries({"gamma": GAMMA}),
    "Linear": st.fixed_dictionaries({}, optional={"start_factor": UNIT, "end_factor": st.floats(0.0, 1.0)}),
    "Poly": st.fixed_dictionaries({}, optional={"eta_min": UNIT, "power": st.sampled_from([-1, 0.5, 0.9, 1, 2.0])}),
    "CosineAnnealing": st.builds(
        lambda one, other: one | other, st.fixed_dictionaries({}, optional={"T_max": STEPS}), FLOOR
    ),
    "CosineRestart": st.builds(
        lambda pairs, floor: {
            "periods": [period for period, _ in pairs],
            "restart_weights": [weight for _, weight in pairs],
            **(floor or {"eta_min": 0.0}),
        },
        st.lists(st.tuples(st.integers(1, 5), UNIT), min_size=1, max_size=4),
        FLOOR,
    ),
    "OneCycle": st.fixed_dictionaries(
        {"eta_max": UNIT},
        optional={
            "total_steps": st.integers(1, 20),
            "pct_start": st.floats(0.0, 1.0),
            "anneal_strategy": st.sampled_from(["cos", "linear"]),
            "div_factor": st.floats(1.0, 50.0),
            "final_div_factor": st.floats(1.0, 1e4),
            "three_phase": st.booleans(),
        },
    ),
}


@st.composite
def schedulers(
    draw: st.DrawFn, parameters: tuple[str, ...] = ("lr", "momentum", "weight_decay"), last_step: bool = True
) -> dict[str, Any]:
    """One scheduler: any rule, for one of ``parameters`` by its own class or the generic one, in any unit."""
    stem = draw(st.sampled_from(list(ARGUMENTS)))
    parameter = "lr" if stem == "OneCycle" else draw(st.sampled_from(parameters))
    suffix = {"lr": "LR", "momentum": "Momentum"}.get(parameter)
    named = suffix is not None and draw(st.booleans())
    config = {"type": stem + suffix} if named else {"type": f"{stem}ParamScheduler", "param_name": parameter}
    config |= draw(ARGUMENTS[stem])
    begin = draw(st.integers(-1, 5) | QUARTERS)
    if draw(st.booleans()):
        config["begin"] = begin
    if draw(st.booleans()):
        config["end"] = begin + draw(STEPS)
    if last_step and draw(st.integers(0, 9)) == 0:
        config["last_step"] = draw(st.integers(-1, 6))
    unit = draw(st.sampled_from(["epoch", "iter", "converted"]))
    if unit != "epoch":
        config |= {"by_epoch": False} if unit == "iter" else {"convert_to_iter_based": True}
    return config


def lists(**options: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Lists of up to four schedulers, in any order."""
    return st.lists(schedulers(**options), min_size=1, max_size=4)


class Run:
    """An optimizer with its schedulers, as one engine builds them; ``step`` is an iteration of the loop."""

    def __init__(self, optimizer: Any, registry: Any, configs: list[dict[str, Any]]) -> None:
        self.optimizer = optimizer
        self.schedulers = [
            registry.build(copy.deepcopy(config), default_args={"optimizer": optimizer, "epoch_length": EPOCH_LENGTH})
            if config.get("convert_to_iter_based")
            else registry.build({**copy.deepcopy(config), "optimizer": optimizer})
            for config in configs
        ]
        self.iteration = 0

    def step(self) -> None:
        """Train one iteration, then step the schedulers by iteration, then, where an epoch ends, those by epoch."""
        self.optimizer.step()
        self.iteration += 1
        for by_epoch in [False, True] if self.iteration % EPOCH_LENGTH == 0 else [False]:
            for each in self.schedulers:
                if each.by_epoch is by_epoch:
                    each.step()

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {
            "optimizer": copy.deepcopy(self.optimizer.state_dict()),
            "schedulers": [copy.deepcopy(each.state_dict()) for each in self.schedulers],
            "iteration": self.iteration,
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.optimizer.load_state_dict(state["optimizer"])
        for each, one in zip(self.schedulers, state["schedulers"], strict=True):
            each.load_state_dict(one)
        self.iteration = state["iteration"]

    def seen(self) -> str:
        """All that the groups and the schedulers hold for a reader: floats to the last bit, nan equal to nan."""
        groups = [
            {key: value for key, value in sorted(group.items()) if key != "params"}
            for group in self.optimizer.param_groups
        ]
        return repr((groups, [each.get_last_value() for each in self.schedulers]))
