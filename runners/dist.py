"""Processes that train together: who am I, joining the group, and averages over it.

The launchers and their environment variables are those of MMCV 1.7.2 (mmcv/runner/dist_utils.py); here they
also work on machines without CUDA.
"""

from __future__ import annotations

import functools
import os
import re
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import torch
import torch.distributed
import torch.multiprocessing
from mmbridge.compat.errors import BridgeError
from torch import Tensor

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_PORT = 29500
"""Where torch.distributed meets when nothing else is said."""

LAUNCHERS = ("none", "pytorch", "torchrun", "slurm", "mpi")
"""What :func:`init_dist` accepts."""


def is_distributed() -> bool:
    """Whether this process has joined others."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def get_dist_info(group: ProcessGroup | None = None) -> tuple[int, int]:
    """The rank of this process in ``group`` (None: all) and the number of processes there; ``(0, 1)`` if alone."""
    if is_distributed():
        return torch.distributed.get_rank(group), torch.distributed.get_world_size(group)
    return 0, 1


def global_rank(rank: int, group: ProcessGroup | None = None) -> int:
    """The rank among all processes of the one that has ``rank`` in ``group``."""
    return rank if group is None else torch.distributed.get_global_rank(group, rank)


def master_only(func: Callable[P, R]) -> Callable[P, R | None]:
    """Make ``func`` run in the process of rank 0 only; elsewhere a call returns None."""

    @functools.wraps(func)
    def call(*args: P.args, **kwargs: P.kwargs) -> R | None:
        return func(*args, **kwargs) if get_dist_info()[0] == 0 else None

    return call


def gather_objects(value: Any, group: ProcessGroup | None = None, dst: int = 0) -> list[Any] | None:
    """The ``value`` of every process of ``group``, by rank, in the process of rank ``dst`` there; None elsewhere."""
    rank, world_size = get_dist_info(group)
    if world_size == 1:
        return [value]
    values: list[Any] | None = [None] * world_size if rank == dst else None
    torch.distributed.gather_object(value, values, global_rank(dst, group), group)
    return values


def broadcast_object(value: Any) -> Any:
    """The ``value`` of the process of rank 0, in every process."""
    values = [value]
    if get_dist_info()[1] > 1:
        torch.distributed.broadcast_object_list(values)
    return values[0]


def get_local_rank(argv: Sequence[str] | None = None) -> int | None:
    """The number of this process on its machine, from 0; None where nothing tells.

    The environment variable LOCAL_RANK (torchrun) comes first, then ``--local_rank=N`` or ``--local-rank
    N`` among ``argv`` (default: this program's arguments), which older launchers pass.
    """
    if "LOCAL_RANK" in os.environ:
        return int(os.environ["LOCAL_RANK"])
    found = re.search(r"(?:^|\s)--local[_-]rank[=\s](\d+)", " ".join(sys.argv if argv is None else argv))
    return int(found[1]) if found else None


def init_dist(launcher: str, backend: str = "nccl", **kwargs: Any) -> None:
    """Join the process group that ``launcher`` has prepared, and choose this process's CUDA device.

    ``none`` joins nothing. Other arguments go to ``torch.distributed.init_process_group``; ``timeout`` may
    be a number of seconds, and ``slurm`` also takes ``port``. Without CUDA, ``nccl`` becomes ``gloo``, with
    a warning. Raises ValueError for an unknown launcher, BridgeError where the launcher's environment
    variables are missing.
    """
    if launcher not in LAUNCHERS:
        raise ValueError(f"unknown launcher {launcher!r}; choose one of {', '.join(LAUNCHERS)}")
    if launcher == "none":
        return
    if torch.multiprocessing.get_start_method(allow_none=True) is None:
        torch.multiprocessing.set_start_method("spawn")
    if launcher == "slurm":
        _read_slurm(kwargs.pop("port", None))
    elif launcher == "mpi":
        _read_mpi()
    rank = int(_environment("RANK", launcher))
    if torch.cuda.is_available():
        local_rank = get_local_rank()
        torch.cuda.set_device((rank if local_rank is None else local_rank) % torch.cuda.device_count())
    elif backend == "nccl":
        warnings.warn("backend 'nccl' needs CUDA, which is absent here; 'gloo' is used", stacklevel=2)
        backend = "gloo"
    if isinstance(kwargs.get("timeout"), (int, float)):
        kwargs["timeout"] = timedelta(seconds=kwargs["timeout"])
    torch.distributed.init_process_group(backend=backend, **kwargs)


def _environment(name: str, launcher: str) -> str:
    if name not in os.environ:
        raise BridgeError(
            f"launcher {launcher!r}: the environment variable {name} is not set; "
            f"start the program with {_STARTERS[launcher]}, or use launcher 'none'"
        )
    return os.environ[name]


_STARTERS = {
    "pytorch": "torchrun",
    "torchrun": "torchrun",
    "slurm": "srun",
    "mpi": "mpirun (and set MASTER_ADDR)",
}


def _read_mpi() -> None:
    """Translate OpenMPI's environment variables into torch's."""
    os.environ.setdefault("MASTER_PORT", str(DEFAULT_PORT))
    _environment("MASTER_ADDR", "mpi")
    os.environ["WORLD_SIZE"] = _environment("OMPI_COMM_WORLD_SIZE", "mpi")
    os.environ["RANK"] = _environment("OMPI_COMM_WORLD_RANK", "mpi")
    os.environ["LOCAL_RANK"] = _environment("OMPI_COMM_WORLD_LOCAL_RANK", "mpi")


def _read_slurm(port: int | None) -> None:
    """Translate Slurm's environment variables into torch's; the first node of the job is where they meet."""
    rank = int(_environment("SLURM_PROCID", "slurm"))
    if "MASTER_ADDR" not in os.environ:
        os.environ["MASTER_ADDR"] = _first_host(_environment("SLURM_NODELIST", "slurm"))
    if port is not None:
        os.environ["MASTER_PORT"] = str(port)
    elif "MASTER_PORT" not in os.environ:
        os.environ["MASTER_PORT"] = str(DEFAULT_PORT if is_free_port(DEFAULT_PORT) else find_free_port())
    os.environ["WORLD_SIZE"] = _environment("SLURM_NTASKS", "slurm")
    os.environ["RANK"] = str(rank)
    local_rank = rank % torch.cuda.device_count() if torch.cuda.is_available() else 0
    os.environ["LOCAL_RANK"] = str(local_rank)


def _first_host(nodes: str) -> str:
    command = ["scontrol", "show", "hostnames", nodes]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BridgeError(
            f"launcher 'slurm': `{' '.join(command)}` failed ({error}); set MASTER_ADDR to the job's first host name"
        ) from error
    return answer.stdout.split()[0]


def find_free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("", 0))
        return int(listener.getsockname()[1])


def is_free_port(port: int) -> bool:
    """Whether nothing listens on ``port`` of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        return client.connect_ex(("localhost", port)) != 0


def allreduce_params(params: Iterable[Tensor], coalesce: bool = True, bucket_size_mb: int = -1) -> None:
    """Set every parameter or buffer to its mean over all processes; nothing to do in a single one.

    ``coalesce`` sends tensors of one type together, in parts of at most ``bucket_size_mb`` (MiB; -1: no
    limit). Integers are averaged rounding toward zero.
    """
    _average([param.detach() for param in params], coalesce, bucket_size_mb)


def allreduce_grads(params: Iterable[Tensor], coalesce: bool = True, bucket_size_mb: int = -1) -> None:
    """Set the gradient of every parameter that has one to its mean over all processes.

    ``coalesce`` and ``bucket_size_mb`` as for :func:`allreduce_params`.
    """
    grads = [param.grad.detach() for param in params if param.requires_grad and param.grad is not None]
    _average(grads, coalesce, bucket_size_mb)


def _average(tensors: Sequence[Tensor], coalesce: bool, bucket_size_mb: int) -> None:
    if get_dist_info()[1] > 1:
        reduce_in_buckets(tensors, _mean, coalesce, bucket_size_mb)


def _mean(tensor: Tensor) -> None:
    torch.distributed.all_reduce(tensor)
    divide(tensor, get_dist_info()[1])


def divide(tensor: Tensor, count: int) -> None:
    """Divide ``tensor`` in place; integers are rounded toward zero."""
    if tensor.is_floating_point() or tensor.is_complex():
        tensor.div_(count)
    else:
        tensor.div_(count, rounding_mode="trunc")


def reduce_in_buckets(
    tensors: Sequence[Tensor], reduce: Callable[[Tensor], None], coalesce: bool = True, bucket_size_mb: int = -1
) -> None:
    """Let ``reduce`` change all ``tensors`` in place: flat copies of many at once, if ``coalesce``, else of each.

    ``bucket_size_mb`` as for :func:`allreduce_params`.
    """
    limit = bucket_size_mb * 2**20 if bucket_size_mb > 0 else sys.maxsize
    for bucket in _buckets(tensors, limit) if coalesce else ([tensor] for tensor in tensors):
        flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
        reduce(flat)
        for tensor, reduced in zip(bucket, torch.split(flat, [tensor.numel() for tensor in bucket]), strict=True):
            tensor.copy_(reduced.view_as(tensor))


def _buckets(tensors: Iterable[Tensor], limit: int) -> Iterator[list[Tensor]]:
    """Group ``tensors`` by device and type, in order, each group of at most ``limit`` bytes or one tensor."""
    open_groups: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
    for tensor in tensors:
        group = open_groups.setdefault((tensor.device, tensor.dtype), [])
        if group and sum(each.nbytes for each in [*group, tensor]) > limit:
            yield group
            group = open_groups[(tensor.device, tensor.dtype)] = []
        group.append(tensor)
    yield from open_groups.values()
