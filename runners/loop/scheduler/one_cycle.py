"""The one-cycle schedule of the learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from mmbridge.compat.schedules.one_cycle import annealed, phase_at, phase_ends
from mmbridge.runners.loop.registry import PARAM_SCHEDULERS

from .stepping import INF, HasParamGroups, _ParamScheduler

STRATEGIES = ("cos", "linear")


@PARAM_SCHEDULERS.register_module()
class OneCycleParamScheduler(_ParamScheduler):
    """From ``eta_max / div_factor`` up to ``eta_max`` and down to the first value over ``final_div_factor``.

    The way up takes ``pct_start``, a float, of ``total_steps`` (default: ``end - begin``). With ``three_phase`` the
    way down to the first value takes as long again, and the rest leads on to the last one. ``anneal_strategy`` is
    ``'cos'`` or ``'linear'``. The values are set whatever other schedulers did, and kept in the groups: the first
    one as the initial value. ``eta_max`` may be a list with one value per group.

    Raises:
        ValueError: an argument is out of range, or the schedule steps beyond ``total_steps``.
    """

    _in_epochs = ("total_steps",)

    def __init__(
        self,
        optimizer: HasParamGroups,
        param_name: str,
        eta_max: float | Sequence[float] = 0,
        total_steps: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        begin: float = 0,
        end: float = INF,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        self._require_groups(optimizer)
        self._check(param_name, total_steps, pct_start, anneal_strategy)
        self.eta_max = eta_max
        self.div_factor = div_factor
        self.final_div_factor = final_div_factor
        self.total_steps = end - begin if total_steps is None else total_steps
        self.anneal_strategy = anneal_strategy
        heights = (
            ["initial_lr", "max_lr", "initial_lr", "min_lr"] if three_phase else ["initial_lr", "max_lr", "min_lr"]
        )
        ends = phase_ends(self.total_steps, pct_start, three_phase)
        self._schedule_phases: list[dict[str, Any]] = [
            {"end_step": end_step, "start_lr": start, "end_lr": end}
            for end_step, (start, end) in zip(ends, pairwise(heights), strict=True)
        ]
        tops = self._per_group(eta_max, len(optimizer.param_groups))
        if last_step == -1:
            for group, top in zip(optimizer.param_groups, tops, strict=True):
                group["initial_lr"] = top / div_factor
                group["max_lr"] = top
                group["min_lr"] = group["initial_lr"] / final_div_factor
        super().__init__(optimizer, param_name, begin, end, last_step, by_epoch, verbose)

    def _check(self, param_name: str, total_steps: int | None, pct_start: float, anneal_strategy: str) -> None:
        name = type(self).__name__
        if param_name != "lr":
            raise ValueError(f"{name}.param_name: must be 'lr', got {param_name!r}")
        if total_steps is not None and (not isinstance(total_steps, int) or total_steps <= 0):
            raise ValueError(f"{name}.total_steps: must be a positive integer, got {total_steps!r}")
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"{name}.pct_start: must be a float from 0.0 to 1.0, got {pct_start!r}")
        if anneal_strategy not in STRATEGIES:
            raise ValueError(f"{name}.anneal_strategy: must be 'cos' or 'linear', got {anneal_strategy!r}")

    def _per_group(self, eta_max: float | Sequence[float], groups: int) -> Sequence[float]:
        if not isinstance(eta_max, (list, tuple)):
            return [eta_max] * groups  # type: ignore[list-item]
        if len(eta_max) != groups:
            raise ValueError(
                f"{type(self).__name__}.eta_max: has {len(eta_max)} values for {groups} parameter groups "
                "(a wrapper around several groups counts its base settings as one more, the last)"
            )
        return eta_max

    def _get_value(self) -> list[Any]:
        if self.last_step > self.total_steps:
            given = f"{type(self).__name__}.total_steps: {self.total_steps} are given"
            raise ValueError(f"{given}, and this would be step {self.last_step}, counted from 0")
        phases, strategy = self._schedule_phases, self.anneal_strategy
        index, fraction = phase_at(self.last_step, [phase["end_step"] for phase in phases])
        start, end = phases[index]["start_lr"], phases[index]["end_lr"]
        return [annealed(strategy, group[start], group[end], fraction) for group in self.optimizer.param_groups]

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over every attribute that ``state_dict`` holds; in MMEngine's the strategy is a method, or its name."""
        state = dict(state_dict)
        if "anneal_func" in state:
            method = state.pop("anneal_func")
            state["anneal_strategy"] = getattr(method, "__name__", method).removeprefix("_annealing_")
        super().load_state_dict(state)
