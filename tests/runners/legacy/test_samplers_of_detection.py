"""The samplers of MMDetection 2.x; the lists were drawn by MMDetection 2.28.2 itself."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.runners.legacy.loaders import build_dataloader
from mmbridge.runners.legacy.samplers import (
    DistributedGroupSampler,
    GroupSampler,
    InfiniteBatchSampler,
    InfiniteGroupBatchSampler,
)

numpy = pytest.importorskip("numpy")


class Flagged:
    def __init__(self, flags: list[int]) -> None:
        self.flag = numpy.array(flags, dtype=numpy.uint8)

    def __len__(self) -> int:
        return len(self.flag)

    def __getitem__(self, index: int) -> int:
        return index


SEVEN = Flagged([0, 1, 0, 1, 0, 0, 1])


def test_the_order_of_one_process() -> None:
    numpy.random.seed(7)

    assert list(GroupSampler(SEVEN, 2)) == [4, 2, 6, 1, 1, 3, 0, 5]


def test_the_order_of_several_processes() -> None:
    assert list(DistributedGroupSampler(SEVEN, 2, 2, 1, 5)) == [6, 1, 0, 4]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param(InfiniteGroupBatchSampler, [[3, 6], [2, 2], [5, 4], [3, 6]], id="groups"),
        pytest.param(InfiniteBatchSampler, [[3, 6], [2, 2], [3, 5], [4, 6]], id="no groups"),
    ],
)
def test_the_order_without_end(kind: Any, expected: list[list[int]]) -> None:
    assert list(islice(iter(kind(SEVEN, 2, 2, 1, 3)), 4)) == expected


FLAGS = st.lists(st.integers(0, 3), min_size=1, max_size=30)


@given(FLAGS, st.integers(1, 4), st.integers(1, 3), st.integers(0, 5))
def test_batches_are_of_one_group_and_nothing_is_left_out(
    flags: list[int], size: int, processes: int, epoch: int
) -> None:
    dataset = Flagged(flags)
    drawn: list[int] = []
    for rank in range(processes):
        sampler = DistributedGroupSampler(dataset, size, processes, rank)
        sampler.set_epoch(epoch)
        mine = list(sampler)
        drawn += mine

        assert len(mine) == len(sampler)
    for start in range(0, len(drawn), size):
        assert len({flags[index] for index in drawn[start : start + size]}) == 1
    assert set(drawn) == set(range(len(flags)))
    assert set(GroupSampler(dataset, size)) == set(range(len(flags)))


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        pytest.param({"groups": True}, GroupSampler, id="groups"),
        pytest.param({"groups": True, "shuffle": False}, None, id="in order"),
        pytest.param({"groups": True, "endless": True}, InfiniteGroupBatchSampler, id="without end"),
        pytest.param({"groups": True, "endless": True, "shuffle": False}, InfiniteBatchSampler, id="endless in order"),
        pytest.param({"endless": True}, None, id="another library"),
    ],
)
def test_which_sampler_a_loader_has(options: dict[str, Any], kind: Any) -> None:
    loader = build_dataloader(SEVEN, 2, 0, seed=1, **options)
    found = [each for each in (loader.sampler, loader.batch_sampler) if type(each).__module__.startswith("mmbridge")]

    assert [type(each) for each in found] == ([kind] if kind else [])


def test_data_without_groups_is_shuffled_as_one() -> None:
    plain = build_dataloader(list(range(4)), 2, 0, seed=1, groups=True)
    endless = build_dataloader(list(range(4)), 2, 0, seed=1, groups=True, endless=True)

    assert sorted(index for batch in plain for index in batch.tolist()) == [0, 1, 2, 3]
    assert len(list(islice(iter(endless), 9))) == 9
