"""The mode of MMCV 1.x's datasets that are not trained on."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from mmbridge.compat.registry import LegacyRegistry
from mmbridge.runners.loop.registry import DATASETS


def in_test_mode(dataloader: Any) -> Any:
    """``dataloader``, with ``test_mode=True`` for a dataset of MMCV 1.x's kind that takes it and does not say.

    1.x configs leave it to the train scripts, which set it for validation data. MMDetection 2.28.2,
    mmdet/apis/train.py.
    """
    dataset = dataloader.get("dataset") if isinstance(dataloader, Mapping) else None
    if not isinstance(dataset, Mapping) or "test_mode" in dataset or not isinstance(dataset.get("type"), str):
        return dataloader
    kind = DATASETS.get(dataset["type"])
    legacy = (registry for registry in DATASETS.walk(shared=True) if isinstance(registry, LegacyRegistry))
    if kind is None or all(kind not in registry.module_dict.values() for registry in legacy):
        return dataloader
    if "test_mode" not in inspect.signature(kind).parameters:
        return dataloader
    return {**dataloader, "dataset": {**dataset, "test_mode": True}}
