"""A function as a hook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmbridge.compat.hook import HookPoint, LegacyHook
from mmbridge.compat.registry import nearest
from mmbridge.runners.hooks.registry import HOOKS


@HOOKS.register_module()
class ClosureHook(LegacyHook):
    """Calls ``fn(runner)`` at the point ``fn_name``. Raises ValueError for an unknown point."""

    def __init__(self, fn_name: str, fn: Callable[[Any], Any]) -> None:
        if not hasattr(self, fn_name):
            close = nearest(fn_name, [point.value for point in HookPoint])
            raise ValueError(f"no hook point {fn_name!r}{f'; did you mean {close[0]!r}?' if close else ''}")
        if not callable(fn):
            raise TypeError(f"fn must be callable, found {type(fn).__name__}")
        setattr(self, fn_name, fn)
