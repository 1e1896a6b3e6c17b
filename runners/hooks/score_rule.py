"""Whether a higher or a lower score is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

GREATER_KEYS = ("acc", "top", "AR@", "auc", "precision", "mAP", "mDice", "mIoU", "mAcc", "aAcc")
"""Names, or parts of names, of scores of which more is better."""

LESS_KEYS = ("loss",)
"""Names, or parts of names, of scores of which less is better."""

RULES = ("greater", "less")

WORST: Mapping[str, float] = {"greater": -inf, "less": inf}
"""The score that every other one is better than, by rule."""


def is_better(rule: str, score: Any, other: Any) -> bool:
    """Whether ``score`` is truly better than ``other``; equal ones are not, nor is a nan."""
    return bool(score > other if rule == "greater" else score < other)


def infer_rule(
    rule: str | None,
    key: str,
    greater_keys: Sequence[str] = GREATER_KEYS,
    less_keys: Sequence[str] = LESS_KEYS,
) -> str | None:
    """``rule``, or the one that the name ``key`` suggests, whatever its case; None for the key ``'auto'``.

    Whole names count before parts of names, and 'greater' before 'less'. Raises ValueError for an unknown
    rule and for a name that suggests none. MMCV 1.7.2, mmcv/runner/hooks/evaluation.py.
    """
    if rule is not None:
        if rule not in RULES:
            raise ValueError(f"rule must be greater, less or None, but got {rule}.")
        return rule
    if key == "auto":
        return None
    name = key.lower()
    greater, less = ([each.lower() for each in keys] for keys in (greater_keys, less_keys))
    for found, keys in (("greater", greater), ("less", less)):
        if name in keys:
            return found
    for found, keys in (("greater", greater), ("less", less)):
        if any(part in name for part in keys):
            return found
    raise ValueError(f"Cannot infer the rule for key {key}, thus a specific rule must be specified.")
