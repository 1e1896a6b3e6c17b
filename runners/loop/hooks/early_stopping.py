"""Ending a run that does not get better."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from math import isfinite
from typing import Any

from mmbridge.compat.errors import BridgeError
from mmbridge.compat.hook import EngineHook
from mmbridge.compat.registry import nearest
from mmbridge.runners.hooks.score_rule import WORST, infer_rule, is_better
from mmbridge.runners.loop.registry import HOOKS


class NoMonitor(BridgeError, RuntimeError):
    """The monitored metric is not among those of a validation."""


@HOOKS.register_module()
class EarlyStoppingHook(EngineHook):
    """Ends training after ``patience`` validations in a row in which ``monitor`` did not improve.

    Improved is a score that is no worse than the best one by ``rule`` ('greater' or 'less', else inferred from the
    name) after ``min_delta`` was added to (subtracted from) that: so with ``min_delta=0`` an equal one counts as
    improved. Training also ends at a score that is not finite (``check_finite``) and at one better than
    ``stopping_threshold``. The loop ends after its epoch, or at once where it counts iterations; nothing is saved for
    it. Without the metric it warns, or raises :class:`NoMonitor` (``strict``). MMEngine 0.10.7,
    mmengine/hooks/early_stopping_hook.py.
    """

    priority = "LOWEST"

    def __init__(
        self,
        monitor: str,
        rule: str | None = None,
        min_delta: float = 0.1,
        strict: bool = False,
        check_finite: bool = True,
        patience: int = 5,
        stopping_threshold: float | None = None,
    ) -> None:
        self.monitor = monitor
        inferred = infer_rule(rule, monitor)
        if inferred is None:  # of 'auto'
            raise ValueError("EarlyStoppingHook: monitor must be the name of a metric, found 'auto'")
        self.rule = inferred
        self.min_delta = min_delta if self.rule == "greater" else -min_delta
        self.strict = strict
        self.check_finite = check_finite
        self.patience = patience
        self.stopping_threshold = stopping_threshold
        self.wait_count = 0
        self.best_score: Any = WORST[self.rule]

    def before_run(self, runner: Any) -> None:
        """Raise ValueError for a training loop that cannot be stopped."""
        if not hasattr(runner.train_loop, "stop_training"):
            raise ValueError(
                f"EarlyStoppingHook: {type(runner.train_loop).__name__} has no attribute stop_training; the run must "
                "train, by a loop that ends once it is True"
            )

    def after_val_epoch(self, runner: Any, metrics: Mapping[str, Any]) -> None:
        """Look at the score; if it is time, let the training loop end."""
        if self.monitor not in metrics:
            self._miss(metrics)
            return
        reason = self._reason_to_stop(metrics[self.monitor])
        if reason is not None:
            runner.train_loop.stop_training = True
            runner.logger.info(reason)

    def _miss(self, metrics: Mapping[str, Any]) -> None:
        close = nearest(self.monitor, list(metrics))
        hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(metrics) or 'none'}"
        message = f"EarlyStoppingHook: monitor {self.monitor!r} is not among the metrics; {hint}"
        if self.strict:
            raise NoMonitor(message)
        warnings.warn(f"{message} This validation is passed over.", stacklevel=2)

    def _reason_to_stop(self, score: Any) -> str | None:
        if self.check_finite and not isfinite(score):
            return f"{self.monitor} is {score}, the best was {self.best_score:.3f}: training ends."
        if self.stopping_threshold is not None and is_better(self.rule, score, self.stopping_threshold):
            self.best_score = score
            return f"{self.monitor} is {score}, which is {self.rule} than {self.stopping_threshold}: training ends."
        if not is_better(self.rule, self.best_score + self.min_delta, score):
            self.best_score = score
            self.wait_count = 0
            return None
        self.wait_count += 1
        if self.wait_count < self.patience:
            return None
        return (
            f"{self.monitor} did not improve in {self.wait_count} validations, the best was {self.best_score:.3f}: "
            "training ends."
        )
