"""MessageHub: where the parts of a run leave numbers and facts for each other."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from mmbridge.runners.loop.logging.history_buffer import HistoryBuffer
from mmbridge.runners.loop.logging.logger import print_log
from mmbridge.runners.loop.logging.named import Named
from torch import Tensor

_PLAIN: tuple[Any, ...] = (bool, int, float, complex, str, bytes)
_STATE = ("log_scalars", "runtime_info", "resumed_keys")


class MessageHub(Named):
    """Histories of numbers (``log_scalars``) and the latest value of facts (``runtime_info``), by their keys.

    A key whose ``resumed`` is true goes into checkpoints; it must be the same at every update of the key.
    MMEngine 0.10.7, mmengine/logging/message_hub.py.
    """

    def __init__(
        self,
        name: str,
        log_scalars: Mapping[str, HistoryBuffer] | None = None,
        runtime_info: Mapping[str, Any] | None = None,
        resumed_keys: Mapping[str, bool] | None = None,
    ) -> None:
        super().__init__(name)
        self._log_scalars: dict[str, HistoryBuffer] = _copied("log_scalars", log_scalars)
        self._runtime_info: dict[str, Any] = _copied("runtime_info", runtime_info)
        self._resumed_keys: dict[str, bool] = _copied("resumed_keys", resumed_keys)
        for key, history in self._log_scalars.items():
            if not isinstance(history, HistoryBuffer):
                raise TypeError(f"log_scalars[{key!r}] must be a HistoryBuffer, found {type(history).__name__}")
        for key in self._resumed_keys:
            if key not in self._log_scalars and key not in self._runtime_info:
                raise ValueError(f"resumed_keys[{key!r}]: neither log_scalars nor runtime_info has this key")

    def update_scalar(self, key: str, value: Any, count: int = 1, resumed: bool = True) -> None:
        """Append ``value`` to the history of ``key``: a number, or a tensor or an array that holds one.

        A tensor on another device is read only when the history is, so nobody waits for the device here. Raises
        ValueError for what is no single number, and where ``resumed`` changes; TypeError for a count that is no int.
        """
        if type(value) is not float:
            value = _scalar(key, value)
        if type(count) is not int:
            _check_count(key, count)
        try:
            if self._resumed_keys[key] is resumed:
                self._log_scalars[key].add(value, count)
                return
        except KeyError:
            pass
        self._set_resumed(key, resumed)
        if key in self._log_scalars:
            self._log_scalars[key].add(value, count)
        else:
            self._log_scalars[key] = HistoryBuffer([value], [count])

    def update_scalars(self, log_dict: Mapping[str, Any], resumed: bool = True) -> None:
        """Append to several histories; a value may be a dict of ``value`` and, where it is not 1, ``count``."""
        if not isinstance(log_dict, Mapping):
            raise TypeError(f"update_scalars takes a dict of key -> value, found {type(log_dict).__name__}")
        for key, value in log_dict.items():
            if not isinstance(value, dict):
                self.update_scalar(key, value, 1, resumed)
                continue
            if "value" not in value:
                raise ValueError(f"{key}: a dict of value and count must have 'value', found the keys {list(value)}")
            count = _scalar(f"{key}.count", value.get("count", 1))
            self.update_scalar(key, value["value"], count, resumed)

    def update_info(self, key: str, value: Any, resumed: bool = True) -> None:
        """Let ``value`` be the fact ``key``. Raises ValueError where ``resumed`` changes."""
        if self._resumed_keys.get(key) is not resumed:
            self._set_resumed(key, resumed)
        self._runtime_info[key] = value

    def update_info_dict(self, info_dict: Mapping[str, Any], resumed: bool = True) -> None:
        """Update several facts."""
        if not isinstance(info_dict, Mapping):
            raise TypeError(f"update_info_dict takes a dict of key -> value, found {type(info_dict).__name__}")
        for key, value in info_dict.items():
            self.update_info(key, value, resumed)

    def pop_info(self, key: str, default: Any = None) -> Any:
        """Remove a fact and return it; ``default`` if there is none."""
        return self._runtime_info.pop(key, default)

    @property
    def log_scalars(self) -> dict[str, HistoryBuffer]:
        """The histories themselves, by their keys."""
        return self._log_scalars

    @property
    def runtime_info(self) -> dict[str, Any]:
        """The facts themselves, by their keys."""
        return self._runtime_info

    def get_scalar(self, key: str) -> HistoryBuffer:
        """The history of ``key``. Raises KeyError, with the keys there are."""
        if key not in self._log_scalars:
            known = ", ".join(self._log_scalars) or "none"
            raise KeyError(f"message hub {self.instance_name!r} has no scalar {key!r}; there are: {known}")
        return self._log_scalars[key]

    def get_info(self, key: str, default: Any = None) -> Any:
        """The fact ``key`` itself; ``default`` if there is none."""
        return self._runtime_info.get(key, default)

    def _set_resumed(self, key: str, resumed: bool) -> None:
        before = self._resumed_keys.setdefault(key, resumed)
        if before != resumed:
            raise ValueError(
                f"{key}: resumed was {before} at an earlier update and is {resumed} now; it must stay the same"
            )

    def state_dict(self) -> dict[str, Any]:
        """Plain data, which torch's safe loader reads: the histories and facts to be resumed, and all flags.

        A history is a dict of two tensors and ``max_length``. A fact that is no plain data is left out, with a warning.
        """
        info: dict[str, Any] = {}
        for key, value in self._runtime_info.items():
            if self._resumed_keys.get(key, False):
                try:
                    info[key] = _plain(value)
                except _NotPlain as found:
                    print_log(f"{key}: not saved, as {found} is no plain data", "current", logging.WARNING)
        histories = self._log_scalars.items()
        return {
            "log_scalars": {key: value.state() for key, value in histories if self._resumed_keys.get(key, False)},
            "runtime_info": info,
            "resumed_keys": dict(self._resumed_keys),
        }

    def load_state_dict(self, state_dict: Mapping[str, Any] | MessageHub) -> None:
        """Take over what a state of this class or of MMEngine's holds, or a copy of another hub's contents.

        Other keys stay. What is no history is passed over, with a warning. Raises ValueError for a state that lacks
        a part.
        """
        if isinstance(state_dict, MessageHub):
            self._log_scalars = deepcopy(state_dict._log_scalars)
            self._runtime_info = deepcopy(state_dict._runtime_info)
            self._resumed_keys = deepcopy(state_dict._resumed_keys)
            return
        missing = [part for part in _STATE if part not in state_dict]
        if missing:
            raise ValueError(f"the state of a message hub lacks {', '.join(missing)}; it has {', '.join(state_dict)}")
        for key, value in state_dict["log_scalars"].items():
            history = _history(value)
            if history is None:
                print_log(f"{key}: not resumed, as {type(value)} is no history", "current", logging.WARNING)
            else:
                self._log_scalars[key] = history
        self._runtime_info.update(deepcopy(dict(state_dict["runtime_info"])))
        for key, resumed in state_dict["resumed_keys"].items():
            if key in self._log_scalars or key in self._runtime_info:
                self._resumed_keys[key] = resumed


class _NotPlain(Exception):
    """A value that torch's safe loader would not read."""


