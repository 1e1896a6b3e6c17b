"""Where a hook logs numbers in every iteration, looked up once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any


class Appending(dict[str, Callable[[float], None]]):
    """``appending[name](number)`` appends to the history ``prefix + name`` of the message hub.

    Only for floats, and only until a checkpoint is resumed, which gives the hub other histories: a hook makes it anew
    for each epoch.
    """

    def __init__(self, hub: Any, prefix: str) -> None:
        super().__init__()
        self._hub = hub
        self._prefix = prefix

    def __missing__(self, name: str) -> Callable[[float], None]:
        key = self._prefix + name
        history = self._hub.log_scalars.get(key)
        if history is None:
            return partial(self._hub.update_scalar, key)  # which makes the history
        append: Callable[[float], None] = history.add
        self[name] = append
        return append
