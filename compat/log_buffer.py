"""LogBuffer: what the training steps report between two log lines, and its averages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add, mul
from typing import Any

_BLOCK = 128


def pairwise_sum(values: Sequence[float]) -> float:
    """The sum of ``values`` in numpy's order of additions, so that logged averages are bit equal."""
    count = len(values)
    if count < 8:
        return reduce(add, values, 0.0)  # not sum(), which has corrected its rounding since Python 3.12
    if count > _BLOCK:
        half = count // 2
        half -= half % 8
        return pairwise_sum(values[:half]) + pairwise_sum(values[half:])
    full = count - count % 8
    if full == 8:
        a, b, c, d, e, f, g, h = values[:8]
    else:
        a, b, c, d, e, f, g, h = (reduce(add, values[lane:full:8]) for lane in range(8))
    return reduce(add, values[full:], ((a + b) + (c + d)) + ((e + f) + (g + h)))


class LogBuffer:
    """Values reported since the last ``clear``, weighted by their counts, and ``output``, what is to be
    logged.

    ``ready`` tells that ``output`` holds something to log. Each key has a history of its own: a key
    reported at every second iteration is averaged over its own last ``n`` entries. MMCV 1.7.2,
    mmcv/runner/log_buffer.py.
    """

    def __init__(self) -> None:
        self.val_history: OrderedDict[str, list[Any]] = OrderedDict()
        self.n_history: OrderedDict[str, list[float]] = OrderedDict()
        self.output: OrderedDict[str, Any] = OrderedDict()
        self.ready = False

    def update(self, vars: Mapping[str, Any], count: float = 1) -> None:
        """Report one value per key, standing for ``count`` samples. Raises TypeError for what is no dict."""
        if not isinstance(vars, dict) and not isinstance(vars, Mapping):
            raise TypeError(f"log variables must be a dict of name -> number, found {type(vars).__name__}")
        values, counts = self.val_history, self.n_history
        for key, value in vars.items():
            try:
                values[key].append(value)
            except KeyError:
                values[key], counts[key] = [value], []
            counts[key].append(count)

    def average(self, n: int = 0) -> None:
        """Write to ``output`` each key's weighted mean of its last ``n`` entries; 0 means all of them."""
        if n < 0:
            raise ValueError(f"the number of entries to average must be 0 (all) or more, found {n}")
        for key, history in self.val_history.items():
            counts = self.n_history[key][-n:]
            total = float(sum(counts))
            weighted = pairwise_sum(list(map(mul, map(float, history[-n:]), counts)))
            self.output[key] = weighted / total if total else float("nan")
        self.ready = True

    def trim(self, n: int) -> None:
        """Forget all but each key's last ``n`` entries, so that a run without epochs needs no more memory."""
        for history in (*self.val_history.values(), *self.n_history.values()):
            del history[:-n]

    def clear_output(self) -> None:
        """Empty ``output``; the histories stay."""
        self.output.clear()
        self.ready = False

    def clear(self) -> None:
        """Forget everything."""
        self.val_history.clear()
        self.n_history.clear()
        self.clear_output()
