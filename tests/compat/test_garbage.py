"""Garbage is not looked for within the block, and is as before afterwards."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
from mmbridge.compat.garbage import no_garbage


class Node:
    """Something that can be part of a circle."""

    other: Node


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """The collector as it was."""
    enabled = gc.isenabled()
    yield
    (gc.enable if enabled else gc.disable)()
    gc.unfreeze()


def circle() -> weakref.ref[Node]:
    """A circle that nobody holds."""
    one, two = Node(), Node()
    one.other, two.other = two, one
    return weakref.ref(one)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_rests_within_and_is_as_before_afterwards(enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()

    with no_garbage():
        assert not gc.isenabled()

    assert enabled == gc.isenabled()


def test_it_is_as_before_after_an_error() -> None:
    gc.enable()

    with pytest.raises(ValueError, match="inside"), no_garbage():
        raise ValueError("inside")

    assert gc.isenabled()


def test_what_was_made_counts_as_old_and_its_garbage_is_found_all_the_same() -> None:
    with no_garbage():
        kept = [[number] for number in range(5000)]
        lost = circle()

    assert 1000 > gc.get_count()[0]  # nothing of it is young any more
    assert lost() is not None
    gc.collect()
    assert lost() is None
    assert 5000 == len(kept)


def test_what_others_froze_stays_frozen() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()

    with no_garbage():
        pass

    assert frozen == gc.get_freeze_count() > 0
