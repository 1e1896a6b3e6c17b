"""Logging to MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.hooks.tracker import TrackerHook, package


@HOOKS.register_module()
class MlflowLoggerHook(TrackerHook):
    """Logs metrics, at the iteration as their step, and after the run the model, with ``log_model``.

    ``exp_name`` names the experiment; ``tags`` and ``params`` are written once. MMCV 1.7.2,
    mmcv/runner/hooks/logger/mlflow.py.
    """

    def __init__(
        self,
        exp_name: str | None = None,
        tags: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        log_model: bool = True,
        interval: int = 10,
        ignore_last: bool = True,
        reset_flag: bool = False,
        by_epoch: bool = True,
    ) -> None:
        super().__init__(interval, ignore_last, reset_flag, by_epoch)
        self.mlflow = package("mlflow", type(self).__name__)
        self.mlflow_pytorch = package("mlflow.pytorch", type(self).__name__) if log_model else None
        self.exp_name = exp_name
        self.run_tags = tags
        self.params = params
        self.log_model = log_model

    def start(self, runner: Any) -> None:
        """Choose the experiment, write tags and parameters."""
        if self.exp_name is not None:
            self.mlflow.set_experiment(self.exp_name)
        describe_run(self.mlflow, self.run_tags, self.params)

    def write(self, runner: Any, tags: dict[str, Any]) -> None:
        """Log all values at once."""
        self.mlflow.log_metrics(tags, step=self.get_iter(runner))

    def finish(self, runner: Any) -> None:
        """Upload the model."""
        if self.mlflow_pytorch is not None:
            requirements = [f"torch=={torch.__version__}"]
            self.mlflow_pytorch.log_model(runner.model, "models", pip_requirements=requirements)


def describe_run(mlflow: Any, tags: Mapping[str, Any] | None, params: Mapping[str, Any] | None) -> None:
    """Write a run's tags and parameters."""
    if tags is not None:
        mlflow.set_tags(tags)
    if params is not None:
        mlflow.log_params(params)
