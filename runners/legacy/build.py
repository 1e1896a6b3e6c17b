"""The registries of runners and of what builds them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from mmbridge.compat.registry import LegacyRegistry

RUNNERS = LegacyRegistry("runner", scope="mmcv")
"""Runner classes by the names that configs of MMCV 1.x use."""

RUNNER_BUILDERS = LegacyRegistry("runner builder", scope="mmcv")
"""Classes made with ``(runner_cfg, default_args)``; the object, called, returns the runner."""


@RUNNER_BUILDERS.register_module()
class DefaultRunnerConstructor:
    """Builds a runner from its config and default arguments."""

    def __init__(self, runner_cfg: Mapping[str, Any], default_args: Mapping[str, Any] | None = None) -> None:
        if not isinstance(runner_cfg, Mapping):
            raise TypeError(f"runner_cfg should be a dict, found {type(runner_cfg).__name__}")
        self.runner_cfg = runner_cfg
        self.default_args = default_args

    def __call__(self) -> Any:
        """The runner."""
        return RUNNERS.build(self.runner_cfg, default_args=self.default_args)


def build_runner_constructor(cfg: Mapping[str, Any]) -> Any:
    """The object that builds runners: ``cfg`` holds ``type``, ``runner_cfg`` and ``default_args``."""
    return RUNNER_BUILDERS.build(cfg)


def build_runner(cfg: Mapping[str, Any], default_args: Mapping[str, Any] | None = None) -> Any:
    """The runner that ``cfg`` describes; ``constructor`` in it names the class that builds the runner.

    ``cfg`` is copied deeply, ``default_args`` (model, optimizer, logger, ...) are used as they are.
    """
    runner_cfg = copy.deepcopy(dict(cfg))
    constructor = build_runner_constructor(
        {
            "type": runner_cfg.pop("constructor", "DefaultRunnerConstructor"),
            "runner_cfg": runner_cfg,
            "default_args": default_args,
        }
    )
    return constructor()
