"""Cosine annealing, with and without restarts, for any parameter."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from mmbridge.compat.schedules.cosine import cosine_step
from mmbridge.compat.schedules.cosine_restart import restart_step
from mmbridge.runners.loop.registry import PARAM_SCHEDULERS

from .stepping import INF, HasParamGroups, _ParamScheduler


@PARAM_SCHEDULERS.register_module()
class CosineAnnealingParamScheduler(_ParamScheduler):
    """Half a cosine down to the floor at step ``T_max`` (default: ``end - begin``); beyond that it rises again.

    The floor is ``eta_min``, or ``eta_min_ratio`` of the initial value; 0 without either. With ``T_max`` equal to
    ``end - begin`` the last step is the one before the floor.

    Raises:
        ValueError: both ``eta_min`` and ``eta_min_ratio`` are given.
    """

    _in_epochs = ("T_max",)

    def __init__(
        self,
        optimizer: HasParamGroups,
        param_name: str,
        T_max: float | None = None,  # noqa: N803
        eta_min: float | None = None,
        begin: float = 0,
        end: float = INF,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
        eta_min_ratio: float | None = None,
    ) -> None:
        if eta_min is not None and eta_min_ratio is not None:
            raise ValueError(f"{type(self).__name__}: give eta_min or eta_min_ratio, not both")
        self.T_max = T_max or (end - begin)
        self.eta_min = 0.0 if eta_min is None and eta_min_ratio is None else eta_min
        self.eta_min_ratio = eta_min_ratio
        super().__init__(optimizer, param_name, begin, end, last_step, by_epoch, verbose)

    def _get_value(self) -> list[Any]:
        name, n, period, floor, ratio = self.param_name, self.last_step, self.T_max, self.eta_min, self.eta_min_ratio
        return [
            cosine_step(n, group[name], base, 0, period, floor, ratio)
            for base, group in zip(self.base_values, self.optimizer.param_groups)  # noqa: B905  see the write in step()
        ]


@PARAM_SCHEDULERS.register_module()
class CosineRestartParamScheduler(_ParamScheduler):
    """Half a cosine to the floor in each of ``periods``; each starts at the initial value times its restart weight.

    The start of a period is set, whatever other schedulers did; past the last one the value stays. The floor is
    ``eta_min``, or ``eta_min_ratio`` of the initial value.

    Raises:
        ValueError: not exactly one of ``eta_min`` and ``eta_min_ratio`` is given, or not one weight per period.
    """

    _in_epochs = ("periods",)

    def __init__(
        self,
        optimizer: HasParamGroups,
        param_name: str,
        periods: Sequence[int],
        restart_weights: Sequence[float] = (1,),
        eta_min: float | None = None,
        eta_min_ratio: float | None = None,
        begin: float = 0,
        end: float = INF,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        if (eta_min is None) == (eta_min_ratio is None):
            raise ValueError(f"{type(self).__name__}: give exactly one of eta_min and eta_min_ratio")
        if len(periods) != len(restart_weights):
            raise ValueError(
                f"{type(self).__name__}.restart_weights: must have one weight per period, "
                f"got {len(restart_weights)} for {len(periods)} periods"
            )
        self.periods = periods
        self.eta_min = eta_min
        self.eta_min_ratio = eta_min_ratio
        self.restart_weights = restart_weights
        self.cumulative_periods = list(accumulate(periods))
        super().__init__(optimizer, param_name, begin, end, last_step, by_epoch, verbose)

    def _get_value(self) -> list[Any]:
        name, n, periods, weights = self.param_name, self.last_step, self.periods, self.restart_weights
        floor, ratio = self.eta_min, self.eta_min_ratio
        return [
            restart_step(n, group[name], base, 0, periods, weights, floor, ratio)
            for base, group in zip(self.base_values, self.optimizer.param_groups)  # noqa: B905  see the write in step()
        ]
