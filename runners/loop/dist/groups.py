"""Which process this is, among which others; starting and meeting them. MMEngine 0.10.7, mmengine/dist/utils.py."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed
from mmbridge.compat.errors import BridgeError
from mmbridge.runners import dist as processes
from mmbridge.runners.dist import get_dist_info, is_distributed

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

_LAUNCHER_OF = {"WORLD_SIZE": "pytorch", "SLURM_NTASKS": "slurm", "OMPI_COMM_WORLD_LOCAL_RANK": "mpi"}
"""The environment variables that tell a launcher; the first that is set decides."""
_local_group: ProcessGroup | None = None
"""The processes of this machine, as :func:`init_local_group` found them; torch keeps its groups per process, too."""


def get_rank(group: ProcessGroup | None = None) -> int:
    """The number of this process in ``group`` (None: all processes), from 0; 0 where it is alone."""
    return get_dist_info(group)[0]


def get_world_size(group: ProcessGroup | None = None) -> int:
    """How many processes ``group`` (None: all processes) has; 1 where this one is alone."""
    return get_dist_info(group)[1]


def is_main_process(group: ProcessGroup | None = None) -> bool:
    """Whether this process is the one of rank 0 in ``group``, or alone."""
    return get_rank(group) == 0


def get_default_group() -> ProcessGroup | None:
    """The group of all processes; None where this one is alone."""
    return torch.distributed.group.WORLD if is_distributed() else None


def get_backend(group: ProcessGroup | None = None) -> str | None:
    """What carries the messages of ``group``: ``nccl``, ``gloo``, ...; None where this process is alone."""
    return str(torch.distributed.get_backend(group)) if is_distributed() else None


def barrier(group: ProcessGroup | None = None) -> None:
    """Wait until every process of ``group`` is here."""
    if is_distributed():
        torch.distributed.barrier(group)


def infer_launcher() -> str:
    """What has started this process, told by its environment: ``pytorch``, ``slurm``, ``mpi`` or ``none``."""
    return next((launcher for name, launcher in _LAUNCHER_OF.items() if name in os.environ), "none")


def init_dist(launcher: str, backend: str = "nccl", init_backend: str = "torch", **kwargs: Any) -> None:
    """:func:`mmbridge.runners.dist.init_dist`. Raises ValueError for an ``init_backend`` other than ``torch``."""
    if init_backend != "torch":
        raise ValueError(f"init_backend must be 'torch', found {init_backend!r}: nothing else joins processes here")
    processes.init_dist(launcher, backend, **kwargs)


def init_local_group(node_rank: int, num_gpus_per_node: int) -> None:
    """Make the group of the processes on this machine, number ``node_rank``; each has ``num_gpus_per_node`` of them.

    All processes must call it. Raises ValueError where the numbers do not fit the processes that there are.
    """
    global _local_group
    rank, world_size = get_dist_info()
    if num_gpus_per_node < 1 or world_size % num_gpus_per_node or rank // num_gpus_per_node != node_rank:
        raise ValueError(
            f"node_rank={node_rank}, num_gpus_per_node={num_gpus_per_node}: does not fit the process of rank {rank} "
            f"among {world_size}"
        )
    _local_group, _ = torch.distributed.new_subgroups(num_gpus_per_node)  # type: ignore[no-untyped-call]


def get_local_group() -> ProcessGroup | None:
    """The group that :func:`init_local_group` made, BridgeError without; None where this process is alone."""
    if is_distributed() and _local_group is None:
        raise _unknown("the group")
    return _local_group if is_distributed() else None


def get_local_rank() -> int:
    """The number of this process on its machine, from 0.

    Without a local group it is what the launcher has told. Raises BridgeError where it has not.
    """
    if not is_distributed():
        return 0
    rank = processes.get_local_rank() if _local_group is None else get_rank(_local_group)
    if rank is None:
        raise _unknown("the rank")
    return rank


def get_local_size() -> int:
    """How many processes this machine has; known as :func:`get_local_rank` is."""
    if not is_distributed():
        return 1
    if _local_group is not None:
        return get_world_size(_local_group)
    if "LOCAL_WORLD_SIZE" not in os.environ:
        raise _unknown("the number")
    return int(os.environ["LOCAL_WORLD_SIZE"])


def _unknown(what: str) -> BridgeError:
    return BridgeError(
        f"{what} of the processes on this machine is not known; "
        "call init_local_group(node_rank, num_gpus_per_node) in every process after init_dist"
    )
