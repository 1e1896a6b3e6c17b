"""The base of hooks by the module that MMEngine has for it."""

from typing import Any

from mmbridge.compat.hook import EngineHook as Hook

DATA_BATCH = dict[str, Any] | tuple[Any, ...] | list[Any] | None
"""What annotations of hooks call a batch."""

__all__ = ["DATA_BATCH", "Hook"]
