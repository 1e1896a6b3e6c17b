"""The seed of a run."""

from __future__ import annotations

import torch
from mmbridge.runners import seed as seeds
from mmbridge.runners.dist import get_dist_info
from mmbridge.runners.loop.dist import sync_random_seed


def set_random_seed(seed: int | None = None, deterministic: bool = False, diff_rank_seed: bool = False) -> int:
    """Seed Python, NumPy where it is installed, and torch; returns the seed.

    None draws one that all processes share. ``diff_rank_seed`` adds the rank. ``deterministic`` asks torch, and cuDNN,
    for the same results each time. MMEngine 0.10.7, mmengine/runner/utils.py.
    """
    own = sync_random_seed() if seed is None else seed
    if diff_rank_seed:
        own += get_dist_info()[0]
    seeds.set_random_seed(own, deterministic)
    if deterministic:
        torch.use_deterministic_algorithms(True)
    return own
