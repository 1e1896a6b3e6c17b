"""Logging to Weights & Biases."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.hooks.tracker import TrackerHook, package


@HOOKS.register_module()
class WandbLoggerHook(TrackerHook):
    """Logs to wandb, at the iteration as its step, or with ``with_step=False`` as the value ``global_step``.

    ``init_kwargs`` go to ``wandb.init``; ``define_metric_cfg`` maps metrics to their summary. After the run,
    ``log_artifact`` uploads the files of the work_dir that end with ``out_suffix``.
    MMCV 1.7.2, mmcv/runner/hooks/logger/wandb.py.
    """

    def __init__(
        self,
        init_kwargs: Mapping[str, Any] | None = None,
        interval: int = 10,
        ignore_last: bool = True,
        reset_flag: bool = False,
        commit: bool = True,
        by_epoch: bool = True,
        with_step: bool = True,
        log_artifact: bool = True,
        out_suffix: str | tuple[str, ...] = (".log.json", ".log", ".py"),
        define_metric_cfg: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(interval, ignore_last, reset_flag, by_epoch)
        self.wandb = package("wandb", type(self).__name__)
        self.init_kwargs = init_kwargs
        self.commit = commit
        self.with_step = with_step
        self.log_artifact = log_artifact
        self.out_suffix = out_suffix
        self.define_metric_cfg = define_metric_cfg

    def start(self, runner: Any) -> None:
        """Open the run."""
        open_wandb(self.wandb, self.init_kwargs, self.define_metric_cfg)

    def write(self, runner: Any, tags: dict[str, Any]) -> None:
        """Log all values at once."""
        if self.with_step:
            self.wandb.log(tags, step=self.get_iter(runner), commit=self.commit)
        else:
            self.wandb.log({**tags, "global_step": self.get_iter(runner)}, commit=self.commit)

    def finish(self, runner: Any) -> None:
        """Upload the files; close the run."""
        if self.log_artifact and runner.work_dir is not None:
            artifact = self.wandb.Artifact(name="artifacts", type="model")
            for path in sorted(Path(runner.work_dir).rglob("*")):
                if path.is_file() and path.name.endswith(self.out_suffix):
                    artifact.add_file(os.fspath(path))
            self.wandb.log_artifact(artifact)
        self.wandb.finish()


def open_wandb(
    wandb: Any,
    init_kwargs: Mapping[str, Any] | None,
    define_metric_cfg: Mapping[str, str] | Sequence[Mapping[str, Any]] | None,
) -> None:
    """Open a run and define its metrics: name to summary, or a list of the arguments of each."""
    wandb.init(**(init_kwargs or {}))
    if isinstance(define_metric_cfg, Mapping):
        define_metric_cfg = [{"name": name, "summary": summary} for name, summary in define_metric_cfg.items()]
    for metric in define_metric_cfg or ():
        arguments = dict(metric)
        wandb.define_metric(arguments.pop("name"), **arguments)
