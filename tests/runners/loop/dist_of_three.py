"""What three processes run: ``torchrun ... dist_of_three.py FOLDER``. The last two are a group, of ranks 0 and 1."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from mmbridge.runners.loop import dist


def within(group: Any) -> dict[str, Any]:
    """What one of the group finds."""
    rank = dist.get_rank(group)
    total, sent, objects = torch.tensor([rank + 1.0]), torch.tensor([rank]), [rank]
    dist.all_reduce(total, "mean", group)
    dist.broadcast(sent, 1, group)
    dist.broadcast_object_list(objects, 1, group)
    params = [torch.tensor([rank + 1.0])]
    dist.all_reduce_params(params, group=group)
    dist.barrier(group)
    return {
        "info": dist.get_dist_info(group),
        "main": dist.is_main_process(group),
        "backend": dist.get_backend(group),
        "all_reduce": total.item(),
        "broadcast": sent.item(),
        "objects": objects,
        "params": params[0].item(),
        "all_gather": torch.cat(dist.all_gather(torch.tensor([rank]), group)).tolist(),
        "gather": [each.item() for each in dist.gather(torch.tensor(rank), 1, group)],
        "all_gather_object": dist.all_gather_object(f"of {rank}", group),
        "gather_object": dist.gather_object(f"of {rank}", 1, group),
        "seeds": len(set(dist.all_gather_object(dist.sync_random_seed(group), group))),
    }


def main(folder: Path) -> None:
    """Write what this process has found."""
    dist.init_dist("pytorch", backend="gloo")
    group, rank = torch.distributed.new_group([1, 2]), dist.get_rank()
    torch.save(within(group) if rank else None, folder / f"rank{rank}.pt")
    dist.barrier()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
