"""Optimizer wrappers and what builds them; with the schedulers, as MMEngine has them under this name, too."""

from __future__ import annotations

from typing import Any

from mmbridge.runners.loop.optim import optimizers  # noqa: F401 - registers them
from mmbridge.runners.loop.optim.amp import AmpOptimWrapper
from mmbridge.runners.loop.optim.build import build_optim_wrapper
from mmbridge.runners.loop.optim.constructor import DefaultOptimWrapperConstructor
from mmbridge.runners.loop.optim.interface import BaseOptimWrapper
from mmbridge.runners.loop.optim.multi_constructor import MultiOptimWrapperConstructor
from mmbridge.runners.loop.optim.wrapper import OptimWrapper
from mmbridge.runners.loop.optim.wrapper_dict import OptimWrapperDict
from mmbridge.runners.loop.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIMIZERS
from mmbridge.runners.loop.scheduler import (
    ConstantLR,
    ConstantMomentum,
    ConstantParamScheduler,
    CosineAnnealingLR,
    CosineAnnealingMomentum,
    CosineAnnealingParamScheduler,
    CosineRestartLR,
    CosineRestartMomentum,
    CosineRestartParamScheduler,
    ExponentialLR,
    ExponentialMomentum,
    ExponentialParamScheduler,
    LegacyPolicyLR,
    LegacyPolicyMomentum,
    LinearLR,
    LinearMomentum,
    LinearParamScheduler,
    LRSchedulerMixin,
    MomentumSchedulerMixin,
    MultiStepLR,
    MultiStepMomentum,
    MultiStepParamScheduler,
    OneCycleLR,
    OneCycleParamScheduler,
    PolyLR,
    PolyMomentum,
    PolyParamScheduler,
    ReduceOnPlateauLR,
    ReduceOnPlateauMomentum,
    ReduceOnPlateauParamScheduler,
    StepLR,
    StepMomentum,
    StepParamScheduler,
    _ParamScheduler,
)

__all__ = [
    "OPTIMIZERS",
    "OPTIM_WRAPPER_CONSTRUCTORS",
    "AmpOptimWrapper",
    "BaseOptimWrapper",
    "ConstantLR",
    "ConstantMomentum",
    "ConstantParamScheduler",
    "CosineAnnealingLR",
    "CosineAnnealingMomentum",
    "CosineAnnealingParamScheduler",
    "CosineRestartLR",
    "CosineRestartMomentum",
    "CosineRestartParamScheduler",
    "DefaultOptimWrapperConstructor",
    "ExponentialLR",
    "ExponentialMomentum",
    "ExponentialParamScheduler",
    "LRSchedulerMixin",
    "LegacyPolicyLR",
    "LegacyPolicyMomentum",
    "LinearLR",
    "LinearMomentum",
    "LinearParamScheduler",
    "MomentumSchedulerMixin",
    "MultiOptimWrapperConstructor",
    "MultiStepLR",
    "MultiStepMomentum",
    "MultiStepParamScheduler",
    "OneCycleLR",
    "OneCycleParamScheduler",
    "OptimWrapper",
    "OptimWrapperDict",
    "PolyLR",
    "PolyMomentum",
    "PolyParamScheduler",
    "ReduceOnPlateauLR",
    "ReduceOnPlateauMomentum",
    "ReduceOnPlateauParamScheduler",
    "StepLR",
    "StepMomentum",
    "StepParamScheduler",
    "ZeroRedundancyOptimizer",
    "_ParamScheduler",
    "build_optim_wrapper",
]


def __getattr__(name: str) -> Any:
    """``ZeroRedundancyOptimizer``, whose import takes a second, only for those who ask for it."""
    if name != "ZeroRedundancyOptimizer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mmbridge.runners.loop.optim.zero import ZeroRedundancyOptimizer

    return ZeroRedundancyOptimizer
