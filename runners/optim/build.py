"""The registries of optimizers and of what builds them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch.optim
from mmbridge.compat.registry import LegacyRegistry, build_from_cfg
from torch import nn

OPTIMIZERS = LegacyRegistry("optimizer", scope="mmcv")
"""Optimizer classes: torch's own, and the user's."""

OPTIMIZER_BUILDERS = LegacyRegistry("optimizer builder", scope="mmcv")
"""Classes called with ``(optimizer_cfg, paramwise_cfg)``, whose objects return the optimizer of a model."""

for _candidate in vars(torch.optim).values():
    if isinstance(_candidate, type) and issubclass(_candidate, torch.optim.Optimizer):
        OPTIMIZERS.register_module(module=_candidate)


def build_optimizer_constructor(cfg: Mapping[str, Any]) -> Any:
    """The object that builds optimizers: ``cfg`` holds ``type``, ``optimizer_cfg`` and ``paramwise_cfg``."""
    return build_from_cfg(cfg, OPTIMIZER_BUILDERS)


def build_optimizer(model: nn.Module, cfg: Mapping[str, Any]) -> Any:
    """The optimizer of ``model`` that ``cfg`` describes; ``cfg`` is not changed.

    ``constructor`` names the class that builds it (DefaultOptimizerConstructor), ``paramwise_cfg`` its
    rules; every other key goes to the optimizer.
    """
    optimizer_cfg = copy.deepcopy(dict(cfg))
    constructor = build_optimizer_constructor(
        {
            "type": optimizer_cfg.pop("constructor", "DefaultOptimizerConstructor"),
            "paramwise_cfg": optimizer_cfg.pop("paramwise_cfg", None),
            "optimizer_cfg": optimizer_cfg,
        }
    )
    return constructor(model)
