"""The samplers of MMDetection 2.x's loaders: batches of samples of one group, such as images of one shape.

They draw the same samples in the same order as MMDetection 2.28.2, mmdet/datasets/samplers. A dataset tells its groups
by an array ``flag``, a number from 0 for each sample. NumPy must be installed, as it is where there are such arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch.utils.data import Sampler


class GroupSampler(Sampler[int]):
    """For one process: batches of ``samples_per_gpu`` samples of one group, by NumPy's random numbers.

    The last batch of a group is filled up with samples of it.
    """

    def __init__(self, dataset: Any, samples_per_gpu: int = 1) -> None:
        self.samples_per_gpu = samples_per_gpu
        self.groups = _groups(dataset)
        self.num_samples = sum(_filled(len(group), samples_per_gpu) for group in self.groups)

    def __iter__(self) -> Iterator[int]:
        import numpy

        dealt = []
        for group in self.groups:
            mixed = group.copy()
            numpy.random.shuffle(mixed)
            dealt.append(numpy.concatenate([mixed, numpy.random.choice(mixed, -len(mixed) % self.samples_per_gpu)]))
        batches = numpy.concatenate(dealt).reshape(-1, self.samples_per_gpu)
        order = numpy.random.permutation(range(len(batches)))
        return iter(batches[order].ravel().tolist())

    def __len__(self) -> int:
        return self.num_samples


class DistributedGroupSampler(Sampler[int]):
    """For each of ``num_replicas`` processes its share of such batches; the order depends on ``seed`` and the epoch.

    A group is repeated until all processes have equally many full batches.
    """

    def __init__(self, dataset: Any, samples_per_gpu: int, num_replicas: int, rank: int, seed: int | None = 0) -> None:
        self.samples_per_gpu = samples_per_gpu
        self.num_replicas, self.rank = num_replicas, rank
        self.seed = seed or 0
        self.epoch = 0
        self.groups = _groups(dataset)
        self.num_samples = (
            sum(_filled(len(group), samples_per_gpu * num_replicas) for group in self.groups) // num_replicas
        )

    def set_epoch(self, epoch: int) -> None:
        """Let the next pass be that of ``epoch``."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator()
        generator.manual_seed(self.epoch + self.seed)
        dealt: list[int] = []
        for group in self.groups:
            mixed = group[torch.randperm(len(group), generator=generator).numpy()].tolist()
            size = _filled(len(mixed), self.samples_per_gpu * self.num_replicas)
            dealt += (mixed * (size // len(mixed) + 1))[:size]
        batches = torch.tensor(dealt).view(-1, self.samples_per_gpu)
        order = torch.randperm(len(batches), generator=generator)
        mine = slice(self.num_samples * self.rank, self.num_samples * (self.rank + 1))
        return iter(batches[order].view(-1)[mine].tolist())

    def __len__(self) -> int:
        return self.num_samples


class InfiniteBatchSampler(Sampler[list[int]]):
    """Batches without end for one of several processes, so that a run counted in iterations never begins again.

    All passes are one stream, from which the processes take turns; batches go on from pass to pass.
    """

    def __init__(
        self, dataset: Any, batch_size: int, world_size: int, rank: int, seed: int = 0, shuffle: bool = True
    ) -> None:
        self.size = len(dataset)
        self.batch_size = batch_size
        self.seed, self.shuffle = seed, shuffle
        self._stream = islice(self._indices(), rank, None, world_size)
        self._waiting: dict[int, list[int]] = {}

    def _indices(self) -> Iterator[int]:
        generator = torch.Generator()
        generator.manual_seed(self.seed)
        while True:
            yield from torch.randperm(self.size, generator=generator).tolist() if self.shuffle else range(self.size)

    def group_of(self, index: int) -> int:
        """The group whose batch the sample ``index`` goes to."""
        return 0

    def __iter__(self) -> Iterator[list[int]]:
        for index in self._stream:
            batch = self._waiting.setdefault(self.group_of(index), [])
            batch.append(index)
            if len(batch) == self.batch_size:
                yield self._waiting.pop(self.group_of(index))

    def __len__(self) -> int:
        return self.size


class InfiniteGroupBatchSampler(InfiniteBatchSampler):
    """The same with batches of one group each."""

    def __init__(self, dataset: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(dataset, *args, **kwargs)
        self.flag = dataset.flag

    def group_of(self, index: int) -> int:
        """By the dataset's ``flag``."""
        return int(self.flag[index])


def _groups(dataset: Any) -> list[Any]:
    """The samples of each group that has any, in order."""
    import numpy

    flag = numpy.asarray(dataset.flag)
    return [numpy.flatnonzero(flag == group) for group in range(int(flag.max()) + 1) if (flag == group).any()]


def _filled(count: int, size: int) -> int:
    """``count``, or the next multiple of ``size``."""
    return count + -count % size
