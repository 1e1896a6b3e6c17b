"""Methods in the checkpoints of MMEngine, which name them by ``getattr(owner, name)``: here they are read as names."""

from __future__ import annotations

import pickle
from typing import Any

from mmbridge.runners.loop.logging.history_buffer import HistoryBuffer


class OneCycle:
    """Stands for MMEngine's one-cycle scheduler, whose state names a method of its own for the way it anneals."""


def harmless() -> list[Any]:
    """What torch's safe loader must know to read histories and schedules of MMEngine, with the names they go by."""
    return [
        (HistoryBuffer, "mmengine.logging.history_buffer.HistoryBuffer"),
        (OneCycle, "mmengine.optim.scheduler.param_scheduler.OneCycleParamScheduler"),
        (_method_name, "builtins.getattr"),
    ]


def _method_name(owner: Any, name: Any) -> str:
    """Stands for ``getattr`` in a file; it looks nothing up."""
    if owner not in (HistoryBuffer, OneCycle) or not isinstance(name, str):
        raise pickle.UnpicklingError(f"Unsupported global: GLOBAL builtins.getattr of {owner!r}")
    return name
