"""The schedulers of the learning rate: each is its namesake for any parameter, bound to ``lr``."""

from __future__ import annotations

from typing import Any

from mmbridge.runners.loop.registry import PARAM_SCHEDULERS

from .param_scheduler import (
    ConstantParamScheduler,
    CosineAnnealingParamScheduler,
    CosineRestartParamScheduler,
    ExponentialParamScheduler,
    LinearParamScheduler,
    MultiStepParamScheduler,
    OneCycleParamScheduler,
    PolyParamScheduler,
    ReduceOnPlateauParamScheduler,
    StepParamScheduler,
    _ParamScheduler,
)
from .stepping import HasParamGroups


class LRSchedulerMixin(_ParamScheduler):
    """Binds a scheduler for any parameter, the next base class, to the learning rate.

    The arguments are those of that class without ``param_name``.
    """

    def __init__(self, optimizer: HasParamGroups, *args: Any, **kwargs: Any) -> None:
        super().__init__(optimizer, "lr", *args, **kwargs)


@PARAM_SCHEDULERS.register_module()
class ConstantLR(LRSchedulerMixin, ConstantParamScheduler):
    """Times ``factor`` from the first step to before the last one."""


@PARAM_SCHEDULERS.register_module()
class CosineAnnealingLR(LRSchedulerMixin, CosineAnnealingParamScheduler):
    """Half a cosine down to the floor at step ``T_max``."""


@PARAM_SCHEDULERS.register_module()
class CosineRestartLR(LRSchedulerMixin, CosineRestartParamScheduler):
    """Half a cosine to the floor in each of ``periods``."""


@PARAM_SCHEDULERS.register_module()
class ExponentialLR(LRSchedulerMixin, ExponentialParamScheduler):
    """Times ``gamma`` at every step but the first."""


@PARAM_SCHEDULERS.register_module()
class LinearLR(LRSchedulerMixin, LinearParamScheduler):
    """A factor on a line from ``start_factor`` to ``end_factor``, reached at step ``end - begin - 1``."""


@PARAM_SCHEDULERS.register_module()
class MultiStepLR(LRSchedulerMixin, MultiStepParamScheduler):
    """Times ``gamma`` at every one of ``milestones``."""


@PARAM_SCHEDULERS.register_module()
class OneCycleLR(LRSchedulerMixin, OneCycleParamScheduler):
    """Up to ``eta_max`` and down again."""


@PARAM_SCHEDULERS.register_module()
class PolyLR(LRSchedulerMixin, PolyParamScheduler):
    """A polynomial of degree ``power``, at ``eta_min`` at step ``end - begin - 1``."""


@PARAM_SCHEDULERS.register_module()
class ReduceOnPlateauLR(LRSchedulerMixin, ReduceOnPlateauParamScheduler):
    """Times ``factor`` once a metric is no better any more."""


@PARAM_SCHEDULERS.register_module()
class StepLR(LRSchedulerMixin, StepParamScheduler):
    """Times ``gamma`` at every ``step_size``-th step."""
