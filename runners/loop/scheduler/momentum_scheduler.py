"""The schedulers of momentum: each is its namesake for any parameter, bound to ``momentum`` or ``betas[0]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.runners.loop.registry import PARAM_SCHEDULERS

from .param_scheduler import (
    ConstantParamScheduler,
    CosineAnnealingParamScheduler,
    CosineRestartParamScheduler,
    ExponentialParamScheduler,
    LinearParamScheduler,
    MultiStepParamScheduler,
    PolyParamScheduler,
    ReduceOnPlateauParamScheduler,
    StepParamScheduler,
    _ParamScheduler,
)
from .stepping import HasParamGroups


class MomentumSchedulerMixin(_ParamScheduler):
    """Binds a scheduler for any parameter, the next base class, to momentum.

    The arguments are those of that class without ``param_name``. For an optimizer with betas the groups get an entry
    ``momentum``, which starts as ``betas[0]`` and is written back there after every step.

    Raises:
        ValueError: the optimizer has neither momentum nor betas.
    """

    def __init__(self, optimizer: HasParamGroups, *args: Any, **kwargs: Any) -> None:
        self._require_groups(optimizer)
        self.use_betas = "momentum" not in optimizer.defaults
        if self.use_betas:
            if "betas" not in optimizer.defaults:
                raise ValueError(f"{type(self).__name__}: the optimizer has neither momentum nor betas to schedule")
            for group in optimizer.param_groups:
                group["momentum"] = group["betas"][0]
        super().__init__(optimizer, "momentum", *args, **kwargs)

    def step(self) -> None:
        """Count one step, set its values, and write the betas, where there are."""
        super().step()
        self._write_betas()

    def _write_betas(self) -> None:
        if self.use_betas:
            for group in self.optimizer.param_groups:
                group["betas"] = (group["momentum"], *group["betas"][1:])


@PARAM_SCHEDULERS.register_module()
class ConstantMomentum(MomentumSchedulerMixin, ConstantParamScheduler):
    """Times ``factor`` from the first step to before the last one."""


@PARAM_SCHEDULERS.register_module()
class CosineAnnealingMomentum(MomentumSchedulerMixin, CosineAnnealingParamScheduler):
    """Half a cosine down to the floor at step ``T_max``."""


@PARAM_SCHEDULERS.register_module()
class CosineRestartMomentum(MomentumSchedulerMixin, CosineRestartParamScheduler):
    """Half a cosine to the floor in each of ``periods``."""


@PARAM_SCHEDULERS.register_module()
class ExponentialMomentum(MomentumSchedulerMixin, ExponentialParamScheduler):
    """Times ``gamma`` at every step but the first."""


@PARAM_SCHEDULERS.register_module()
class LinearMomentum(MomentumSchedulerMixin, LinearParamScheduler):
    """A factor on a line from ``start_factor`` to ``end_factor``, reached at step ``end - begin - 1``."""


@PARAM_SCHEDULERS.register_module()
class MultiStepMomentum(MomentumSchedulerMixin, MultiStepParamScheduler):
    """Times ``gamma`` at every one of ``milestones``."""


@PARAM_SCHEDULERS.register_module()
class PolyMomentum(MomentumSchedulerMixin, PolyParamScheduler):
    """A polynomial of degree ``power``, at ``eta_min`` at step ``end - begin - 1``."""


@PARAM_SCHEDULERS.register_module()
class ReduceOnPlateauMomentum(MomentumSchedulerMixin, ReduceOnPlateauParamScheduler):
    """Times ``factor`` once a metric is no better any more."""

    def step(self, metrics: Mapping[str, Any] | None = None) -> None:
        """Count an epoch, or look at a validation's ``metrics``; then write the betas, where there are."""
        ReduceOnPlateauParamScheduler.step(self, metrics)
        self._write_betas()


@PARAM_SCHEDULERS.register_module()
class StepMomentum(MomentumSchedulerMixin, StepParamScheduler):
    """Times ``gamma`` at every ``step_size``-th step."""
