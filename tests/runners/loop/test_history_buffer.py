"""Histories of one number: what they keep, what they say."""

from __future__ import annotations

import math
import pickle
from copy import deepcopy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.runners.loop.logging import HistoryBuffer


def test_the_mean_divides_by_the_counts_and_does_not_weight_by_them() -> None:
    history = HistoryBuffer()
    for value in (1, 2, 3):
        history.update(value, value)

    assert 1.0 == history.mean()
    assert 1.0 == history.mean(2)


@pytest.mark.parametrize(
    ("name", "window", "expected"),
    [
        ("mean", None, 2.5),
        ("mean", 2, 3.0),
        ("max", 3, 4.0),
        ("min", 2, 2.0),
        ("min", 99, 1.0),
        ("max", 0, 4.0),
    ],
)
def test_statistics_by_name(name: str, window: int | None, expected: float) -> None:
    history = HistoryBuffer([1.0, 3.0, 4.0, 2.0], [1, 1, 1, 1])

    assert expected == history.statistics(name, window_size=window)


def test_the_current_value_keeps_its_type_until_another_changes_it() -> None:
    history = HistoryBuffer([1], [1])
    history.update(2)
    whole = history.current()
    history.update(2.5)
    history.update(3)

    assert (int, 2) == (type(whole), whole)
    assert (float, 3.0) == (type(history.current()), history.current())


def test_a_nan_is_the_greatest_and_the_least() -> None:
    history = HistoryBuffer([1.0, math.nan, 2.0], [1, 1, 1])

    assert math.isnan(history.max())
    assert math.isnan(history.min())
    assert 2.0 == history.max(1)


def test_only_the_latest_stay() -> None:
    history = HistoryBuffer(max_length=3)
    for value in range(2000):
        history.update(value)

    assert 3 == len(history)
    assert 1997 == history.min()
    assert 1998 == history.mean()
    assert [1997, 1998, 1999] == history.state()["log_history"].tolist()


def test_a_history_longer_than_its_bound_is_cut_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="longer than max_length=2"):
        history = HistoryBuffer([1, 2, 3], [1, 1, 1], max_length=2)

    assert 2 == history.min()


def test_tensors_are_read_when_somebody_asks() -> None:
    history = HistoryBuffer([0.5], [1])
    history.add(torch.tensor(1.5))
    history.add(2.0, 3)
    history.add(torch.tensor([[3]]))

    assert 7.0 / 6 == history.mean()
    assert [0.5, 1.5, 2.0, 3.0] == history.state()["log_history"].tolist()
    assert [1, 1, 3, 1] == history.state()["count_history"].tolist()


VALUES = st.one_of(st.floats(-1e6, 1e6), st.integers(-100, 100), st.booleans())


@given(
    values=st.lists(st.tuples(VALUES, st.sampled_from([1, 1, 1, 2])), min_size=1, max_size=30),
    max_length=st.sampled_from([4, 1000]),
    window=st.sampled_from([None, 1, 5, 10]),
)
def test_what_waits_reads_as_what_is_settled(
    values: list[tuple[float, int]], max_length: int, window: int | None
) -> None:
    settled, waiting = HistoryBuffer(max_length=max_length), HistoryBuffer(max_length=max_length)
    for value, count in values:
        settled.add(value, count)
        waiting.add(value, count)
        len(settled)  # a reader, before whom nothing may wait

    assert (settled.current(), settled.mean(window)) == (waiting.current(), waiting.mean(window))
    assert type(settled.current()) is type(waiting.current())


def test_statistics_of_ones_own_see_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    numpy = pytest.importorskip("numpy")
    monkeypatch.setattr(HistoryBuffer, "_statistics_methods", dict(HistoryBuffer._statistics_methods))

    @HistoryBuffer.register_statistics
    def weighted(self: HistoryBuffer, window_size: int, weights: list[float]) -> float:
        return float((self._log_history[-window_size:] * numpy.array(weights)).sum() / self._count_history.sum())

    history = HistoryBuffer([1, 2, 3], [1, 1, 2])

    assert 2.0 == history.statistics("weighted", 2, [1, 2])
    with pytest.raises(ValueError, match="a statistic 'weighted' already"):
        HistoryBuffer.register_statistics(weighted)
    assert [numpy.int64] * 2 == [array.dtype for array in history.data]


@pytest.mark.parametrize("copied", [deepcopy, lambda each: pickle.loads(pickle.dumps(each))], ids=["copy", "pickle"])
def test_copies_are_equal_and_apart(copied: object) -> None:
    history = HistoryBuffer([1, 2], [1, 3], max_length=7)
    copy = copied(history)  # type: ignore[operator]
    history.update(9)

    assert [1, 2] == copy.state()["log_history"].tolist()
    assert (2, 7) == (copy.current(), copy.max_length)


def test_wrong_input_is_told() -> None:
    history = HistoryBuffer()

    with pytest.raises(TypeError, match="found str, int"):
        history.update("1")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2 values needs as many counts, found 1"):
        HistoryBuffer([1, 2], [1])
    with pytest.raises(KeyError, match=r"no statistic 'median'.*there are current, max, mean, min"):
        history.statistics("median")
    with pytest.raises(ValueError, match="the history is empty"):
        history.current()
    with pytest.raises(ValueError, match="the history is empty"):
        history.max()
    with pytest.raises(TypeError, match=r"window_size .* found 1\.5"):
        history.mean(1.5)  # type: ignore[arg-type]

    assert math.isnan(history.mean())
