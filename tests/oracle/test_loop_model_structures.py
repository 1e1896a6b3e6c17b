"""Data elements beside those of the real MMEngine 0.10.7."""

from __future__ import annotations

import re
from typing import Any

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmbridge.runners.loop import structures as ours
from torch import Tensor

pytestmark = pytest.mark.oracle


def theirs() -> Any:
    """MMEngine's package of the same names."""
    return pytest.importorskip("mmengine.structures")


def plain(value: Any) -> Any:
    """``value`` as something to compare; the order of fields aside, which MMEngine's has none of."""
    if hasattr(value, "metainfo_items"):
        fields = {key: plain(each) for key, each in value.items()}
        return type(value).__name__, dict(value.metainfo_items()), fields
    if isinstance(value, (Tensor, numpy.ndarray)):
        return type(value).__name__, str(value.dtype), value.tolist()
    return value


NAMES = st.sampled_from(["a", "b", "c", "d"])
VALUES = st.sampled_from([1, "text", [1, 2], torch.ones(2), torch.zeros(1, dtype=torch.int64), numpy.ones(2)])
CALLS = st.one_of(
    st.tuples(st.just("set"), NAMES, VALUES),
    st.tuples(st.just("setattr"), NAMES, VALUES),
    st.tuples(st.just("set_metainfo"), st.dictionaries(NAMES, st.integers(), max_size=2)),
    st.tuples(st.just("set_data"), st.dictionaries(NAMES, VALUES, max_size=2)),
    st.tuples(st.just("delete"), NAMES),
    st.tuples(st.just("pop"), NAMES),
    st.tuples(st.just("pop_default"), NAMES),
    st.tuples(st.just("update"), st.dictionaries(NAMES, VALUES, max_size=2)),
    st.tuples(st.just("new"), st.dictionaries(NAMES, VALUES, max_size=2)),
    st.tuples(st.just("convert"), st.sampled_from(["clone", "cpu", "detach", "numpy", "to_tensor"])),
    st.tuples(st.just("to"), st.sampled_from(["cpu", torch.float64])),
    st.tuples(st.just("nest"), NAMES),
)


def perform(library: Any, element: Any, call: tuple[Any, ...]) -> Any:
    """The element after one call."""
    name, *arguments = call
    if name in ("set", "setattr"):
        setattr(element, *arguments)
    elif name == "delete":
        delattr(element, *arguments)
    elif name in ("pop", "pop_default"):
        element.pop(*arguments, *(["default"] if name == "pop_default" else []))
    elif name == "update":
        element.update(library.BaseDataElement(**arguments[0]))
    elif name == "new":
        return element.new(**arguments[0])
    elif name == "convert":
        return getattr(element, arguments[0])()
    elif name == "nest":
        setattr(element, arguments[0], element.clone())
    elif name == "to":
        return element.to(*arguments)
    else:
        getattr(element, name)(*arguments)
    return element


@settings(max_examples=300)
@given(st.dictionaries(NAMES, st.integers(), max_size=2), st.lists(CALLS, max_size=8))
def test_any_calls_leave_the_same_element(metainfo: dict[str, int], calls: list[Any]) -> None:
    def outcome(library: Any) -> list[Any]:
        element = library.BaseDataElement(metainfo=metainfo)
        seen: list[Any] = []
        for call in calls:
            try:
                element = perform(library, element, call)
            except (AttributeError, KeyError) as error:
                return [*seen, type(error).__name__]  # how much was set before depends on the order of a set
            seen.append((plain(element), sorted(element.all_keys()), "a" in element, plain(element.get("b"))))
        return seen

    assert outcome(theirs()) == outcome(ours)


def test_text() -> None:
    def text(library: Any) -> str:
        inner = library.BaseDataElement(metainfo={"size": {"h": 4, "w": [5]}}, value=torch.ones(2, 2))
        return re.sub(" at 0x[0-9a-f]+", "", repr(library.BaseDataElement(inner=inner)) + repr(library.PixelData()))

    assert text(theirs()) == text(ours)


@pytest.mark.parametrize("kind", ["metainfo", "data"])
def test_what_is_copied(kind: str) -> None:
    def identities(library: Any) -> list[bool]:
        value = [1]
        element = library.BaseDataElement(**({"metainfo": {"a": value}} if kind == "metainfo" else {"a": value}))
        others = [element.clone(), element.new(), element.cpu(), element.to("cpu"), element.numpy()]
        return [element.a is value, *(other.a is element.a for other in others)]

    assert identities(theirs()) == identities(ours)


INDICES = st.one_of(
    st.integers(-4, 4),
    st.slices(3).filter(lambda index: (index.step or 1) > 0),  # torch knows no other steps
    st.lists(st.integers(-3, 2), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.lists(st.integers(0, 2), min_size=1, max_size=3).map(torch.tensor),
    st.lists(st.booleans(), min_size=3, max_size=3).map(torch.tensor),
    st.lists(st.integers(0, 2), min_size=1, max_size=3).map(numpy.array),
    st.lists(st.integers(0, 2), min_size=1, max_size=3).map(lambda x: numpy.array(x, dtype=numpy.int32)),
)


def instances(library: Any) -> Any:
    return library.InstanceData(
        metainfo={"id": 7},
        boxes=torch.arange(6).view(3, 2),
        array=numpy.arange(3),
        names=["a", "b", "c"],
        text="xyz",
        pairs=(1, 2, 3),
    )


@settings(max_examples=200)
@given(INDICES)
def test_instances_are_chosen(index: Any) -> None:
    def chosen(library: Any) -> Any:
        try:
            found = instances(library)[index]
        except IndexError:
            return "IndexError"
        return plain(found), len(found)

    assert chosen(theirs()) == chosen(ours)


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=3), min_size=1, max_size=3))
def test_instances_are_joined(parts: list[list[int]]) -> None:
    def joined(library: Any) -> Any:
        whole = instances(library)
        return plain(library.InstanceData.cat([whole[part] for part in parts]))

    assert joined(theirs()) == joined(ours)


@pytest.mark.parametrize(
    "index", [(0, 1), (slice(0, 2), 1), (2, slice(1, 3)), (slice(None), slice(None, None, 2))], ids=str
)
def test_parts_of_pixels(index: Any) -> None:
    def part(library: Any) -> Any:
        made = library.PixelData(metainfo={"id": 7}, image=numpy.arange(24).reshape(2, 3, 4), mask=torch.ones(1, 3, 4))
        return plain(made[index]), made[index].shape, library.PixelData().shape

    assert part(theirs()) == part(ours)


def test_labels() -> None:
    def converted(library: Any) -> Any:
        onehot = library.LabelData.label_to_onehot(torch.tensor([1, 3]), 4)
        empty = library.LabelData.label_to_onehot(torch.tensor([], dtype=torch.int64), 2)
        return plain(onehot), plain(library.LabelData.onehot_to_label(onehot)), plain(empty)

    assert converted(theirs()) == converted(ours)


def test_the_same_names_are_public() -> None:
    assert set(theirs().__all__) == set(ours.__all__)
