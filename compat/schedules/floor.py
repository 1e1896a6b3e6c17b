"""The lower end of a decaying curve, which both dialects give either as a value or as a ratio of the base."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .arguments import NUMBER_OR_NONE, Argument
from .record import Parameter

ETA_MIN = (
    Argument("eta_min", NUMBER_OR_NONE, None, keyword="floor"),
    Argument("eta_min_ratio", NUMBER_OR_NONE, None, keyword="floor_ratio"),
)


def floor_of(base: float, floor: float | None, floor_ratio: float | None) -> float:
    """The absolute floor: ``floor_ratio * base`` where a ratio is given, else ``floor``."""
    if floor_ratio is not None:
        return base * floor_ratio
    return 0.0 if floor is None else floor


def floor_arguments(parameter: Parameter) -> tuple[Argument, ...]:
    """``min_lr`` and ``min_lr_ratio``, or ``min_momentum`` and ``min_momentum_ratio``."""
    return (
        Argument(f"min_{parameter}", NUMBER_OR_NONE, None, keyword="floor"),
        Argument(f"min_{parameter}_ratio", NUMBER_OR_NONE, None, keyword="floor_ratio"),
    )


def exactly_one_floor(bound: Mapping[str, Any]) -> str:
    """What is wrong unless exactly one of the floor and its ratio is given."""
    if (bound["floor"] is None) == (bound["floor_ratio"] is None):
        return "needs exactly one of the minimum and the ratio of the minimum"
    return ""


def at_most_one_floor(bound: Mapping[str, Any]) -> str:
    """What is wrong when both the floor and its ratio are given."""
    if bound["floor"] is not None and bound["floor_ratio"] is not None:
        return "takes eta_min or eta_min_ratio, not both"
    return ""
