"""The schedule that follows a validation metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmbridge.compat.registry import MissingKey
from mmbridge.compat.schedules.arguments import suggest
from mmbridge.compat.schedules.plateau import lowered
from mmbridge.runners.loop.logging import print_log
from mmbridge.runners.loop.registry import PARAM_SCHEDULERS

from .stepping import INF, HasParamGroups, _ParamScheduler


@PARAM_SCHEDULERS.register_module()
class ReduceOnPlateauParamScheduler(_ParamScheduler):
    """Times ``factor``, below 1, once ``monitor`` has been no better for more than ``patience`` validations.

    Better is below (``rule='less'``) or above (``'greater'``) the best one so far by ``threshold``: by that share
    of it (``threshold_rule='rel'``) or by that much (``'abs'``). Then ``cooldown`` validations do not count.
    No value falls below ``min_value``, a number or a list of one per group; a change of ``eps`` or less is not made.
    ``begin`` and ``end`` count epochs.

    Raises:
        ValueError: an argument is out of range, or ``by_epoch`` is False.
    """

    need_val_args = True
    """The runner hands the metrics of a validation to :meth:`step`."""

    def __init__(
        self,
        optimizer: HasParamGroups,
        param_name: str,
        monitor: str = "loss",
        rule: str = "less",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_rule: str = "rel",
        cooldown: int = 0,
        min_value: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
        begin: float = 0,
        end: float = INF,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        self._check(by_epoch, factor, rule, threshold, threshold_rule)
        self._attach(optimizer, param_name, begin, end, last_step, by_epoch, verbose)
        self._global_step = 0
        self.factor = factor
        self.min_values = self._per_group(min_value)
        self.patience = patience
        self.cooldown = cooldown
        self.cooldown_counter = 0
        self.rule_worse = INF if rule == "less" else -INF
        self.best: float = self.rule_worse
        self.num_bad_epochs = 0
        self.eps = eps
        self.monitor = monitor
        self.rule = rule
        self.threshold = threshold
        self.threshold_rule = threshold_rule
        self._last_value = self._present()

    def _check(self, by_epoch: bool, factor: float, rule: str, threshold: float, threshold_rule: str) -> None:
        name = type(self).__name__
        if not by_epoch:
            raise ValueError(f"{name}.by_epoch: must be True: metrics come after epochs")
        if factor >= 1:
            raise ValueError(f"{name}.factor: must be below 1, got {factor!r}")
        if threshold < 0:
            raise ValueError(f"{name}.threshold: must not be negative, got {threshold!r}")
        if rule not in ("less", "greater"):
            raise ValueError(f"{name}.rule: must be 'less' or 'greater', got {rule!r}")
        if threshold_rule not in ("rel", "abs"):
            raise ValueError(f"{name}.threshold_rule: must be 'rel' or 'abs', got {threshold_rule!r}")

    def _per_group(self, min_value: float | Sequence[float]) -> list[float]:
        groups = len(self.optimizer.param_groups)
        if not isinstance(min_value, (list, tuple)):
            return [min_value] * groups  # type: ignore[list-item]
        values = list(min_value)
        if getattr(self.optimizer, "base_param_settings", None) is not None:
            groups -= 1  # the wrapper's base settings, which follow the last group
            values += values[-1:]
        if len(min_value) != groups:
            raise ValueError(
                f"{type(self).__name__}.min_value: has {len(min_value)} values for {groups} parameter groups"
            )
        return values

    def step(self, metrics: Mapping[str, Any] | None = None) -> None:
        """Count an epoch; or, given the ``metrics`` of a validation, look at the monitored one and lower the values.

        Raises:
            TypeError: ``metrics`` is no dict.
            MissingKey: the monitored metric is not among them. It is a KeyError.
        """
        if metrics is None:
            self._global_step += 1
            return
        if not isinstance(metrics, Mapping):
            raise TypeError(f"{type(self).__name__}: metrics must be a dict, got {type(metrics).__name__}")
        if self.begin <= self._global_step < self.end:
            self.last_step += 1
            if metrics.get(self.monitor) is None:
                hint = suggest(self.monitor, metrics)
                raise MissingKey(f"{type(self).__name__}.monitor: the metrics have no {self.monitor!r}{hint}")
            if self._has_stalled(float(metrics[self.monitor])):
                self._lower()
        self._last_value = self._present()

    def _has_stalled(self, metric: float) -> bool:
        """Count ``metric``; whether there have been too many bad ones since the best."""
        if self._is_better(metric, self.best):
            self.best = metric
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        return self.num_bad_epochs > self.patience

    def _is_better(self, a: float, best: float) -> bool:
        if self.rule == "less":
            return a < (best * (1.0 - self.threshold) if self.threshold_rule == "rel" else best - self.threshold)
        return a > (best * (self.threshold + 1.0) if self.threshold_rule == "rel" else best + self.threshold)

    def _lower(self) -> None:
        for index, (group, value) in enumerate(zip(self.optimizer.param_groups, self._get_value(), strict=True)):
            if group[self.param_name] - value > self.eps:
                group[self.param_name] = value
                self.print_value(self.verbose, index, value)
        self.cooldown_counter = self.cooldown
        self.num_bad_epochs = 0

    def _get_value(self) -> list[Any]:
        return [
            lowered(float(value), factor=self.factor, least=least)
            for value, least in zip(self._present(), self.min_values, strict=True)
        ]

    def print_value(self, is_verbose: bool, group: int, value: float) -> None:
        """Log the value that a group was given and at which of its steps, if ``is_verbose``."""
        if is_verbose:
            sentence = f"{self.param_name} of group {group} is now {value:.4e} at step {self.last_step}"
            print_log(sentence, logger="current")
