"""Seeds: of this process, and of the workers that load its data."""

from __future__ import annotations

import os
import random
from importlib.util import find_spec

import torch
from mmbridge.runners.dist import broadcast_object, get_dist_info


def init_random_seed(seed: int | None = None) -> int:
    """``seed``, or one drawn by rank 0 that all processes then share."""
    if seed is not None:
        return seed
    drawn: int = broadcast_object(random.SystemRandom().randrange(2**31))
    return drawn


def shared_seed(seed: int | None = None) -> int:
    """The ``seed`` of rank 0, in every process; one drawn there for None."""
    agreed = [init_random_seed(seed)]
    if get_dist_info()[1] > 1:
        torch.distributed.broadcast_object_list(agreed)
    return agreed[0]


def set_random_seed(seed: int, deterministic: bool = False, use_rank_shift: bool = False) -> None:
    """Seed Python, NumPy where it is installed, and torch; ``use_rank_shift`` adds the rank.

    ``deterministic`` makes cuDNN choose the same algorithms each time. MMCV 1.7.2, mmcv/runner/utils.py.
    """
    if use_rank_shift:
        seed += get_dist_info()[0]
    random.seed(seed)
    if find_spec("numpy"):
        import numpy

        numpy.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)
    os.environ["PYTHONHASHSEED"] = str(seed)
    if deterministic:
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False


def worker_init_fn(worker_id: int, num_workers: int, rank: int, seed: int) -> None:
    """Give each data worker of each process a seed of its own. MMCV 1.7.2, mmcv/utils/seed.py."""
    worker_seed = num_workers * rank + worker_id + seed
    random.seed(worker_seed)
    if find_spec("numpy"):
        import numpy

        numpy.random.seed(worker_seed)
    torch.manual_seed(worker_seed)