def _copied(name: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(f"{name} of a message hub must be a dict or None, found {type(given).__name__}")
    return dict(given or {})


def _scalar(key: str, value: Any) -> Any:
    """``value`` as a number, or as a tensor of one that lies on another device."""
    number: Any = None
    if isinstance(value, Tensor):
        if value.is_cpu:
            try:
                number = value.item()
            except RuntimeError:  # more than one number, or none
                number = None
        elif value.numel() == 1 and not value.is_complex():
            return value.detach()
    elif isinstance(value, (int, float)):
        return value
    elif getattr(value, "size", None) == 1 and hasattr(value, "item"):  # numpy
        number = value.item()
    if isinstance(number, (float, int)):
        return number
    shape = f" of shape {tuple(value.shape)}" if hasattr(value, "shape") else ""
    raise ValueError(f"{key}: a scalar is a number, or holds one; found {type(value).__name__}{shape}: {value!r:.80}")


def _check_count(key: str, count: Any) -> None:
    if not isinstance(count, int):
        raise TypeError(f"{key}: the count must be an int, found {count!r}")


def _history(value: Any) -> HistoryBuffer | None:
    """A history from its plain state, from one, or from one of MMEngine's; None from anything else."""
    if isinstance(value, HistoryBuffer):
        return deepcopy(value)
    if isinstance(value, Mapping) and "log_history" in value:
        return HistoryBuffer(value["log_history"], value["count_history"], value["max_length"])
    if type(value).__name__ == "HistoryBuffer":
        values, counts = value.data
        return HistoryBuffer(values, counts, value.max_length)
    return None


def _plain(value: Any) -> Any:
    """A copy of ``value`` of plain containers, numbers, texts and tensors. Raises :class:`_NotPlain` otherwise."""
    for kind in _PLAIN:
        if isinstance(value, kind):
            return kind(value)
    if value is None or isinstance(value, (torch.dtype, torch.device)):
        return value
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, Mapping):
        return {_plain(key): _plain(entry) for key, entry in value.items()}
    for container in (list, tuple, set):
        if isinstance(value, container):
            return container(_plain(entry) for entry in value)
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return _plain_array(value) if value.ndim else value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise _NotPlain(f"{type(value).__module__}.{type(value).__qualname__}")


def _plain_array(value: Any) -> Any:
    try:
        return torch.tensor(value)
    except TypeError:  # texts
        return value.tolist()
