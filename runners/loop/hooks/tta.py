"""Tests with augmentations of every image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.compat.errors import ConfigError
from mmbridge.compat.hook import EngineHook
from mmbridge.runners.loop.registry import HOOKS, MODELS, RUNNERS
from torch import nn


@HOOKS.register_module()
class PrepareTTAHook(EngineHook):
    """Before a test, puts the runner's model into the one that ``tta_cfg`` describes, as its argument ``module``.

    A model that this hook has wrapped is not wrapped again. MMEngine 0.10.7, mmengine/hooks/test_time_aug_hook.py.
    """

    def __init__(self, tta_cfg: Mapping[str, Any]) -> None:
        self.tta_cfg = tta_cfg
        self._wrapped: nn.Module | None = None

    def before_test(self, runner: Any) -> None:
        """Wrap the model."""
        if runner.model is not self._wrapped:
            runner.model = self._wrapped = MODELS.build({**self.tta_cfg, "module": runner.model})


def build_runner_with_tta(cfg: Any) -> Any:
    """The runner of the whole config ``cfg``, whose tests use its ``tta_pipeline`` and its ``tta_model``.

    The pipeline of ``cfg.test_dataloader.dataset`` is replaced. Raises ConfigError where one of them is missing.
    """
    for key in ("tta_model", "tta_pipeline"):
        if key not in cfg:
            raise ConfigError(
                f"{getattr(cfg, 'filename', None) or 'config'}: has no {key!r}, which a test with augmentations needs"
            )
    cfg["test_dataloader"]["dataset"]["pipeline"] = cfg["tta_pipeline"]
    runner = RUNNERS.build(cfg)
    runner.register_hook(PrepareTTAHook(tta_cfg=cfg["tta_model"]))
    return runner
