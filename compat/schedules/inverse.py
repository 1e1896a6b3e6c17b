"""Inverse decay: policy ``inv``; MMEngine has no class of its own for it."""

from __future__ import annotations

from .arguments import NUMBER, Argument
from .record import Curve, Policy


def inverse(progress: int, horizon: int, base: float, gamma: float, power: float) -> float:
    """``base * (1 + gamma * progress) ** -power`` (MMCV 1.7.2, mmcv/runner/hooks/lr_updater.py)."""
    return float(base * (1 + gamma * progress) ** (-power))


INVERSE = Curve(
    "inverse",
    policies=(Policy("Inv", "lr", (Argument("gamma", NUMBER), Argument("power", NUMBER, 1.0)), inverse),),
)
