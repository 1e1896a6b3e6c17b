from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.runners.loop.dataset import DefaultSampler, InfiniteSampler, samplers
from mmbridge.runners.loop.registry import DATA_SAMPLERS
from mmbridge.runners.seed import set_random_seed
from torch.utils.data import DataLoader

sizes = st.integers(0, 30)
worlds = st.integers(1, 5)


def samplers_of_ranks(kind: Any, world_size: int, size: int, **options: Any) -> list[Any]:
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for rank in range(world_size):
            patch.setattr(samplers, "get_dist_info", lambda rank=rank: (rank, world_size))
            found.append(kind(range(size), **options))
    return found


def test_default_sampler_permutes_by_seed_and_epoch() -> None:
    """The orders that MMEngine 0.10.7 gives with seed 0."""
    sampler = DefaultSampler(range(5), seed=0)

    assert [4, 0, 1, 3, 2] == list(sampler) == list(sampler)

    sampler.set_epoch(1)

    assert [0, 4, 2, 3, 1] == list(sampler)
    assert [0, 1, 2, 3, 4] == list(DefaultSampler(range(5), shuffle=False))


def test_seed_is_drawn_where_none_is_given() -> None:
    drawn = {DefaultSampler(range(5)).seed for _ in range(5)} | {InfiniteSampler(range(5)).seed for _ in range(5)}

    assert len(drawn) > 1
    assert all(0 <= seed < 2**31 for seed in drawn)


@pytest.mark.parametrize("kind", [DefaultSampler, InfiniteSampler])
def test_a_drawn_seed_repeats_where_all_is_seeded(kind: Any) -> None:
    """As with ``randomness=dict(seed=..., diff_rank_seed=True)``, where samplers get no seed."""

    def drawn(seed: int) -> list[int]:
        set_random_seed(seed)
        return [kind(range(5)).seed, kind(range(5)).seed]

    assert drawn(1) == drawn(1) != drawn(2)


@given(size=sizes, world_size=worlds, shuffle=st.booleans(), seed=st.integers(0, 9), epoch=st.integers(0, 3))
def test_every_sample_once_without_rounding_up(
    size: int, world_size: int, shuffle: bool, seed: int, epoch: int
) -> None:
    each = samplers_of_ranks(DefaultSampler, world_size, size, shuffle=shuffle, seed=seed, round_up=False)
    for sampler in each:
        sampler.set_epoch(epoch)
    shares = [list(sampler) for sampler in each]

    assert list(range(size)) == sorted(index for share in shares for index in share)
    assert [len(share) for share in shares] == [len(sampler) for sampler in each]


@given(size=sizes, world_size=worlds, seed=st.integers(0, 9))
def test_equal_shares_with_rounding_up(size: int, world_size: int, seed: int) -> None:
    """Dealt in turn; what is missing is taken from the beginning."""
    each = samplers_of_ranks(DefaultSampler, world_size, size, seed=seed)
    alone = list(samplers_of_ranks(DefaultSampler, 1, size, seed=seed)[0])
    shares = [list(sampler) for sampler in each]
    dealt = [index for turn in zip(*shares, strict=True) for index in turn]

    assert {-(-size // world_size)} == {len(share) for share in shares} == {len(sampler) for sampler in each}
    assert alone == dealt[:size]
    assert (alone * world_size)[: len(dealt) - size] == dealt[size:]


@given(size=st.integers(1, 12), world_size=worlds, seed=st.integers(0, 9), shuffle=st.booleans())
def test_infinite_sampler_deals_round_after_round(size: int, world_size: int, seed: int, shuffle: bool) -> None:
    each = samplers_of_ranks(InfiniteSampler, world_size, size, seed=seed, shuffle=shuffle)
    shares = [list(islice(sampler, 3 * size)) for sampler in each]
    dealt = [index for turn in zip(*shares, strict=True) for index in turn]

    rounds = [dealt[start : start + size] for start in range(0, len(dealt), size)]
    assert all(sorted(each) == list(range(size)) for each in rounds)
    assert {size} == {len(sampler) for sampler in each}
    if not shuffle:
        assert all(each == list(range(size)) for each in rounds)


def test_infinite_sampler_may_be_iterated_again() -> None:
    """In MMEngine a second iteration gives nothing."""
    sampler = InfiniteSampler(range(5), seed=0)
    first = list(islice(sampler, 7))
    sampler.set_epoch(3)

    assert first == list(islice(sampler, 7))
    assert 7 == len(first)


def test_infinite_sampler_of_nothing_ends() -> None:
    assert [] == list(InfiniteSampler([], seed=0))


def test_samplers_in_a_loader() -> None:
    loader = DataLoader(
        range(5), sampler=DATA_SAMPLERS.build({"type": "DefaultSampler", "dataset": range(5), "seed": 0})
    )

    assert [4, 0, 1, 3, 2] == [int(batch) for batch in loader]

    endless = DATA_SAMPLERS.build({"type": "InfiniteSampler", "dataset": range(3), "shuffle": False})
    batches = islice(DataLoader(range(3), sampler=endless, batch_size=2), 3)

    assert [[0, 1], [2, 0], [1, 2]] == [batch.tolist() for batch in batches]
