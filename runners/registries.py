"""The registries of what is trained, and on what."""

from __future__ import annotations

from mmbridge.compat.registry import LegacyRegistry

MODELS = LegacyRegistry("model", scope="mmcv")
"""Model classes by the names that ``cfg.model`` uses."""

DATASETS = LegacyRegistry("dataset", scope="mmcv")
"""Dataset classes by the names that ``cfg.data`` uses."""
