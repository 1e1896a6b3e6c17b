"""Which samples, in which order, each process takes."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from itertools import islice

import torch
from mmbridge.runners.dist import get_dist_info
from mmbridge.runners.loop.dist.objects import sync_random_seed
from mmbridge.runners.loop.registry import DATA_SAMPLERS
from torch.utils.data import Sampler


@DATA_SAMPLERS.register_module()
class DefaultSampler(Sampler[int]):
    """Every sample once an epoch, dealt to the processes in turn; shuffled by ``seed`` plus the epoch.

    Without ``seed`` all processes share a drawn one (``sync_random_seed``), so seeding everything repeats it. With
    ``round_up`` samples from the beginning are added until all processes have equally many. MMEngine 0.10.7,
    mmengine/dataset/sampler.py.
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = None, round_up: bool = True) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        self.shuffle = shuffle
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self.round_up = round_up
        size = len(dataset)
        self.num_samples = -(-(size if round_up else size - self.rank) // self.world_size)  # rounded up
        self.total_size = self.num_samples * self.world_size if round_up else size

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        if self.shuffle:
            generator = torch.Generator().manual_seed(self.seed + self.epoch)
            indices = torch.randperm(size, generator=generator).tolist()
        else:
            indices = list(range(size))
        if self.round_up and indices:
            indices = (indices * (self.total_size // size + 1))[: self.total_size]
        return iter(indices[self.rank : self.total_size : self.world_size])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Shuffle for this epoch from now on."""
        self.epoch = epoch


@DATA_SAMPLERS.register_module()
class InfiniteSampler(Sampler[int]):
    """All samples over and over without end, dealt to the processes in turn; each round shuffled anew.

    Every iteration starts with the first round of ``seed``. Its length is that of the dataset. MMEngine 0.10.7, as
    DefaultSampler.
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = None) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        self.shuffle = shuffle
        self.seed = sync_random_seed() if seed is None else seed
        self.size = len(dataset)

    def _infinite_indices(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed)
        while self.size:
            if self.shuffle:
                yield from torch.randperm(self.size, generator=generator).tolist()
            else:
                yield from range(self.size)

    def __iter__(self) -> Iterator[int]:
        return islice(self._infinite_indices(), self.rank, None, self.world_size)

    def __len__(self) -> int:
        return self.size

    def set_epoch(self, epoch: int) -> None:
        """Nothing: the order does not start again with an epoch."""
