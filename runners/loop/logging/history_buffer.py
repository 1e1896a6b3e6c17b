"""The history of one logged number, and its statistics."""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from mmbridge.compat.log_buffer import pairwise_sum
from torch import Tensor

Statistic = TypeVar("Statistic", bound=Callable[..., Any])

_KINDS = (bool, int, float)  # each value can hold those of the types before it
_DTYPES = (torch.bool, torch.int64, torch.float64)
_FLOATS = {float}
_PENDING = 512  # so many values may wait, on whatever device, until somebody reads or their number is up


class HistoryBuffer:
    """The last ``max_length`` values of a number, the oldest first, each with a count, and statistics of them.

    ``window_size`` is how many of the latest values a statistic is about; None, or more than there are, means all.
    Values are kept as doubles. As in an array of numpy, they read as integers, or as truth values, until the first
    value that is no such thing makes floats (integers) of all. MMEngine 0.10.7, mmengine/logging/history_buffer.py.
    """

    _statistics_methods: dict[str, Callable[..., Any]] = {}  # noqa: RUF012

    def __init__(
        self, log_history: Sequence[Any] = (), count_history: Sequence[Any] = (), max_length: int = 1000000
    ) -> None:
        if len(log_history) != len(count_history):
            raise ValueError(f"a history of {len(log_history)} values needs as many counts, found {len(count_history)}")
        if len(log_history) > max_length:
            warnings.warn(
                f"a history of {len(log_history)} values is longer than max_length={max_length}; the oldest are left",
                stacklevel=2,
            )
        self.max_length = max_length
        self._pending: list[Any] = []
        self._fill(log_history, count_history)

    def _fill(self, values: Any, counts: Any) -> None:
        self._kind, plain = _plain(values)
        self._values = array("d", plain[-self.max_length :])
        self._count_kind, plain = _plain(counts)
        self._counts = array("d", plain[-self.max_length :])
        self._weighted = any(count != 1 for count in self._counts)

    def update(self, log_val: float, count: float = 1) -> None:
        """Append a value. Raises TypeError unless value and count are int or float."""
        if not isinstance(log_val, (int, float)) or not isinstance(count, (int, float)):
            raise TypeError(
                "a history takes an int or a float, and so for the count; "
                f"found {type(log_val).__name__}, {type(count).__name__}"
            )
        self.add(log_val, count)

    def add(self, value: float | Tensor, count: float = 1) -> None:
        """Append ``value`` unchecked: a number, or a tensor of one number, which is read when somebody asks.

        So a tensor on another device makes nobody wait for the device at every iteration.
        """
        if count != 1:
            self._settle()
            self._pending.append(value)
            self._settle(count)
            return
        pending = self._pending
        pending.append(value)
        if len(pending) >= _PENDING:
            self._settle()

    def _settle(self, count: float = 1) -> None:
        """Move what waits into the history."""
        if not self._pending:
            return
        values = _read(self._pending)
        self._pending = []
        self._kind = max(self._kind, _kind(values))
        if count != 1:
            self._weighted = True
            self._count_kind = max(self._count_kind, _kind([count]))
        self._values.extend(values)
        self._counts.extend([count] * len(values))
        if len(self._values) > self.max_length + max(self.max_length // 8, _PENDING):
            self._trim()  # now and then only: it moves all that stays

    def _trim(self) -> None:
        del self._values[: -self.max_length]
        del self._counts[: -self.max_length]

    def __len__(self) -> int:
        self._settle()
        return min(len(self._values), self.max_length)

    @property
    def _log_history(self) -> Any:
        """The values as an array of numpy, for statistics written for MMEngine."""
        return _numpy(self._all()[0], self._kind)

    @property
    def _count_history(self) -> Any:
        """The counts as an array of numpy."""
        return _numpy(self._all()[1], self._count_kind)

    @property
    def data(self) -> tuple[Any, Any]:
        """The values and their counts, as arrays of numpy, which it needs."""
        return self._log_history, self._count_history

    @classmethod
    def register_statistics(cls, method: Statistic) -> Statistic:
        """Make ``method(history, ...)`` a statistic, by its name; a decorator. ValueError if the name is taken."""
        name = method.__name__
        if name in cls._statistics_methods:
            raise ValueError(f"there is a statistic {name!r} already; give the function another name")
        cls._statistics_methods[name] = method
        return method

    def statistics(self, method_name: str, *arg: Any, **kwargs: Any) -> Any:
        """The statistic of that name, with its arguments. Raises KeyError, with the names there are."""
        if method_name not in self._statistics_methods:
            known = ", ".join(sorted(self._statistics_methods))
            raise KeyError(f"no statistic {method_name!r} of a history; there are {known}")
        return self._statistics_methods[method_name](self, *arg, **kwargs)

    def mean(self, window_size: int | None = None) -> float:
        """The sum of the values divided by the sum of the counts: a value is *not* weighted by its count.

        Added in numpy's order. NaN where there is nothing to divide by.
        """
        latest = self._latest(window_size)
        if latest is not None:
            return pairwise_sum(latest) / len(latest)
        values = self._window(window_size).tolist()
        total: float = len(values)
        if self._weighted:
            total = sum(self._counts[-len(values) :] if values else ())
        return pairwise_sum(values) / total if total else float("nan")

    def max(self, window_size: int | None = None) -> float:
        """The greatest value; NaN if there is a NaN. Raises ValueError in an empty history."""
        return self._extreme(max, window_size)

    def min(self, window_size: int | None = None) -> float:
        """The least value; NaN if there is a NaN. Raises ValueError in an empty history."""
        return self._extreme(min, window_size)

    def current(self) -> float:
        """The latest value. Raises ValueError in an empty history."""
        if self._pending and type(self._pending[-1]) is float:
            return self._pending[-1]
        self._settle()
        if not self._values:
            raise ValueError("the history is empty; update it first")
        return _KINDS[self._kind](self._values[-1])

    def _extreme(self, choose: Callable[..., float], window_size: int | None) -> float:
        values = self._window(window_size)
        if not values:
            raise ValueError("the history is empty; update it first")
        unordered = next((value for value in values if value != value), None)
        return _KINDS[self._kind](choose(values)) if unordered is None else unordered

    def _latest(self, size: Any) -> list[float] | None:
        """The last ``size`` values if they wait, as floats: what log lines ask for needs no settling."""
        pending = self._pending
        if type(size) is not int or not 0 < size <= len(pending) or size > self.max_length or self._weighted:
            return None
        latest = pending[-size:]
        return latest if set(map(type, latest)) == _FLOATS else None

    def _window(self, size: int | None) -> array[float]:
        self._settle()
        if size is None:
            return self._all()[0]
        if not isinstance(size, int):
            raise TypeError(f"window_size is a number of values or None, found {size!r}")
        return self._values[-size:] if 0 < size <= self.max_length else self._all()[0][-size:]

    def _all(self) -> tuple[array[float], array[float]]:
        self._settle()
        if len(self._values) > self.max_length:
            self._trim()
        return self._values, self._counts

    def state(self) -> dict[str, Any]:
        """All of it as plain data: two tensors, whose type is the type the values read as, and ``max_length``."""
        values, counts = self._all()
        return {
            "log_history": _tensor(values, self._kind),
            "count_history": _tensor(counts, self._count_kind),
            "max_length": self.max_length,
        }

    def __getstate__(self) -> dict[str, Any]:
        state = self.state()
        return {
            "max_length": self.max_length,
            "_log_history": state["log_history"],
            "_count_history": state["count_history"],
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a state of this class or of MMEngine's; statistics that a file names are not taken from it."""
        self.max_length = state["max_length"]
        self._pending = []
        self._fill(state["_log_history"], state["_count_history"])


for _method in (HistoryBuffer.min, HistoryBuffer.max, HistoryBuffer.current, HistoryBuffer.mean):
    HistoryBuffer.register_statistics(_method)


def _plain(values: Any) -> tuple[int, Sequence[float]]:
    """The kind of ``values``, floats if there are none, and the values as a sequence of plain numbers."""
    plain = values.tolist() if hasattr(values, "tolist") else [_number(value) for value in values]
    return (_kind(plain) if plain else len(_KINDS) - 1), plain


def _number(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _kind(values: Sequence[float]) -> int:
    types = set(map(type, values))
    if float in types:
        return 2
    return max(next((kind for kind, known in enumerate(_KINDS) if issubclass(each, known)), 2) for each in types)


def _read(values: list[Any]) -> list[float]:
    """``values`` with the tensors read, those of one device and type at once, as every reading waits for it."""
    if set(map(type, values)) == _FLOATS:
        return values
    groups: dict[Any, list[int]] = {}
    for index, value in enumerate(values):
        if isinstance(value, Tensor):
            groups.setdefault((value.device, value.dtype), []).append(index)
    for indices in groups.values():
        read = torch.stack([values[index].reshape(()) for index in indices]).tolist()
        for index, number in zip(indices, read, strict=True):
            values[index] = number
    return values


def _tensor(values: array[float], kind: int) -> Tensor:
    if not values:
        return torch.empty(0, dtype=_DTYPES[kind])
    return torch.frombuffer(values, dtype=torch.float64).to(_DTYPES[kind], copy=True)


def _numpy(values: array[float], kind: int) -> Any:
    import numpy

    return numpy.array(values, dtype=_KINDS[kind])
