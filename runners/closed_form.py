"""``LegacyPolicyLR`` and ``LegacyPolicyMomentum``: the old formula, evaluated as a scheduler of the new generation.

``migrate convert --lr closed-form`` writes them. Importing this module registers them in MMEngine where that is
installed, so ``custom_imports = dict(imports=['mmbridge.runners.closed_form'])`` is all a config needs.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar, Protocol

from mmbridge.compat.errors import ConfigError
from mmbridge.compat.schedules import Parameter, Series, policy_named
from mmbridge.compat.schedules.closed_form import closed_form_series

LOGGER = logging.getLogger("mmbridge")


class HasParamGroups(Protocol):
    """An optimizer of torch, or MMEngine's wrapper around one."""

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups; a wrapper around several of them lists one more, that of its own base settings."""


class LegacyPolicyLR:
    """Sets every group's learning rate to what MMCV 1.7.2 sets for ``config``, an ``lr_config``, at every iteration.

    ``end`` is the length of the run in iterations, of which ``epoch_length`` make an epoch; without
    ``epoch_length`` the run is one counted in iterations. From ``end`` on the last value stays. What else drives
    the rate is overwritten at the next step, so the scheduler stands alone. With ``last_step`` it goes on behind
    that step, from the initial values in the groups. ``verbose`` logs every value.

    Raises:
        ConfigError: ``by_epoch`` (see :meth:`build_iter_from_epoch`), ``begin`` is not 0, or the old config is bad.
        KeyError: ``last_step`` is given, and a group has no initial value.
    """

    parameter: ClassVar[Parameter] = "lr"

    def __init__(
        self,
        optimizer: HasParamGroups,
        config: Mapping[str, Any],
        *,
        end: int,
        begin: int = 0,
        last_step: int = -1,
        by_epoch: bool = False,
        verbose: bool = False,
        epoch_length: int | None = None,
    ) -> None:
        if by_epoch:
            raise ConfigError(f"{type(self).__name__}: steps by iteration: add convert_to_iter_based=True.")
        self.optimizer = optimizer
        self.config = dict(config)
        self.begin = begin
        self.end = end
        self.by_epoch = by_epoch
        self.verbose = verbose
        self.epoch_length = epoch_length
        self.last_step = last_step
        name = f"initial_{self.parameter}"
        if last_step == -1:
            for group in optimizer.param_groups:
                group.setdefault(name, self.read(group))
        self.base_values = [group[name] for group in optimizer.param_groups]
        self._columns = self._computed()
        self.step()

    @classmethod
    def build_iter_from_epoch(
        cls, *args: Any, end: int, epoch_length: int, begin: int = 0, by_epoch: bool = True, **kwargs: Any
    ) -> LegacyPolicyLR:
        """The scheduler of a run of ``end`` epochs: what MMEngine calls for ``convert_to_iter_based=True``.

        Raises ConfigError where ``by_epoch`` is False.
        """
        if not by_epoch:
            raise ConfigError(f"{cls.__name__}: convert_to_iter_based needs by_epoch=True, got by_epoch=False.")
        return cls(*args, end=end * epoch_length, begin=begin, epoch_length=epoch_length, **kwargs)

    def read(self, group: Mapping[str, Any]) -> Any:
        """The present value of a parameter group."""
        return group["lr"]

    def write(self, group: dict[str, Any], value: float) -> None:
        """Give a parameter group its value."""
        group["lr"] = value

    def step(self) -> None:
        """Go on to the next iteration and set its values; behind the last one its values stay."""
        self.last_step = min(self.last_step + 1, self.end - 1)
        self._set_values()

    def get_last_value(self) -> list[Any]:
        """The value that each group was given last."""
        return list(self._last_value)

    def print_value(self, is_verbose: bool, group: int, value: float) -> None:
        """Log the value of a group; inside MMEngine to its own logger."""
        if is_verbose:
            LOGGER.info("%s of group %d is now %.4e", self.parameter, group, value)

    def state_dict(self) -> dict[str, Any]:
        """Where the run stands, and from which values it started. The rest is the config's to say."""
        return {"last_step": self.last_step, "base_values": list(self.base_values)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where the state was taken, by this scheduler's own config, and set the values that are due.

        So a run that is resumed with another length or policy follows the new curve at once, as MMCV's does.

        Raises ValueError for the state of another kind of scheduler.
        """
        if state_dict.keys() != self.state_dict().keys():
            raise ValueError(
                f"{type(self).__name__}: the checkpoint's schedule is of another kind, with {', '.join(state_dict)}: "
                "resume with the config that wrote it, or load the checkpoint without its schedule."
            )
        self.last_step = min(state_dict["last_step"], self.end - 1)
        self.base_values = list(state_dict["base_values"])
        self._columns = self._computed()
        self._set_values()

    def _set_values(self) -> None:
        self._last_value = [series.at(self.last_step, group) for series, group in self._columns]
        for index, (group, value) in enumerate(zip(self.optimizer.param_groups, self._last_value, strict=True)):
            self.write(group, value)
            self.print_value(self.verbose, index, value)

    def _computed(self) -> list[tuple[Series, int]]:
        """For every group the series that holds its values, and its place there."""
        bases = self.base_values
        if getattr(self.optimizer, "base_param_settings", None) is None:
            return self._series(self.config, bases)
        # The wrapper's own settings, which are what it logs: no group of the old run, so they are not counted
        # where the old config has one value per group.
        return [*self._series(self.config, bases[:-1]), *self._series(self._of_one_group(), bases[-1:])]

    def _series(self, config: Mapping[str, Any], bases: Sequence[float]) -> list[tuple[Series, int]]:
        length = self.epoch_length or 1
        series = closed_form_series(
            config,
            epochs=self.epoch_length is not None,
            begin=self.begin,
            end=self.end // length,
            epoch_length=length,
            bases=bases,
            parameter=self.parameter,
            where=type(self).__name__,
        )
        return [(series, group) for group in range(len(bases))]

    def _of_one_group(self) -> dict[str, Any]:
        """The old config with the first of each list that has a value per group."""
        policy = policy_named(self.config["policy"], self.parameter, where=type(self).__name__)
        listed = {argument.name for argument in policy.arguments if argument.per_group}
        return {
            key: value[0] if key in listed and isinstance(value, (list, tuple)) else value
            for key, value in self.config.items()
        }


class LegacyPolicyMomentum(LegacyPolicyLR):
    """The same for momentum and a ``momentum_config``; for Adam and its like it is ``betas[0]``."""

    parameter: ClassVar[Parameter] = "momentum"

    def read(self, group: Mapping[str, Any]) -> Any:
        """The group's momentum. Raises KeyError where it has neither ``momentum`` nor ``betas``."""
        return group["momentum"] if "momentum" in group else group["betas"][0]

    def write(self, group: dict[str, Any], value: float) -> None:
        """Set the group's momentum."""
        if "momentum" in group:
            group["momentum"] = value
        else:
            group["betas"] = (value, *group["betas"][1:])


def _register_in_mmengine() -> None:
    """Register both classes with MMEngine, where it is installed.

    Its Runner passes schedulers that are built already only if they are its own: a resumed run needs that.
    """
    try:
        base = import_module("mmengine.optim")._ParamScheduler
    except ImportError:
        return
    registry = import_module("mmengine.registry").PARAM_SCHEDULERS
    for kind in (LegacyPolicyLR, LegacyPolicyMomentum):
        members = {"__doc__": kind.__doc__, "__module__": __name__, "print_value": base.print_value}
        registry.register_module(module=type(kind.__name__, (kind, base), members))


_register_in_mmengine()
