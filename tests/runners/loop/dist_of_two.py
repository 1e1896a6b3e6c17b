"""What both processes of ``test_dist_in_two_processes.py`` run: ``torchrun ... dist_of_two.py FOLDER [MODULE]``.

MODULE, ``mmengine.dist`` say, has the functions that are called; without it they are ours.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy
import torch
import torch.distributed
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.dist import init_dist

OURS = "mmbridge.runners.loop.dist"
dist: Any = import_module((*sys.argv, OURS)[2])
OPS = ("sum", "mean", "PRODUCT", "min", "max", "band", "bor", "bxor")


def who() -> dict[str, Any]:
    """What a process is told about itself, before and after it has made the group of its machine."""
    told = {
        "info": dist.get_dist_info(),
        "rank": (dist.get_rank(), dist.get_world_size(), dist.is_main_process(), dist.is_distributed()),
        "backend": dist.get_backend(),
        "launcher": dist.infer_launcher(),
        "comm": str(dist.get_comm_device()),
        "default": dist.get_default_group() is torch.distributed.group.WORLD,
        "by launcher": (dist.get_local_rank(), dist.get_local_size()),
    }
    try:
        dist.get_local_group()
    except BridgeError as error:
        told["no group"] = str(error)
    try:
        dist.init_local_group(node_rank=1, num_gpus_per_node=2)
    except ValueError as error:
        told["wrong node"] = str(error)
    dist.init_local_group(node_rank=0, num_gpus_per_node=2)
    told["by group"] = (dist.get_local_rank(), dist.get_local_size(), dist.get_dist_info(dist.get_local_group()))
    return told


def reduced(rank: int) -> dict[str, Any]:
    """One tensor, and others, reduced in each way."""
    found: dict[str, Any] = {}
    for op in OPS:
        value = torch.tensor([6, 3 + 2 * rank])
        dist.all_reduce(value, op)
        found[op] = value.tolist()
    entries = {"b": torch.tensor([1, 2]) + rank, "a": torch.tensor(0.5)}
    dist.all_reduce_dict(entries)
    found["dict"] = {name: value.tolist() for name, value in entries.items()}
    for way in ({}, {"coalesce": False}, {"bucket_size_mb": 1}, {"op": "mean"}):
        params = [torch.nn.Parameter(torch.tensor([1.0, 2.0]) * (rank + 1)), torch.tensor(4 + 3 * rank)]
        dist.all_reduce_params(iter(params), **way)
        found[f"params {way}"] = [param.tolist() for param in params]
    return found


def parameter(rank: int) -> torch.Tensor:
    """A parameter, reduced in place; it is not contiguous."""
    reduced = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3).t() + rank)
    dist.all_reduce(reduced, "mean")
    return reduced.detach()


def moved(rank: int) -> dict[str, Any]:
    """Tensors and objects that go from process to process."""
    value = torch.tensor([rank, 7])
    sent = torch.tensor([[rank, 1], [2, 3]]).t()
    dist.broadcast(sent, src=1)
    objects = [{"of": rank}, rank]
    dist.broadcast_object_list(objects, 1)
    return {
        "all_gather": [each.tolist() for each in dist.all_gather(value)],
        "gather": [each.tolist() for each in dist.gather(value, 1)],
        "broadcast": sent.tolist(),
        "objects": objects,
        "all_gather_object": dist.all_gather_object({"of": rank}),
        "gather_object": dist.gather_object({"of": rank}, dst=1),
    }


def collected(rank: int, folder: Path) -> dict[str, Any]:
    """Five results, two of which are made by process 1."""
    part = list(range(rank, 5, 2))
    shared = folder / "parts"
    return {
        "cpu": dist.collect_results(part, 5),
        "gpu": dist.collect_results(part, 4, "gpu"),
        "files": dist.collect_results_cpu(part, 5, str(shared)),
        "device": dist.collect_results_gpu(part, 5),
    }


def main(folder: Path) -> None:
    """Write what this process has found."""
    join = dist.init_dist if dist.__name__ == OURS else init_dist  # MMEngine's needs CUDA
    join("pytorch", backend="gloo")
    rank = dist.get_rank()
    numpy.random.seed(rank)
    found = {
        "reduced": reduced(rank),
        "moved": moved(rank),
        "collected": collected(rank, folder),
        "seeds": [dist.sync_random_seed(), dist.sync_random_seed()],
        "master": dist.master_only(lambda: "ran")(),
    }
    if dist.__name__ == OURS:
        found |= {"parameter": parameter(rank), "who": who()}
    dist.barrier()
    torch.save(found, folder / f"rank{rank}.pt")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
