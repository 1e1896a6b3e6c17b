"""The schedulers for any parameter, ``param_name``: what all of them do, and one class per rule."""

from __future__ import annotations

from .cosine import CosineAnnealingParamScheduler, CosineRestartParamScheduler
from .decay import (
    ConstantParamScheduler,
    ExponentialParamScheduler,
    LinearParamScheduler,
    MultiStepParamScheduler,
    PolyParamScheduler,
    StepParamScheduler,
)
from .one_cycle import OneCycleParamScheduler
from .plateau import ReduceOnPlateauParamScheduler
from .stepping import INF, HasParamGroups, _ParamScheduler

__all__ = [
    "INF",
    "ConstantParamScheduler",
    "CosineAnnealingParamScheduler",
    "CosineRestartParamScheduler",
    "ExponentialParamScheduler",
    "HasParamGroups",
    "LinearParamScheduler",
    "MultiStepParamScheduler",
    "OneCycleParamScheduler",
    "PolyParamScheduler",
    "ReduceOnPlateauParamScheduler",
    "StepParamScheduler",
    "_ParamScheduler",
]
