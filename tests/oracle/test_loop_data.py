"""Datasets, samplers and collate functions against the real MMEngine: equal to the last bit."""

from __future__ import annotations

import copy
import json
import random
import warnings
from collections import OrderedDict, namedtuple
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmbridge.runners.loop import dataset as ours
from mmbridge.runners.loop.dataset import samplers
from mmbridge.runners.loop.structures import BaseDataElement

pytestmark = pytest.mark.oracle
real = pytest.importorskip("mmengine.dataset")
numpy = pytest.importorskip("numpy")
ENGINES = {"mmengine": real, "mmbridge": ours}
Pair = namedtuple("Pair", "left right")


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What both log is not compared here."""
    monkeypatch.setattr("mmengine.dataset.base_dataset.print_log", lambda *args, **kwargs: None)
    monkeypatch.setattr("mmengine.dataset.dataset_wrapper.print_log", lambda *args, **kwargs: None)
    monkeypatch.setattr("mmbridge.runners.loop.dataset.dataset.print_log", lambda *args, **kwargs: None)


def both(make: Any) -> list[Any]:
    """What ``make`` gives with MMEngine and with ours: a value, or the kinds of its error."""
    found = []
    for engine in ENGINES.values():
        try:
            found.append(make(engine))
        except Exception as error:
            found.append(type(error))
    return found


def samplers_of_ranks(name: str, world_size: int, size: int, **options: Any) -> list[list[Any]]:
    """The samplers of all processes: MMEngine's, then ours."""
    found: list[list[Any]] = [[], []]
    with pytest.MonkeyPatch.context() as patch:
        for rank in range(world_size):
            info = (rank, world_size)
            patch.setattr("mmengine.dataset.sampler.get_dist_info", lambda info=info: info)
            patch.setattr(samplers, "get_dist_info", lambda info=info: info)
            for each, engine in zip(found, ENGINES.values(), strict=True):
                each.append(getattr(engine, name)(range(size), **options))
    return found


@given(
    size=st.integers(1, 60),
    world_size=st.integers(1, 5),
    seed=st.integers(0, 2**31),
    epochs=st.lists(st.integers(0, 9), min_size=1, max_size=3),
    shuffle=st.booleans(),
    round_up=st.booleans(),
)
def test_default_sampler(
    size: int, world_size: int, seed: int, epochs: list[int], shuffle: bool, round_up: bool
) -> None:
    options = {"seed": seed, "shuffle": shuffle, "round_up": round_up}
    for expected, sampler in zip(*samplers_of_ranks("DefaultSampler", world_size, size, **options), strict=True):
        assert len(expected) == len(sampler)
        for epoch in epochs:
            expected.set_epoch(epoch)
            sampler.set_epoch(epoch)

            assert list(expected) == list(sampler)


@given(size=st.integers(1, 30), world_size=st.integers(1, 5), seed=st.integers(0, 2**31), shuffle=st.booleans())
def test_infinite_sampler(size: int, world_size: int, seed: int, shuffle: bool) -> None:
    options = {"seed": seed, "shuffle": shuffle}
    for expected, sampler in zip(*samplers_of_ranks("InfiniteSampler", world_size, size, **options), strict=True):
        assert len(expected) == len(sampler)
        assert list(islice(expected, 70)) == list(islice(sampler, 70))


@pytest.mark.parametrize("name", ["DefaultSampler", "InfiniteSampler"])
def test_drawn_seeds(name: str) -> None:
    def drawn(engine: Any) -> list[int]:
        numpy.random.seed(3)
        return [getattr(engine, name)(range(5)).seed for _ in range(2)]

    expected, found = both(drawn)

    assert expected == found


LEAVES = st.one_of(
    st.integers(-9, 9), st.text(max_size=2), st.none(), st.binary(max_size=2), st.integers(1, 3).map(torch.zeros)
)
SHAPES = st.recursive(
    st.just("leaf"),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: ("list", parts)),
        st.lists(inner, max_size=3).map(lambda parts: ("tuple", parts)),
        st.tuples(inner, inner).map(lambda parts: ("pair", list(parts))),
        st.lists(inner, max_size=3).map(lambda parts: ("dict", parts)),
        st.lists(inner, max_size=3).map(lambda parts: ("ordered", parts)),
    ),
    max_leaves=6,
)


def sample_of(shape: Any, leaf: Any) -> Any:
    if shape == "leaf":
        return leaf()
    kind, parts = shape
    values = [sample_of(part, leaf) for part in parts]
    if kind == "pair":
        return Pair(*values)
    if kind in ("dict", "ordered"):
        return (dict if kind == "dict" else OrderedDict)((f"k{number}", value) for number, value in enumerate(values))
    return list(values) if kind == "list" else tuple(values)


