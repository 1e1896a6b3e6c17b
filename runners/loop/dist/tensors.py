"""Tensors over processes: reduced, gathered, sent from one to all. MMEngine 0.10.7, mmengine/dist/dist.py.

A tensor may be anywhere: it travels where the group needs it and the result comes back to where it was. A rank is
one within the group.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed
from mmbridge.runners.dist import divide, get_dist_info, global_rank, reduce_in_buckets
from mmbridge.runners.loop.dist.devices import get_comm_device
from mmbridge.runners.loop.dist.groups import get_world_size
from torch import Tensor

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

REDUCTIONS = ("sum", "mean", "product", "min", "max", "band", "bor", "bxor")
"""What ``op`` may be, in any case of letters."""


def all_reduce(data: Tensor, op: str = "sum", group: ProcessGroup | None = None) -> None:
    """Set ``data`` in every process to the sum over all of them, or to another of :data:`REDUCTIONS`.

    A mean of integers is rounded toward zero. Raises ValueError for another ``op``.
    """
    name = op.lower()
    if name not in REDUCTIONS:
        raise ValueError(f"op must be one of {', '.join(REDUCTIONS)}, found {op!r}")
    world_size = get_world_size(group)
    if world_size == 1:
        return
    sent = _to_send(data, group)
    reduction: Any = getattr(torch.distributed.ReduceOp, "SUM" if name == "mean" else name.upper())
    torch.distributed.all_reduce(sent, reduction, group)
    if name == "mean":
        divide(sent, world_size)
    data.detach().copy_(sent)


def _to_send(data: Tensor, group: ProcessGroup | None) -> Tensor:
    """``data`` as ``group`` can send it; it may be ``data`` itself."""
    return data.detach().to(get_comm_device(group)).contiguous()


def all_gather(data: Tensor, group: ProcessGroup | None = None) -> list[Tensor]:
    """``data`` of every process, by rank, in each; it must have the same shape and type in all."""
    world_size = get_world_size(group)
    if world_size == 1:
        return [data]
    sent = _to_send(data, group)
    received = [torch.empty_like(sent) for _ in range(world_size)]
    torch.distributed.all_gather(received, sent, group)
    return [each.to(data.device) for each in received]


def gather(data: Tensor, dst: int = 0, group: ProcessGroup | None = None) -> list[Tensor | None]:
    """As :func:`all_gather`, in the process of rank ``dst`` only; an empty list elsewhere."""
    rank, world_size = get_dist_info(group)
    if world_size == 1:
        return [data]
    sent = _to_send(data, group)
    received = [torch.empty_like(sent) for _ in range(world_size)] if rank == dst else []
    torch.distributed.gather(sent, received or None, global_rank(dst, group), group)
    return [each.to(data.device) for each in received]


def broadcast(data: Tensor, src: int = 0, group: ProcessGroup | None = None) -> None:
    """Set ``data`` in every process to that of the process of rank ``src``."""
    if get_world_size(group) == 1:
        return
    sent = _to_send(data, group)
    torch.distributed.broadcast(sent, global_rank(src, group), group)
    data.detach().copy_(sent)


def all_reduce_dict(data: dict[str, Tensor], op: str = "sum", group: ProcessGroup | None = None) -> None:
    """:func:`all_reduce` for every value of ``data`` at once; they become new tensors of their common type.

    Raises TypeError for what is not a dict.
    """
    if not isinstance(data, dict):
        raise TypeError(f"data must be a dict of tensors, found {type(data).__name__}")
    if get_world_size(group) == 1:
        return
    keys = sorted(data)
    flat = torch.cat([data[key].flatten() for key in keys])
    all_reduce(flat, op, group)
    for key, reduced in zip(keys, torch.split(flat, [data[key].numel() for key in keys]), strict=True):
        data[key] = reduced.view(data[key].shape)


def all_reduce_params(
    params: Iterable[Tensor],
    coalesce: bool = True,
    bucket_size_mb: int = -1,
    op: str = "sum",
    group: ProcessGroup | None = None,
) -> None:
    """:func:`all_reduce` for every parameter or buffer.

    ``coalesce`` sends tensors of one type together, in parts of at most ``bucket_size_mb`` (MiB; -1: no limit).
    """
    if get_world_size(group) > 1:
        tensors = [param.detach() for param in params]
        reduce_in_buckets(tensors, lambda flat: all_reduce(flat, op, group), coalesce, bucket_size_mb)
