"""What every parameter scheduler does: count steps, and set one parameter of every group at each of them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

from mmbridge.compat.registry import MissingKey
from mmbridge.compat.schedules.arguments import suggest
from mmbridge.runners.loop.logging import print_log
from torch.optim import Optimizer

INF = 10**9
"""The default ``end``: no end."""


class HasParamGroups(Protocol):
    """An optimizer of torch, or the wrapper around one."""

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups; a wrapper around several of them lists one more, that of its own base settings."""

    @property
    def defaults(self) -> dict[str, Any]:
        """What a group holds where it says nothing else."""


class _ParamScheduler:
    """Sets ``param_name`` in every parameter group, at every step from ``begin`` to before ``end``.

    ``begin`` and ``end`` count epochs if ``by_epoch``, else iterations; ``begin`` counts as the first of a
    scheduler's own steps, to which milestones, periods and the like refer. The constructor makes the first step.
    What a step sets is for subclasses to say, in ``_get_value``; most start from the value they find, so that
    schedulers in a list compose. Before ``begin`` and from ``end`` on nothing is set.

    With ``last_step`` the scheduler goes on behind that one of its own steps, from the initial values in the groups.
    ``verbose`` logs every value.

    Raises:
        TypeError: ``optimizer`` has no list of parameter groups.
        ValueError: ``end`` is not above ``begin``, or ``last_step`` is no integer from -1.
        MissingKey: a group has no such parameter, or, with ``last_step``, no initial value. It is a KeyError.
    """

    _in_epochs: ClassVar[tuple[str, ...]] = ()
    """The arguments besides ``begin`` and ``end`` that count steps: numbers, lists of them, or None."""
    _watch: _Watch | None = None
    _transient: ClassVar[frozenset[str]] = frozenset({"optimizer", "_watch"})
    """The attributes that are no part of the state."""

    def __init__(
        self,
        optimizer: HasParamGroups,
        param_name: str,
        begin: float = 0,
        end: float = INF,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        self._attach(optimizer, param_name, begin, end, last_step, by_epoch, verbose)
        self.base_values = [group[f"initial_{param_name}"] for group in optimizer.param_groups]
        self._global_step = -1
        self._watch = _Watch(optimizer) if isinstance(optimizer, Optimizer) else None
        self.step()

    def _attach(
        self,
        optimizer: HasParamGroups,
        param_name: str,
        begin: float,
        end: float,
        last_step: int,
        by_epoch: bool,
        verbose: bool,
    ) -> None:
        self._require_groups(optimizer)
        if end <= begin:
            raise ValueError(f"{type(self).__name__}.end: must be above begin, got begin={begin} and end={end}")
        if not isinstance(last_step, int) or last_step < -1:
            raise ValueError(f"{type(self).__name__}.last_step: must be an integer from -1, got {last_step!r}")
        self.optimizer = optimizer
        self.param_name = param_name
        self.begin = begin
        self.end = end
        self.by_epoch = by_epoch
        self.last_step = last_step
        self.verbose = verbose
        self._keep_initial_values()

    def _keep_initial_values(self) -> None:
        name, initial = self.param_name, f"initial_{self.param_name}"
        for index, group in enumerate(self.optimizer.param_groups):
            if name not in group:
                hint = suggest(name, group.keys() - {"params"})
                raise MissingKey(f"{type(self).__name__}: parameter group {index} has no {name!r}{hint}")
            if self.last_step == -1:
                group.setdefault(initial, group[name])
            elif initial not in group:
                raise MissingKey(
                    f"{type(self).__name__}: parameter group {index} has no {initial!r}, which last_step needs: "
                    "load the optimizer's state first"
                )

    def _require_groups(self, optimizer: object) -> None:
        if not isinstance(getattr(optimizer, "param_groups", None), list):
            raise TypeError(
                f"{type(self).__name__}.optimizer: must be an optimizer or a wrapper around one, "
                f"got {type(optimizer).__name__}"
            )

    @classmethod
    def build_iter_from_epoch(
        cls,
        *args: Any,
        begin: float = 0,
        end: float = INF,
        by_epoch: bool = True,
        epoch_length: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """The same schedule stepping by iteration, from arguments that count epochs of ``epoch_length`` iterations.

        What counts epochs must be given by keyword. Raises ValueError unless ``by_epoch`` and ``epoch_length`` > 0.
        """
        if not by_epoch:
            raise ValueError(f"{cls.__name__}: only a schedule by epoch can be converted, got by_epoch={by_epoch!r}")
        if epoch_length is None or epoch_length <= 0:
            raise ValueError(f"{cls.__name__}.epoch_length: must be a positive integer, got {epoch_length!r}")
        kwargs |= {name: _times(kwargs.get(name), epoch_length) for name in cls._in_epochs}
        kwargs |= {"begin": int(begin * epoch_length), "end": end if end == INF else int(end * epoch_length)}
        return cls(*args, **{**kwargs, "by_epoch": False})

    def step(self) -> None:
        """Count one step, and set the values that it brings if it lies within ``begin`` and ``end``."""
        if self._global_step == 0:
            self._warn_of_wrong_order()
        self._global_step += 1
        groups, name = self.optimizer.param_groups, self.param_name
        if self.begin <= self._global_step < self.end:
            self.last_step += 1
            values = self._get_value()
            for group, value in zip(groups, values):  # noqa: B905  a group added later may have no value
                group[name] = value
            if self.verbose:
                for index, value in enumerate(values):
                    self.print_value(True, index, value)
            if len(values) == len(groups):
                self._last_value = values
                return
        self._last_value = [group[name] for group in groups]

    def _get_value(self) -> list[Any]:
        """The value that step ``last_step`` brings to each group."""
        raise NotImplementedError(f"{type(self).__name__} must define _get_value()")

    def _present(self) -> list[Any]:
        """The value that stands in each group."""
        name = self.param_name
        return [group[name] for group in self.optimizer.param_groups]

    def get_last_value(self) -> list[Any]:
        """The value that each group held after this scheduler's last step."""
        return self._last_value

    def print_value(self, is_verbose: bool, group: int, value: float) -> None:
        """Log the value that a group was given, if ``is_verbose``."""
        if is_verbose:
            print_log(f"{self.param_name} of group {group} is now {value:.4e}", logger="current")

    def state_dict(self) -> dict[str, Any]:
        """Every attribute but the optimizer: the keys of MMEngine 0.10.7."""
        return {key: value for key, value in self.__dict__.items() if key not in self._transient}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over every attribute that ``state_dict`` holds, the schedule's arguments among them.

        So a resumed schedule goes on as it was built at first. A state of another kind of scheduler is taken over, too,
        as MMEngine does; a warning is logged that names the attributes in which they differ.
        """
        different = state_dict.keys() ^ self.state_dict().keys()
        if different:
            sentence = (
                f"{type(self).__name__}: the checkpoint's schedule is of another kind or version: the two differ in "
                f"{', '.join(sorted(different))}. What it holds is taken over: resume with the config that wrote it, "
                "or load the checkpoint without its schedule."
            )
            print_log(sentence, logger="current", level=logging.WARNING)
        self.__dict__.update(state_dict)
        self._end_watch()

    def _warn_of_wrong_order(self) -> None:
        """Warn where the optimizer has not stepped yet; one in a wrapper is its runner's business."""
        if self._end_watch() is False:
            warnings.warn(
                f"{type(self).__name__}.step() was called before the optimizer's step(), so no update used the first "
                "value of the schedule: call the optimizer's first.",
                UserWarning,
                stacklevel=3,
            )

    def _end_watch(self) -> bool | None:
        watch, self._watch = self._watch, None
        return None if watch is None else watch.end()


class _Watch:
    """Notes whether an optimizer steps before :meth:`end`."""

    def __init__(self, optimizer: Optimizer) -> None:
        self._stepped = False
        self._handle = optimizer.register_step_post_hook(self._note)

    def _note(self, *_: Any) -> None:
        self._stepped = True

    def end(self) -> bool:
        """Whether it has stepped."""
        self._handle.remove()
        return self._stepped


def _times(value: Any, epoch_length: int) -> Any:
    if value is None:
        return None
    if isinstance(value, Iterable):
        return [each * epoch_length for each in value]
    return value * epoch_length
