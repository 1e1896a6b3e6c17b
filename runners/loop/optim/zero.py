"""ZeroRedundancyOptimizer: torch's, configured by a name. A module of its own, as importing torch's is slow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmbridge.runners.dist import get_dist_info
from mmbridge.runners.loop.registry import OPTIMIZERS
from torch.distributed.optim import ZeroRedundancyOptimizer as _ZeroRedundancyOptimizer


class ZeroRedundancyOptimizer(_ZeroRedundancyOptimizer):
    """An optimizer of ``optimizer_type`` (a name in OPTIMIZERS), whose state the processes share out among them.

    Further arguments go to torch's class, which hands those it does not know to the optimizer. Needs a process group.
    MMEngine 0.10.7, mmengine/optim/optimizer/zero_optimizer.py.
    """

    def __init__(self, params: Iterable[Any], optimizer_type: str, **kwargs: Any) -> None:
        found = OPTIMIZERS.get(optimizer_type)
        if found is None:
            raise OPTIMIZERS.unknown(optimizer_type)
        super().__init__(list(params), found, **kwargs)  # type: ignore[arg-type]

    def state_dict(self) -> dict[str, Any]:
        """The whole state on rank 0, gathered from all processes, which must all call this; nothing elsewhere."""
        self.consolidate_state_dict()
        return super().state_dict() if get_dist_info()[0] == 0 else {}