def described(value: Any) -> Any:
    """``value`` with its types, for comparing; tensors with all they hold."""
    if isinstance(value, torch.Tensor):
        return "tensor", str(value.dtype), tuple(value.shape), value.tolist()
    if isinstance(value, dict):
        return type(value).__name__, [(key, described(each)) for key, each in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [described(each) for each in value]
    return type(value).__name__, value


@settings(max_examples=150)
@given(data=st.data(), shape=SHAPES, size=st.integers(1, 4))
def test_pseudo_collate(data: Any, shape: Any, size: int) -> None:
    batch = [sample_of(shape, lambda: data.draw(LEAVES)) for _ in range(size)]
    expected, found = both(lambda engine: described(engine.pseudo_collate(batch)))

    assert expected == found


@settings(max_examples=100)
@given(data=st.data(), shape=SHAPES, size=st.integers(1, 4), kind=st.sampled_from(["int", "float", "tensor", "text"]))
def test_default_collate(data: Any, shape: Any, size: int, kind: str) -> None:
    leaves = {
        "int": st.integers(-9, 9),
        "float": st.floats(-1, 1),
        "tensor": st.lists(st.floats(-1, 1), min_size=2, max_size=2).map(torch.tensor),
        "text": st.text(max_size=2),
    }
    batch = [sample_of(shape, lambda: data.draw(leaves[kind])) for _ in range(size)]
    expected, found = both(lambda engine: described(engine.default_collate(batch)))

    assert expected == found


@pytest.mark.parametrize("name", ["pseudo_collate", "default_collate"])
@pytest.mark.parametrize(
    "batch",
    [
        pytest.param([[1], [1, 2]], id="unequal_lists"),
        pytest.param([(1,), (1, 2)], id="unequal_tuples"),
        pytest.param([{"a": 1}, {"b": 1}], id="other_keys"),
        pytest.param([{"a": 1}, {"a": 1, "b": 1}], id="more_keys"),
        pytest.param([torch.zeros(1), torch.zeros(2)], id="unequal_tensors"),
        pytest.param([numpy.zeros(2), numpy.ones(2)], id="arrays"),
        pytest.param([range(2), range(2)], id="ranges"),
        pytest.param([True, False], id="truth"),
        pytest.param([{1: 2}, {1: 3}], id="numbers_as_keys"),
    ],
)
def test_collates_by_cases(name: str, batch: Any) -> None:
    expected, found = both(lambda engine: str(getattr(engine, name)(batch)))

    assert expected == found


def test_data_elements_stay_in_lists() -> None:
    from mmengine.structures import BaseDataElement as Real

    results = []
    for engine, kind in ((real, Real), (ours, BaseDataElement)):
        elements = [kind(metainfo={"id": number}) for number in range(2)]
        batch = engine.default_collate([{"x": torch.ones(1), "sample": element} for element in elements])
        results.append((batch["x"].tolist(), [element.id for element in batch["sample"]], type(batch["sample"])))

    assert results[0] == results[1]


@pytest.mark.parametrize(("worker", "workers", "rank", "seed"), [(0, 1, 0, 0), (2, 4, 3, 77)])
def test_worker_seeds(worker: int, workers: int, rank: int, seed: int) -> None:
    def draws(engine: Any) -> tuple[float, float, float]:
        engine.worker_init_fn(worker, workers, rank, seed)
        return random.random(), float(numpy.random.rand()), float(torch.rand(()))

    expected, found = both(draws)

    assert expected == found


class Refuse:
    """A transform that gives up samples, and notes which it was shown."""

    def __init__(self, period: int) -> None:
        self.period, self.seen = period, []

    def __call__(self, data: dict[str, Any]) -> dict[str, Any] | None:
        self.seen.append(data["sample_idx"])
        return None if data["sample_idx"] % self.period else data


def datasets(engine: Any, **functions: Any) -> type:
    """The engine's BaseDataset with a list of its own, and ``functions``."""

    def load_data_list(self: Any) -> list[dict[str, Any]]:
        return [{"value": number * number, "boxes": [number] * (number % 3)} for number in range(12)]

    def get_cat_ids(self: Any, idx: int) -> list[int]:
        return [box % 5 for box in self.get_data_info(idx)["boxes"]]

    return type(
        "Toy", (engine.BaseDataset,), {"load_data_list": load_data_list, "get_cat_ids": get_cat_ids, **functions}
    )


def content(dataset: Any) -> list[Any]:
    return [dataset.get_data_info(index) for index in range(len(dataset))]


@pytest.mark.parametrize("serialize_data", [True, False])
@pytest.mark.parametrize("indices", [None, 3, -3, 12, 50, [1, 1, -1, 0], (2,)], ids=str)
def test_indices(indices: Any, serialize_data: bool) -> None:
    expected, found = both(lambda engine: content(datasets(engine)(indices=indices, serialize_data=serialize_data)))

    assert expected == found


@pytest.mark.parametrize("serialize_data", [True, False])
@pytest.mark.parametrize("indices", [0, 1, 5, 11, -1, -5, -11, [1, 1, -1, 0, -2], [], 1.5, {1, 2}], ids=str)
def test_subsets(indices: Any, serialize_data: bool) -> None:
    def subset(engine: Any) -> Any:
        dataset = datasets(engine)(serialize_data=serialize_data, metainfo={"names": ["a"]})
        other = dataset.get_subset(indices)
        dataset.get_subset_(indices)
        return content(other), content(dataset), other.metainfo, other.test_mode

    expected, found = both(subset)

    assert expected == found


@pytest.mark.parametrize("serialize_data", [True, False])
@pytest.mark.parametrize("index", [0, 5, 11, 12, -1, -11, -13])
def test_places(index: int, serialize_data: bool) -> None:
    expected, found = both(lambda engine: datasets(engine)(serialize_data=serialize_data).get_data_info(index))

    assert expected == found


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), period=st.integers(1, 12), max_refetch=st.integers(0, 6))
def test_other_samples_where_the_pipeline_gives_up(seed: int, period: int, max_refetch: int) -> None:
    """The same samples are tried, and the same ones come out."""
    tried = []

    def fetch(engine: Any) -> Any:
        transform = Refuse(period)
        tried.append(transform.seen)
        numpy.random.seed(seed)
        dataset = datasets(engine)(pipeline=[transform], max_refetch=max_refetch)
        found = []
        for index in range(3):
            try:
                found.append(dataset[index])
            except Exception:
                found.append("none")
        return found

    expected, found = both(fetch)

    assert expected == found
    assert tried[0] == tried[1]


