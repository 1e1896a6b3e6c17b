"""``LegacyPolicyLR`` and ``LegacyPolicyMomentum``: the old formula, evaluated as a scheduler of the new generation.

``migrate convert --lr closed-form`` writes them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from mmbridge.compat.errors import ConfigError
from mmbridge.compat.schedules import Parameter, policy_named
from mmbridge.compat.schedules.closed_form import closed_form_series
from mmbridge.runners.loop.registry import PARAM_SCHEDULERS

from .stepping import HasParamGroups, _ParamScheduler


class _Column:
    """A group's values, read one iteration after the other; ``starts`` are those at which they change."""

    def __init__(self, starts: Sequence[int], values: Sequence[float], iteration: int) -> None:
        self._starts = starts
        self._values = values
        self._run = bisect_right(starts, iteration) - 1

    def at(self, iteration: int) -> float:
        """The value at the iteration that was read last, or at the one after it."""
        following = self._run + 1
        if following < len(self._starts) and self._starts[following] <= iteration:
            self._run = following
        return self._values[self._run]


@PARAM_SCHEDULERS.register_module()
class LegacyPolicyLR(_ParamScheduler):
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
        self._require_groups(optimizer)
        self.optimizer = optimizer
        self.param_name = self.parameter
        self.config = dict(config)
        self.begin = begin
        self.end = end
        self._final = end - 1
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
    def build_iter_from_epoch(  # type: ignore[override]  # length and epoch_length are whole, and needed
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
        self.last_step = min(self.last_step + 1, self._final)
        self._set_values()

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
        self.last_step = min(state_dict["last_step"], self._final)
        self.base_values = list(state_dict["base_values"])
        self._columns = self._computed()
        self._set_values()

    def _set_values(self) -> None:
        n = self.last_step
        values = self._last_value = [column.at(n) for column in self._columns]
        for group, value in zip(self.optimizer.param_groups, values, strict=True):
            self.write(group, value)
        if self.verbose:
            for index, value in enumerate(values):
                self.print_value(True, index, value)

    def _computed(self) -> list[_Column]:
        """The values of every group, read from ``last_step`` on."""
        bases = self.base_values
        if getattr(self.optimizer, "base_param_settings", None) is None:
            return self._series(self.config, bases)
        # The wrapper's own settings, which are what it logs: no group of the old run, so they are not counted
        # where the old config has one value per group.
        return [*self._series(self.config, bases[:-1]), *self._series(self._of_one_group(), bases[-1:])]

    def _series(self, config: Mapping[str, Any], bases: Sequence[float]) -> list[_Column]:
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
        return [_Column(series.starts, series.columns[column], self.last_step) for column in series.column_of]

    def _of_one_group(self) -> dict[str, Any]:
        """The old config with the first of each list that has a value per group."""
        policy = policy_named(self.config["policy"], self.parameter, where=type(self).__name__)
        listed = {argument.name for argument in policy.arguments if argument.per_group}
        return {
            key: value[0] if key in listed and isinstance(value, (list, tuple)) else value
            for key, value in self.config.items()
        }


@PARAM_SCHEDULERS.register_module()
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
