"""Where a hook logs numbers and facts in every iteration, looked up once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor


class Appending(dict[str, Callable[[float], None]]):
    """``appending[name](number)`` appends to the history ``prefix + name`` of the message hub; ``facts`` are the hub's.

    Only for floats, only for facts that the hub was told itself before, so that it knows whether to resume them, and
    only until a checkpoint is resumed, which gives the hub other histories: a hook makes it anew for each epoch.
    """

    def __init__(self, hub: Any, prefix: str) -> None:
        super().__init__()
        self._hub = hub
        self._prefix = prefix
        self.facts: dict[str, Any] = hub.runtime_info
        self.read_at_once: set[str] = set()

    def __missing__(self, name: str) -> Callable[[float], None]:
        key = self._prefix + name
        history = self._hub.log_scalars.get(key)
        if history is None:
            return partial(self._hub.update_scalar, key)  # which makes the history
        append: Callable[[float], None] = history.appending()
        self[name] = append
        return append

    def can_read_at_once(self, name: str, value: Tensor) -> bool:
        """Whether ``value`` is one number that no device must be waited for; if so, ``read_at_once`` has its name."""
        if value.is_cpu and not value.ndim:
            self.read_at_once.add(name)
            return True
        return False
