from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.compat.log_buffer import LogBuffer, pairwise_sum

FLOATS = st.floats(-1e6, 1e6)


def test_average_weighs_by_count() -> None:
    buffer = LogBuffer()
    buffer.update({"loss": 1.0}, 1)
    buffer.update({"loss": 4.0}, 3)

    buffer.average()

    assert buffer.output == {"loss": 3.25}
    assert buffer.ready


def test_each_key_is_averaged_over_its_own_last_entries() -> None:
    buffer = LogBuffer()
    for step in range(4):
        buffer.update({"loss": step})
        if step % 2:
            buffer.update({"grad_norm": step})

    buffer.average(2)

    assert buffer.output == {"loss": 2.5, "grad_norm": 2.0}


def test_clear_output_keeps_the_history() -> None:
    buffer = LogBuffer()
    buffer.update({"loss": 1})
    buffer.average()
    buffer.clear_output()

    assert (buffer.output, buffer.ready, buffer.val_history) == ({}, False, {"loss": [1]})

    buffer.clear()

    assert (buffer.val_history, buffer.n_history) == ({}, {})


def test_trim_keeps_what_the_next_average_needs() -> None:
    buffer = LogBuffer()
    for step in range(10):
        buffer.update({"loss": step})
    buffer.trim(3)
    buffer.average(3)

    assert buffer.val_history == {"loss": [7, 8, 9]}
    assert buffer.output == {"loss": 8.0}


def test_no_counts_give_nan() -> None:
    buffer = LogBuffer()
    buffer.update({"loss": 1.0}, 0)
    buffer.average()

    assert math.isnan(buffer.output["loss"])


def test_wrong_input_is_named() -> None:
    with pytest.raises(TypeError, match="found list"):
        LogBuffer().update([1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="found -1"):
        LogBuffer().average(-1)


@given(st.lists(FLOATS, max_size=400))
def test_pairwise_sum_is_a_sum(values: list[float]) -> None:
    assert math.isclose(pairwise_sum(values), math.fsum(values), abs_tol=1e-6)  # 400 roundings near 1e6
