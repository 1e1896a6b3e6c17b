"""The averages of the log buffer are those of MMCV, bit for bit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.compat.log_buffer import LogBuffer, pairwise_sum
from mmbridge.runners.hooks.text_logger import _rounded

pytestmark = pytest.mark.oracle
FLOATS = st.floats(-1e6, 1e6)


@given(st.lists(FLOATS, max_size=1200))
def test_pairwise_sum_adds_in_the_order_of_numpy(values: list[float]) -> None:
    numpy = pytest.importorskip("numpy")

    assert pairwise_sum(values) == float(numpy.sum(numpy.array(values)))


@given(st.lists(st.tuples(FLOATS, st.integers(1, 64)), min_size=1, max_size=200), st.integers(0, 50))
def test_averages_are_equal(entries: list[tuple[float, int]], n: int) -> None:
    runner = pytest.importorskip("mmcv.runner")
    ours, theirs = LogBuffer(), runner.LogBuffer()
    for value, count in entries:
        ours.update({"x": value}, count)
        theirs.update({"x": value}, count)
    ours.average(n)
    theirs.average(n)

    assert ours.output["x"] == float(theirs.output["x"])


def test_a_large_average_is_rounded_in_another_way_there() -> None:
    """The averages there are numpy's floats, whose round multiplies first: listed in docs/known-differences.md."""
    numpy, value = pytest.importorskip("numpy"), 17277721314.862515

    assert (_rounded(value), round(numpy.float64(value), 5)) == (17277721314.86251, 17277721314.86252)
