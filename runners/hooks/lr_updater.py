"""The learning rate hooks: one per curve of MMCV 1.x, each reading the curve's own record."""

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


class LrUpdaterHook(ValueUpdaterHook):
    """Base of the learning rate hooks: override ``get_lr``. Rates are absolute, per step.

    MMCV 1.7.2, mmcv/runner/hooks/lr_updater.py.
    """

    parameter: ClassVar[Parameter] = "lr"

    def __init__(
        self,
        by_epoch: bool = True,
        warmup: str | None = None,
        warmup_iters: int = 0,
        warmup_ratio: float = 0.1,
        warmup_by_epoch: bool = False,
    ) -> None:
        super().__init__(by_epoch, warmup, warmup_iters, warmup_ratio, warmup_by_epoch)

    @property
    def base_lr(self) -> Values:
        """Each group's initial learning rate."""
        return self.base_values

    @base_lr.setter
    def base_lr(self, values: Values) -> None:
        self.base_values = values

    @property
    def regular_lr(self) -> Values:
        """Each group's learning rate as it would be without warm-up."""
        return self.regular_values

    @regular_lr.setter
    def regular_lr(self, values: Values) -> None:
        self.regular_values = values

    def get_lr(self, runner: Any, base_lr: Any) -> Any:
        """The learning rate now of a group whose initial one is ``base_lr``."""
        raise NotImplementedError(f"{type(self).__name__} must define get_lr(runner, base_lr)")

    def get_regular_lr(self, runner: Any) -> Values:
        """Every group's learning rate now, before warm-up."""
        if isinstance(self.base_lr, dict):
            return {name: [self.get_lr(runner, base) for base in mine] for name, mine in self.base_lr.items()}
        return [self.get_lr(runner, base) for base in self.base_lr]

    def get_warmup_lr(self, cur_iters: int) -> Values:
        """Every group's learning rate at iteration ``cur_iters`` of the warm-up."""
        return super().warmed(cur_iters)

    def _set_lr(self, runner: Any, lr_groups: Values) -> None:
        super().set_values(runner, lr_groups)

    def set_values(self, runner: Any, values: Values) -> None:
        """Give every group its learning rate, by ``_set_lr``, which subclasses may override."""
        self._set_lr(runner, values)

    def regular(self, runner: Any) -> Values:
        """By :meth:`get_regular_lr`, which subclasses may override."""
        return self.get_regular_lr(runner)

    def warmed(self, cur_iters: int) -> Values:
        """By :meth:`get_warmup_lr`, which subclasses may override."""
        return self.get_warmup_lr(cur_iters)

    def read(self, group: Mapping[str, Any]) -> Any:
        """The group's learning rate."""
        return group["lr"]

    def write(self, group: dict[str, Any], value: Any) -> None:
        """Set the group's learning rate."""
        group["lr"] = value


class PolicyLrUpdaterHook(PolicyMixin, LrUpdaterHook):
    """A learning rate that follows the curve ``policy``."""

    def get_lr(self, runner: Any, base_lr: Any) -> Any:
        """The curve's value now."""
        return self.value_now(runner, base_lr)

    def get_regular_lr(self, runner: Any) -> Values:
        """Every group's learning rate now; groups of one initial value are computed once."""
        if type(self).get_lr is not PolicyLrUpdaterHook.get_lr:
            return super().get_regular_lr(runner)
        everywhere = self.base_lr.values() if isinstance(self.base_lr, dict) else [self.base_lr]
        now = {base: self.get_lr(runner, base) for base in {base for mine in everywhere for base in mine}}
        if isinstance(self.base_lr, dict):
            return {name: [now[base] for base in mine] for name, mine in self.base_lr.items()}
        return [now[base] for base in self.base_lr]


def _hook_for(name: str, base: type[PolicyLrUpdaterHook] = PolicyLrUpdaterHook) -> type[PolicyLrUpdaterHook]:
    policy = POLICIES[("lr", name)]
    members = {
        "policy": policy,
        "__doc__": f"The learning rate by the policy {name!r} of MMCV 1.7.2.",
        "__module__": __name__,
        "__signature__": signature_of(policy, LrUpdaterHook),
    }
    kind = type(policy.hook, (base,), members)
    HOOKS.register_module(module=kind)
    return kind


class _OneCycle(PolicyLrUpdaterHook):
    """One cycle ignores the optimizer's learning rate: each group starts at its ``max_lr / div_factor``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        per_optimizer = kwargs.get("max_lr")
        if isinstance(per_optimizer, dict):
            kwargs["max_lr"] = next(iter(per_optimizer.values()))
        super().__init__(*args, **kwargs)
        self.max_lr = per_optimizer if isinstance(per_optimizer, dict) else self._bound["max_lr"]

    def before_run(self, runner: Any) -> None:
        """Learn each group's arguments; its initial learning rate is the start of its cycle."""
        self._arguments: dict[str, list[dict[str, Any]]] = {}
        for name, optimizer in optimizers(runner):
            self._bound["max_lr"] = self.max_lr[name] if isinstance(self.max_lr, dict) else self.max_lr
            count = len(optimizer.param_groups)
            self._arguments[name] = [self.group_arguments(index, count) for index in range(count)]
            for group, mine in zip(optimizer.param_groups, self._arguments[name], strict=True):
                group.setdefault("initial_lr", mine["max_lr"] / mine["div_factor"])
        starts = {
            name: [each["max_lr"] / each["div_factor"] for each in mine] for name, mine in self._arguments.items()
        }
        self.base_lr = starts if isinstance(runner.optimizer, dict) else starts[""]
        self.get_regular_lr(runner)  # says now, before training, that total_steps is too small

    def get_regular_lr(self, runner: Any) -> Values:
        """Every group's learning rate now."""
        now = {name: [self.value_now(runner, None, each) for each in mine] for name, mine in self._arguments.items()}
        return now if isinstance(runner.optimizer, dict) else now[""]


FixedLrUpdaterHook = _hook_for("Fixed")
StepLrUpdaterHook = _hook_for("Step")
ExpLrUpdaterHook = _hook_for("Exp")
PolyLrUpdaterHook = _hook_for("Poly")
InvLrUpdaterHook = _hook_for("Inv")
CosineAnnealingLrUpdaterHook = _hook_for("CosineAnnealing")
FlatCosineAnnealingLrUpdaterHook = _hook_for("FlatCosineAnnealing")
CosineRestartLrUpdaterHook = _hook_for("CosineRestart")
CyclicLrUpdaterHook = _hook_for("Cyclic")
OneCycleLrUpdaterHook = _hook_for("OneCycle", _OneCycle)
LinearAnnealingLrUpdaterHook = _hook_for("LinearAnnealing")
