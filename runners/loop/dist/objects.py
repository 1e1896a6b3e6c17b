"""Objects of any kind over processes; they are pickled. MMEngine 0.10.7, mmengine/dist/dist.py.

A rank is one within the group.
"""

from __future__ import annotations

import random
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed
from mmbridge.runners.dist import gather_objects, global_rank
from mmbridge.runners.loop.dist.groups import get_world_size

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup


def all_gather_object(data: Any, group: ProcessGroup | None = None) -> list[Any]:
    """``data`` of every process, by rank, in each."""
    world_size = get_world_size(group)
    if world_size == 1:
        return [data]
    received: list[Any] = [None] * world_size
    torch.distributed.all_gather_object(received, data, group)
    return received


def gather_object(data: Any, dst: int = 0, group: ProcessGroup | None = None) -> list[Any] | None:
    """``data`` of every process, by rank, in the process of rank ``dst``; None elsewhere."""
    return gather_objects(data, group, dst)


def broadcast_object_list(data: list[Any], src: int = 0, group: ProcessGroup | None = None) -> None:
    """Replace the entries of ``data`` in every process by those of the process of rank ``src``.

    The lists must be equally long. Raises TypeError for what is not a list.
    """
    if not isinstance(data, list):
        raise TypeError(f"data must be a list, found {type(data).__name__}")
    if get_world_size(group) > 1:
        torch.distributed.broadcast_object_list(data, global_rank(src, group), group)


def sync_random_seed(group: ProcessGroup | None = None) -> int:
    """A seed that all processes share: from 0 to before 2**31, drawn in the first of them.

    It is drawn from NumPy's generator, or Python's where there is no NumPy, so seeding those repeats it.
    """
    if find_spec("numpy"):
        import numpy

        drawn = [int(numpy.random.randint(2**31))]
    else:
        drawn = [random.randrange(2**31)]
    broadcast_object_list(drawn, group=group)
    return drawn[0]
