"""Series and their deviation."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.schedules import Deviation, Loop, Run, Series, deviation

TWO_GROUPS = Series("lr", 10, [0, 4, 7], ((1.0, 0.5, 0.1), (2.0, 1.0, 0.2)), (0, 1, 0))


def series(starts: list[int], *columns: list[float], iterations: int = 10) -> Series:
    return Series("lr", iterations, starts, columns, tuple(range(len(columns))))


@st.composite
def any_series(draw: st.DrawFn, iterations: int = 30) -> Series:
    starts = [0, *sorted(draw(st.sets(st.integers(1, iterations - 1), max_size=8)))]
    column = st.lists(st.floats(0.1, 1.0), min_size=len(starts), max_size=len(starts))
    return series(starts, draw(column), draw(column), iterations=iterations)


def test_runs_give_every_group_its_value() -> None:
    expected = [Run(0, 4, (1.0, 2.0, 1.0)), Run(4, 7, (0.5, 1.0, 0.5)), Run(7, 10, (0.1, 0.2, 0.1))]

    assert expected == list(TWO_GROUPS.runs)


@given(any_series(), st.sampled_from([0, 1]))
def test_values_are_those_at_every_iteration(some: Series, group: int) -> None:
    assert [some.at(iteration, group) for iteration in range(some.iterations)] == some.values(group)


@pytest.mark.parametrize("iteration", [-1, 10])
def test_there_is_no_value_outside_the_run(iteration: int) -> None:
    with pytest.raises(IndexError, match=f"iteration {iteration} of 10"):
        TWO_GROUPS.at(iteration)


@given(any_series(), any_series())
def test_deviation_is_the_largest_over_iterations_and_groups(old: Series, new: Series) -> None:
    expected = max(
        abs(y - x) / x for group in (0, 1) for x, y in zip(old.values(group), new.values(group), strict=True)
    )

    found = deviation(old, new)

    assert expected == found.relative
    assert (found.old, found.new) == (old.at(found.iteration, found.group), new.at(found.iteration, found.group))


@given(any_series())
def test_a_series_does_not_deviate_from_itself(some: Series) -> None:
    assert not deviation(some, some)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param([0.0], [0.0], 0.0, id="zero and zero"),
        pytest.param([0.0], [1e-9], inf, id="zero and something"),
        pytest.param([1.0], [0.0], 1.0, id="something and zero"),
        pytest.param([1.0], [nan], inf, id="not a number"),
        pytest.param([-2.0], [-1.0], 0.5, id="negative"),
    ],
)
def test_deviation_at_the_edges(old: list[float], new: list[float], expected: float) -> None:
    assert expected == deviation(series([0], old), series([0], new)).relative


def test_deviation_names_the_first_place() -> None:
    old, new = series([0], [1.0], [1.0]), series([0, 3, 6], [1.0, 1.0, 1.0], [1.0, 2.0, 0.0])

    assert Deviation(1.0, 3, 1, 1.0, 2.0) == deviation(old, new)


def test_runs_of_different_length_cannot_be_compared() -> None:
    with pytest.raises(ConfigError, match="cannot compare 10 iterations of 1 groups with 9 of 1"):
        deviation(series([0], [1.0]), series([0], [1.0], iterations=9))


@pytest.mark.parametrize(("loop", "expected"), [(Loop("epoch", 3), 21), (Loop("iter", 3), 3)])
def test_iterations_of_a_run(loop: Loop, expected: int) -> None:
    assert expected == loop.iterations(7)


@pytest.mark.parametrize(("unit", "key"), [("epoch", "max_epochs"), ("iter", "max_iters")])
@pytest.mark.parametrize("length", [0, -3, 2.5, None])
def test_a_run_has_a_positive_length(unit: Any, key: str, length: Any) -> None:
    with pytest.raises(ConfigError, match=f"{key}: must be a positive integer, got {length}"):
        Loop(unit, length)
