"""Logging to PAVI, a tracker inside SenseTime."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.hooks.tracker import TrackerHook, package
from mmbridge.runners.state_dict import unwrapped


@HOOKS.register_module()
class PaviLoggerHook(TrackerHook):
    """Writes scalars without the mode in their names, checkpoints, and the model's graph.

    The step is the iteration, for results of a val epoch the epoch. ``add_graph_kwargs`` (active, start, interval,
    img_key, opset_version, dummy_forward_kwargs) and ``add_ckpt_kwargs`` (active, start, interval) count epochs or
    iterations. MMCV 1.7.2, mmcv/runner/hooks/logger/pavi.py.
    """

    def __init__(
        self,
        init_kwargs: Mapping[str, Any] | None = None,
        add_graph: bool | None = None,
        img_key: str | None = None,
        add_last_ckpt: bool = False,
        interval: int = 10,
        ignore_last: bool = True,
        reset_flag: bool = False,
        by_epoch: bool = True,
        add_graph_kwargs: Mapping[str, Any] | None = None,
        add_ckpt_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(interval, ignore_last, reset_flag, by_epoch)
        self.pavi = package("pavi", type(self).__name__)
        self.init_kwargs = dict(init_kwargs or {})
        self.add_last_ckpt = add_last_ckpt
        old = {"active": add_graph, "img_key": img_key}
        given = {key: value for key, value in old.items() if value is not None}
        if given:
            warnings.warn("add_graph and img_key belong into add_graph_kwargs", DeprecationWarning, stacklevel=2)
        defaults = {"active": False, "start": 0, "interval": 1, "img_key": "img"}
        self.graph = {**defaults, **given, **(add_graph_kwargs or {})}
        self.ckpt = {"active": False, "start": 0, "interval": 1, **(add_ckpt_kwargs or {})}
        self.writer: Any = None
        self.run_name = ""

    def start(self, runner: Any) -> None:
        """Open the writer; the run is named after the work_dir, its text is ``meta['config_dict']``."""
        self.run_name = os.path.basename((runner.work_dir or "run").rstrip(os.sep))
        settings = {"name": self.run_name, "model": runner.model_name, **self.init_kwargs}
        if runner.meta is not None and "config_dict" in runner.meta:
            settings.setdefault("session_text", json.dumps(runner.meta["config_dict"], indent=2, default=str))
        self.writer = self.pavi.SummaryWriter(**settings)

    def tags(self, runner: Any) -> dict[str, Any]:
        """Scalars, by their own names."""
        return self.get_loggable_tags(runner, add_mode=False)

    def get_step(self, runner: Any) -> int:
        """The step of a point: the iteration, for results of a val epoch the epoch."""
        at_epoch = self.get_mode(runner) == "val" and self.by_epoch
        return self.get_epoch(runner) if at_epoch else self.get_iter(runner)

    def write(self, runner: Any, tags: dict[str, Any]) -> None:
        """Add all values at once."""
        self.writer.add_scalars(self.get_mode(runner), tags, self.get_step(runner))

    def after_train_iter(self, runner: Any) -> None:
        """Log if it is time; by iteration, add graph and checkpoint if it is time."""
        super().after_train_iter(runner)
        if not self.by_epoch and runner.rank == 0:
            self._add(runner, runner.iter)

    def after_train_epoch(self, runner: Any) -> None:
        """Log an evaluation; by epoch, add graph and checkpoint if it is time."""
        super().after_train_epoch(runner)
        if self.by_epoch and runner.rank == 0:
            self._add(runner, runner.epoch)

    def _add(self, runner: Any, now: int) -> None:
        if _due(self.ckpt, now):
            self._add_checkpoint(runner, now + 1)
        if _due(self.graph, now):
            self._add_graph(runner, now + 1)

    def _add_checkpoint(self, runner: Any, step: int) -> None:
        unit = "epoch" if self.by_epoch else "iter"
        path = os.path.join(runner.work_dir, f"{unit}_{step}.pth")
        if os.path.isfile(path):
            self.writer.add_snapshot_file(tag=self.run_name, snapshot_file_path=path, iteration=step)

    def _add_graph(self, runner: Any, step: int) -> None:
        model = unwrapped(runner.model)
        device = next(model.parameters()).device
        batch = next(iter(runner.data_loader))[self.graph["img_key"]]
        image = batch[0:1].to(device) if isinstance(batch, torch.Tensor) else batch
        options = {key: self.graph[key] for key in ("opset_version", "dummy_forward_kwargs") if key in self.graph}
        with torch.no_grad():
            self.writer.add_graph(model, image, tag=f"{runner.model_name}_{step}", **options)

    def finish(self, runner: Any) -> None:
        """Add the last checkpoint if asked to; close the writer."""
        latest = os.path.join(runner.work_dir or "", "latest.pth")
        if self.add_last_ckpt and os.path.isfile(latest):
            self.writer.add_snapshot_file(
                tag=self.run_name,
                snapshot_file_path=os.path.realpath(latest),
                iteration=runner.epoch if self.by_epoch else runner.iter,
            )
        self.writer.close()


def _due(settings: Mapping[str, Any], now: int) -> bool:
    since = now - settings["start"]
    return bool(settings["active"] and since >= 0 and since % settings["interval"] == 0)