@pytest.mark.parametrize("test_mode", [True, False])
def test_test_mode(test_mode: bool) -> None:
    def fetch(engine: Any) -> Any:
        numpy.random.seed(0)
        dataset = datasets(engine)(pipeline=[Refuse(3)], test_mode=test_mode)
        return dataset[3], isinstance(_error(lambda: dataset[4]), Exception)

    expected, found = both(fetch)

    assert expected == found


def _error(call: Any) -> Any:
    try:
        return call()
    except Exception as error:
        return error


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Annotation files and a file of names."""
    content = {
        "metainfo": {"task": "file", "classes": ["f"], "only": 1},
        "data_list": [{"img_path": f"{number}.jpg", "seg": "s", "n": number} for number in range(3)],
    }
    (tmp_path / "ann.json").write_text(json.dumps(content))
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "half.json").write_text('{"metainfo": {}}')
    (tmp_path / "names.txt").write_text("cat\n dog \n\nlast")
    return tmp_path


@pytest.mark.parametrize("given_metainfo", [None, {"task": "ctor"}, {"classes": "names.txt", "x": (1, 2)}])
@pytest.mark.parametrize("of_class", [{}, {"task": "class", "classes": ["c"]}])
def test_metainfo(folder: Path, of_class: Any, given_metainfo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)

    def metainfo(engine: Any) -> Any:
        kind = type("Toy", (engine.BaseDataset,), {"METAINFO": copy.deepcopy(of_class)})
        lazy = kind("ann.json", metainfo=given_metainfo, lazy_init=True).metainfo
        full = kind("ann.json", metainfo=given_metainfo).metainfo
        return lazy, list(full), full, kind.METAINFO

    expected, found = both(metainfo)

    assert expected == found


@pytest.mark.parametrize("data_root", ["", "ROOT"])
@pytest.mark.parametrize("prefix", [{"img_path": ""}, {"img_path": "imgs"}, {"img_path": "imgs/", "seg": "/abs"}, {}])
def test_places_of_files(folder: Path, data_root: str, prefix: dict[str, str]) -> None:
    def places(engine: Any) -> Any:
        options = {"data_root": data_root.replace("ROOT", str(folder)), "data_prefix": dict(prefix)}
        lazy = engine.BaseDataset("ann.json", lazy_init=True, **options)
        full = engine.BaseDataset(str(folder / "ann.json"), **options)
        return lazy.ann_file, lazy.data_prefix, full.ann_file, content(full)

    expected, found = both(places)

    assert expected == found


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"ann_file": "list.json"}, TypeError, id="no_dict"),
        pytest.param({"ann_file": "half.json"}, ValueError, id="no_data_list"),
        pytest.param({"ann_file": "none.json"}, FileNotFoundError, id="no_file"),
        pytest.param({"ann_file": "ann.json", "metainfo": [1]}, TypeError, id="metainfo"),
        pytest.param({"ann_file": "ann.json", "data_prefix": {"img_path": 1}}, TypeError, id="prefix"),
        pytest.param({"ann_file": "ann.json", "pipeline": [1]}, TypeError, id="pipeline"),
    ],
)
def test_errors(folder: Path, options: dict[str, Any], expected: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)

    assert [expected, expected] == both(lambda engine: engine.BaseDataset(**options))


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("threshold", [0.01, 0.3, 0.5, 1.0, 7.0])
def test_balanced(threshold: float, lazy: bool) -> None:
    def balanced(engine: Any) -> Any:
        dataset = engine.ClassBalancedDataset(datasets(engine)(), threshold, lazy_init=lazy)
        return content(dataset), [dataset[index] for index in (0, -1, 5)], dataset.get_cat_ids(3), dataset.metainfo

    expected, found = both(balanced)

    assert expected == found


@pytest.mark.parametrize("index", [0, 11, 12, 23, 24, -1, -24, -25])
def test_wrapped_places(index: int) -> None:
    def place(engine: Any) -> Any:
        two = engine.ConcatDataset([datasets(engine)(), datasets(engine)(indices=12)])
        repeated = engine.RepeatDataset(datasets(engine)(), 2, lazy_init=True)
        found = [_error(lambda: two[index]), _error(lambda: two.get_data_info(index))]
        found += [len(two), len(repeated), repeated[index], repeated.get_data_info(index)]
        return [type(each) if isinstance(each, Exception) else each for each in found]

    expected, found = both(place)

    assert expected == found


@pytest.mark.parametrize("ignore_keys", [None, "a", ["a", "b"]])
@pytest.mark.parametrize(
    "metainfos",
    [
        pytest.param([{"a": 1}, {"a": 1}], id="equal"),
        pytest.param([{"a": 1}, {"a": 2}], id="values"),
        pytest.param([{"a": 1}, {"a": 1.0}], id="types"),
        pytest.param([{"a": 1}, {}], id="missing"),
        pytest.param([{}, {"b": 1}], id="more"),
        pytest.param([{"a": numpy.arange(3)}, {"a": numpy.arange(3)}], id="equal_arrays"),
        pytest.param([{"a": numpy.arange(3)}, {"a": numpy.arange(4)}], id="arrays"),
        pytest.param([{"a": numpy.arange(3)}, {"a": numpy.ones(3)}], id="arrays_of_another_type"),
        pytest.param([{"a": 1, "b": 1}, {"a": 1, "b": 1}, {"a": 1, "b": 2}], id="the_third"),
    ],
)
def test_metainfo_of_concatenations(metainfos: list[Any], ignore_keys: Any) -> None:
    def concatenated(engine: Any) -> Any:
        parts = [datasets(engine)(metainfo=each) for each in metainfos]
        return str(engine.ConcatDataset(parts, ignore_keys=ignore_keys).metainfo)

    expected, found = both(concatenated)

    assert expected == found


def test_packed_annotations_are_as_large_as_theirs() -> None:
    theirs, mine = (datasets(engine)() for engine in ENGINES.values())

    assert bytes(theirs.data_bytes) == mine.data_bytes
    assert theirs.data_address.tolist() == list(mine.data_address)


def test_infinite_sampler_of_mmengine_gives_nothing_the_second_time() -> None:
    """The known difference: here it starts again."""
    expected, sampler = (engine.InfiniteSampler(range(5), seed=0) for engine in ENGINES.values())
    firsts = [list(islice(iter(each), 3)) for each in (expected, sampler)]

    assert firsts[0] == firsts[1]
    assert ([], firsts[1]) == (list(islice(iter(expected), 3)), list(islice(iter(sampler), 3)))


def test_compose() -> None:
    def composed(engine: Any) -> Any:
        compose = engine.Compose(
            [lambda data: data + 1, lambda data: None if data > 3 else data, lambda data: data * 2]
        )
        return [compose(1), compose(5), engine.Compose(None)(2), len(repr(compose).splitlines())]

    expected, found = both(composed)

    assert expected == found


def test_methods_that_downstream_datasets_override_are_called() -> None:
    calls = SimpleNamespace(names=[])

    def noting(name: str) -> Any:
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            calls.names.append(name)
            return getattr(super(type(self), self), name)(*args, **kwargs)

        return method

    names = ["full_init", "_join_prefix", "filter_data", "_get_unserialized_subset", "_serialize_data", "prepare_data"]
    names += ["get_data_info", "_rand_another", "_get_serialized_subset", "_copy_without_annotation", "__len__"]

    def run(engine: Any) -> Any:
        calls.names = []
        dataset = datasets(engine, **{name: noting(name) for name in names})(indices=5, pipeline=[Refuse(100)])
        dataset[0]
        dataset.get_subset(2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            numpy.random.seed(0)
            dataset[1]
        return [name for name in calls.names if name != "__len__"]

    expected, found = both(run)

    assert expected == found
