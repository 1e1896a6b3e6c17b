"""The momentum hooks: one per curve of MMCV 1.x, each reading the curve's own record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from mmbridge.compat.schedules import POLICIES, Parameter
from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.hooks.value_updater import (
    PolicyMixin,
    Values,
    ValueUpdaterHook,
    optimizers,
    signature_of,
)


class MomentumUpdaterHook(ValueUpdaterHook):
    """Base of the momentum hooks: override ``get_momentum``. Warm-up divides, so it starts high.

    Momentum is ``betas[0]`` for optimizers that have no ``momentum``. MMCV 1.7.2,
    mmcv/runner/hooks/momentum_updater.py.
    """

    parameter: ClassVar[Parameter] = "momentum"

    def __init__(
        self,
        by_epoch: bool = True,
        warmup: str | None = None,
        warmup_iters: int = 0,
        warmup_ratio: float = 0.9,
    ) -> None:
        super().__init__(by_epoch, warmup, warmup_iters, warmup_ratio)

    @property
    def base_momentum(self) -> Values:
        """Each group's initial momentum."""
        return self.base_values

    @base_momentum.setter
    def base_momentum(self, values: Values) -> None:
        self.base_values = values

    @property
    def regular_momentum(self) -> Values:
        """Each group's momentum as it would be without warm-up."""
        return self.regular_values

    @regular_momentum.setter
    def regular_momentum(self, values: Values) -> None:
        self.regular_values = values

    def get_momentum(self, runner: Any, base_momentum: Any) -> Any:
        """The momentum now of a group whose initial one is ``base_momentum``."""
        raise NotImplementedError(f"{type(self).__name__} must define get_momentum(runner, base_momentum)")

    def get_regular_momentum(self, runner: Any) -> Values:
        """Every group's momentum now, before warm-up."""
        base = self.base_values
        if isinstance(base, dict):
            return {name: [self.get_momentum(runner, one) for one in mine] for name, mine in base.items()}
        return [self.get_momentum(runner, one) for one in base]

    def get_warmup_momentum(self, cur_iters: int) -> Values:
        """Every group's momentum at iteration ``cur_iters`` of the warm-up."""
        return super().warmed(cur_iters)

    def _set_momentum(self, runner: Any, momentum_groups: Values) -> None:
        super().set_values(runner, momentum_groups)

    def set_values(self, runner: Any, values: Values) -> None:
        """Give every group its momentum, by ``_set_momentum``, which subclasses may override."""
        self._set_momentum(runner, values)

    def regular(self, runner: Any) -> Values:
        """By :meth:`get_regular_momentum`, which subclasses may override."""
        return self.get_regular_momentum(runner)

    def warmed(self, cur_iters: int) -> Values:
        """By :meth:`get_warmup_momentum`, which subclasses may override."""
        return self.get_warmup_momentum(cur_iters)

    def read(self, group: Mapping[str, Any]) -> Any:
        """The group's momentum. Raises KeyError where it has neither ``momentum`` nor ``betas``."""
        return group["momentum"] if "momentum" in group else group["betas"][0]

    def write(self, group: dict[str, Any], value: Any) -> None:
        """Set the group's momentum."""
        if "momentum" in group:
            group["momentum"] = value
        elif "betas" in group:
            group["betas"] = (value, group["betas"][1])


class PolicyMomentumUpdaterHook(PolicyMixin, MomentumUpdaterHook):
    """A momentum that follows the curve ``policy``."""

    def get_momentum(self, runner: Any, base_momentum: Any) -> Any:
        """The curve's value now."""
        return self.value_now(runner, base_momentum)


def _hook_for(
    name: str, base: type[PolicyMomentumUpdaterHook] = PolicyMomentumUpdaterHook
) -> type[PolicyMomentumUpdaterHook]:
    policy = POLICIES[("momentum", name)]
    members = {
        "policy": policy,
        "__doc__": f"The momentum by the policy {name!r} of MMCV 1.7.2.",
        "__module__": __name__,
        "__signature__": signature_of(policy, MomentumUpdaterHook),
    }
    kind = type(policy.hook, (base,), members)
    HOOKS.register_module(module=kind)
    return kind


class _OneCycle(PolicyMomentumUpdaterHook):
    """One cycle ignores the optimizer's momentum: each group starts at its ``max_momentum``."""

    def before_run(self, runner: Any) -> None:
        """Give each group its ``base_momentum`` and ``max_momentum``, and start at the latter."""
        self._arguments: dict[str, list[dict[str, Any]]] = {}
        for name, optimizer in optimizers(runner):
            count = len(optimizer.param_groups)
            self._arguments[name] = [self.group_arguments(index, count) for index in range(count)]
            for group, mine in zip(optimizer.param_groups, self._arguments[name], strict=True):
                if "momentum" not in group and "betas" not in group:
                    raise ValueError(f"{type(self).__name__}: {type(optimizer).__name__} has no momentum")
                self.write(group, mine["max_momentum"])
                group["base_momentum"] = mine["base_momentum"]
                group["max_momentum"] = mine["max_momentum"]

    def get_regular_momentum(self, runner: Any) -> Values:
        """Every group's momentum now."""
        now = {name: [self.value_now(runner, None, each) for each in mine] for name, mine in self._arguments.items()}
        return now if isinstance(runner.optimizer, dict) else now[""]


StepMomentumUpdaterHook = _hook_for("Step")
CosineAnnealingMomentumUpdaterHook = _hook_for("CosineAnnealing")
LinearAnnealingMomentumUpdaterHook = _hook_for("LinearAnnealing")
CyclicMomentumUpdaterHook = _hook_for("Cyclic")
OneCycleMomentumUpdaterHook = _hook_for("OneCycle", _OneCycle)
