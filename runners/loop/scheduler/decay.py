"""Schedules whose steps multiply what they find, and the polynomial: one class per rule, for any parameter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from mmbridge.compat.schedules.constant import constant_step
from mmbridge.compat.schedules.exponential import exponential_step
from mmbridge.compat.schedules.linear import linear_step
from mmbridge.compat.schedules.poly import poly_step
from mmbridge.compat.schedules.steps import dropped, interval_step
from mmbridge.runners.loop.registry import PARAM_SCHEDULERS

from .stepping import INF, HasParamGroups, _ParamScheduler


@PARAM_SCHEDULERS.register_module()
class StepParamScheduler(_ParamScheduler):
    """Times ``gamma`` at every ``step_size``-th step."""

    _in_epochs = ("step_size",)

    def __init__(
        self,
        optimizer: HasParamGroups,
        param_name: str,
        step_size: int,
        gamma: float = 0.1,
        begin: float = 0,
        end: float = INF,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, param_name, begin, end, last_step, by_epoch, verbose)

    def _get_value(self) -> list[Any]:
        name, n, size, gamma = self.param_name, self.last_step, self.step_size, self.gamma
        return [interval_step(n, group[name], 0, 0, size, gamma) for group in self.optimizer.param_groups]


@PARAM_SCHEDULERS.register_module()
class MultiStepParamScheduler(_ParamScheduler):
    """Times ``gamma`` at every one of ``milestones``, which count from ``begin``; as often as it is listed."""

    _in_epochs = ("milestones",)

    def __init__(
        self,
        optimizer: HasParamGroups,
        param_name: str,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_step: int = -1,
        begin: float = 0,
        end: float = INF,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        self.milestones = dict(Counter(milestones))
        self.gamma = gamma
        super().__init__(optimizer, param_name, begin, end, last_step, by_epoch, verbose)

    def _get_value(self) -> list[Any]:
        name, gamma, times = self.param_name, self.gamma, self.milestones.get(self.last_step, 0)
        return [dropped(group[name], gamma, times) for group in self.optimizer.param_groups]


@PARAM_SCHEDULERS.register_module()
class ConstantParamScheduler(_ParamScheduler):
    """Times ``factor``, 0 to 1, from the first step to before step ``end - begin - 1``, the last one, which undoes it.

    Without an ``end``, and where the first step is the last, it is never undone.

    Raises:
        ValueError: ``factor`` is out of range.
    """

    def __init__(
        self,
        optimizer: HasParamGroups,
        param_name: str,
        factor: float = 1.0 / 3,
        begin: float = 0,
        end: float = INF,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        self.factor = _unit(factor, f"{type(self).__name__}.factor")
        self.total_iters = end - begin - 1
        super().__init__(optimizer, param_name, begin, end, last_step, by_epoch, verbose)

    def _get_value(self) -> list[Any]:
        name, n, span, factor = self.param_name, self.last_step, self.total_iters + 1, self.factor
        return [constant_step(n, group[name], 0, span, factor) for group in self.optimizer.param_groups]


@PARAM_SCHEDULERS.register_module()
class ExponentialParamScheduler(_ParamScheduler):
    """Times ``gamma`` at every step but the first."""

    def __init__(
        self,
        optimizer: HasParamGroups,
        param_name: str,
        gamma: float,
        begin: float = 0,
        end: float = INF,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        self.gamma = gamma
        super().__init__(optimizer, param_name, begin, end, last_step, by_epoch, verbose)

    def _get_value(self) -> list[Any]:
        name, n, gamma = self.param_name, self.last_step, self.gamma
        return [exponential_step(n, group[name], 0, 0, gamma) for group in self.optimizer.param_groups]


@PARAM_SCHEDULERS.register_module()
class LinearParamScheduler(_ParamScheduler):
    """A factor on a line from ``start_factor`` at the first step to ``end_factor`` at step ``end - begin - 1``.

    That is the last one: ``end=500`` reaches ``end_factor`` at iteration 499. Both factors are 0 to 1.

    Raises:
        ValueError: a factor is out of range, or ``start_factor`` is 0, from which no factor leads away.
    """

    def __init__(
        self,
        optimizer: HasParamGroups,
        param_name: str,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        begin: float = 0,
        end: float = INF,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        self.start_factor = _unit(start_factor, f"{type(self).__name__}.start_factor")
        self.end_factor = _unit(end_factor, f"{type(self).__name__}.end_factor")
        self.total_iters = end - begin - 1
        if start_factor == 0 and self.total_iters > 0 and last_step == -1:
            raise ValueError(
                f"{type(self).__name__}.start_factor: 0 cannot be multiplied up again; give a small one, such as 1e-6"
            )
        super().__init__(optimizer, param_name, begin, end, last_step, by_epoch, verbose)

    def _get_value(self) -> list[Any]:
        name, n, span, start, end = (
            self.param_name,
            self.last_step,
            self.total_iters + 1,
            self.start_factor,
            self.end_factor,
        )
        return [linear_step(n, group[name], 0, span, start, end) for group in self.optimizer.param_groups]


@PARAM_SCHEDULERS.register_module()
class PolyParamScheduler(_ParamScheduler):
    """A polynomial of degree ``power`` that is down at ``eta_min`` at step ``end - begin - 1``, the last one."""

    def __init__(
        self,
        optimizer: HasParamGroups,
        param_name: str,
        eta_min: float = 0,
        power: float = 1.0,
        begin: float = 0,
        end: float = INF,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        self.eta_min = eta_min
        self.power = power
        self.total_iters = end - begin - 1
        super().__init__(optimizer, param_name, begin, end, last_step, by_epoch, verbose)

    def _get_value(self) -> list[Any]:
        name, n, span, floor, power = self.param_name, self.last_step, self.total_iters + 1, self.eta_min, self.power
        return [poly_step(n, group[name], 0, span, floor, power) for group in self.optimizer.param_groups]


def _unit(factor: float, where: str) -> float:
    if not 0 <= factor <= 1:
        raise ValueError(f"{where}: must be a number from 0 to 1, got {factor!r}")
    return factor
