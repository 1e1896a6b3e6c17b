from __future__ import annotations

import random
import warnings
from collections import OrderedDict, UserList, defaultdict, namedtuple
from typing import Any

import pytest
import torch
from mmbridge.runners.loop.dataset import (
    COLLATE_FUNCTIONS,
    BaseDataset,
    ConcatDataset,
    RepeatDataset,
    default_collate,
    default_collate_for,
    legacy_collate,
    pseudo_collate,
    worker_init_fn,
)
from mmbridge.runners.loop.dataset.collate import collate_by_kind
from mmbridge.runners.loop.registry import DATASETS, FUNCTIONS
from mmbridge.runners.loop.structures import BaseDataElement
from mmbridge.runners.parallel import DataContainer
from mmbridge.runners.registries import DATASETS as LEGACY_DATASETS
from torch.utils.data import DataLoader, Dataset, Subset

Pair = namedtuple("Pair", "left right")


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        pytest.param([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], {"a": [1, 2], "b": ["x", "y"]}, id="dicts"),
        pytest.param([(1, "x"), (2, "y")], [(1, 2), ("x", "y")], id="tuples_become_lists"),
        pytest.param([[1, 2], [3, 4]], [(1, 3), (2, 4)], id="lists"),
        pytest.param([Pair(1, 2), Pair(3, 4)], Pair((1, 3), (2, 4)), id="named_tuples"),
        pytest.param([{"a": [{"b": 1}]}, {"a": [{"b": 2}]}], {"a": [{"b": [1, 2]}]}, id="nested"),
        pytest.param(["x", "y"], ["x", "y"], id="texts"),
        pytest.param([b"x", b"y"], [b"x", b"y"], id="bytes"),
        pytest.param([None, None], [None, None], id="nothing"),
        pytest.param([[], []], [], id="empty"),
    ],
)
def test_pseudo_collate_transposes(batch: Any, expected: Any) -> None:
    assert expected == pseudo_collate(batch)


def test_containers_keep_their_kind() -> None:
    ordered = pseudo_collate([OrderedDict(a=1), OrderedDict(a=2)])
    users = pseudo_collate([UserList([1]), UserList([2])])
    # a defaultdict cannot be made of a dict alone
    default = pseudo_collate([defaultdict(int, a=1), defaultdict(int, a=2)])

    assert (OrderedDict, UserList, dict) == (type(ordered), type(users), type(default))
    assert ({"a": [1, 2]}, [(1, 2)], {"a": [1, 2]}) == (ordered, users.data, default)


def test_pseudo_collate_keeps_tensors_apart() -> None:
    batch = pseudo_collate([{"img": torch.zeros(1, size)} for size in (2, 3)])

    assert [(1, 2), (1, 3)] == [tuple(image.shape) for image in batch["img"]]


def test_default_collate_stacks() -> None:
    elements = [BaseDataElement(metainfo={"id": number}) for number in range(2)]
    samples = [
        {"img": torch.full((2,), float(number)), "sample": element, "label": number, "name": "n"}
        for number, element in enumerate(elements)
    ]
    batch = default_collate(samples)

    assert [[0.0, 0.0], [1.0, 1.0]] == batch["img"].tolist()
    assert [0, 1] == batch["label"].tolist()
    assert elements == batch["sample"]
    assert ["n", "n"] == batch["name"]


@pytest.mark.parametrize("collate", [pseudo_collate, default_collate])
def test_sequences_must_have_one_length(collate: Any) -> None:
    with pytest.raises(RuntimeError, match=r"must have one length within a batch, found \[1, 2\]"):
        collate([[1], [1, 2]])


@pytest.mark.parametrize("name", ["pseudo_collate", "default_collate", "collate"])
def test_functions_have_names_in_configs(name: str) -> None:
    functions = {"pseudo_collate": pseudo_collate, "default_collate": default_collate, "collate": legacy_collate}

    assert functions[name] is FUNCTIONS.get(name)
    assert COLLATE_FUNCTIONS is FUNCTIONS


def contained(size: int) -> dict[str, Any]:
    return {
        "img": DataContainer(torch.ones(1, size, size), stack=True),
        "img_metas": DataContainer({"size": size}, cpu_only=True),
    }


def test_legacy_collate_takes_the_whole_batch() -> None:
    batch = legacy_collate([contained(2), contained(3)])

    assert [(2, 1, 3, 3)] == [tuple(part.shape) for part in batch["img"].data]
    assert [[{"size": 2}, {"size": 3}]] == batch["img_metas"].data
    assert 2 == len(legacy_collate([contained(2), contained(3)], samples_per_gpu=1)["img"].data)


class Plain(Dataset):
    """Samples without a registry, of ``kind``."""

    def __init__(self, kind: Any = None) -> None:
        self.kind = kind or (lambda index: {"x": torch.tensor(index)})

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        return self.kind(index)


@LEGACY_DATASETS.register_module()
class OldPlain(Plain):
    """The same, registered as on MMCV 1.x."""


@DATASETS.register_module()
class NewPlain(Plain):
    """The same, registered as on MMEngine."""


class Annotated(BaseDataset):
    """One of MMEngine's."""

    def load_data_list(self) -> list[Any]:
        return [{"x": number} for number in range(4)]


LEGACY_DATASETS.register_module(name="RegisteredWrongly", module=Annotated)


@pytest.mark.parametrize(
    ("dataset", "stacked"),
    [
        pytest.param(Plain(), False, id="of_no_registry"),
        pytest.param(NewPlain(), False, id="of_mmengine"),
        pytest.param(Annotated(), False, id="a_base_dataset_is_never_old"),
        pytest.param(OldPlain(), True, id="of_mmcv_1"),
        pytest.param(RepeatDataset(OldPlain(), 2), True, id="of_mmcv_1_repeated"),
        pytest.param(ConcatDataset([RepeatDataset(OldPlain(), 2), OldPlain()]), True, id="of_mmcv_1_wrapped_twice"),
        pytest.param(Subset(OldPlain(), [0, 1]), True, id="of_mmcv_1_in_a_subset"),
        pytest.param(RepeatDataset(Annotated(), 2), False, id="of_mmengine_repeated"),
        pytest.param(ConcatDataset([NewPlain(), OldPlain()]), False, id="the_first_one_decides"),
    ],
)
def test_the_dataset_decides_what_collates(dataset: Any, stacked: bool) -> None:
    batch = next(iter(DataLoader(dataset, batch_size=2, collate_fn=default_collate_for(dataset))))

    assert stacked == isinstance(batch["x"], torch.Tensor)
    assert [0, 1] == [int(value) for value in batch["x"]]


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(lambda index: contained(index + 1), id="in_a_dict"),
        pytest.param(lambda index: {"img": [contained(1)["img"]] * 2}, id="augmented"),
        pytest.param(lambda index: (contained(1)["img"], index), id="in_a_tuple"),
        pytest.param(lambda index: contained(1)["img"], id="alone"),
    ],
)
def test_samples_with_containers_are_collated_as_in_mmcv_1(kind: Any) -> None:
    dataset = Plain(kind)
    samples = [dataset[index] for index in range(2)]
    found, expected = default_collate_for(dataset)(samples), legacy_collate(samples)

    assert repr(expected) == repr(found)
    assert "DataContainer" in repr(found)


def test_deciding_looks_at_no_sample() -> None:
    """So it draws no random number and reads no file."""

    def fail(index: int) -> Any:
        raise AssertionError("a sample was read")

    assert collate_by_kind is default_collate_for(Plain(fail))
    assert legacy_collate is default_collate_for(OldPlain(fail))


def test_empty_sequences_hold_no_container() -> None:
    assert [[], []] == collate_by_kind([([], []), ([], [])])


@pytest.mark.parametrize(("worker", "rank", "quiet"), [(0, 0, False), (2, 1, False), (1, 0, True)])
def test_worker_seeds(worker: int, rank: int, quiet: bool) -> None:
    numpy = pytest.importorskip("numpy")
    with warnings.catch_warnings():
        worker_init_fn(worker, num_workers=3, rank=rank, seed=5, disable_subprocess_warning=quiet)
        found = random.random(), numpy.random.rand(), float(torch.rand(()))
        if quiet:
            warnings.warn("is not heard", stacklevel=1)
    seed = 3 * rank + worker + 5
    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)

    assert (random.random(), numpy.random.rand(), float(torch.rand(()))) == found


def test_warnings_of_the_first_worker_are_heard() -> None:
    worker_init_fn(0, num_workers=3, rank=0, seed=5, disable_subprocess_warning=True)
    with pytest.warns(UserWarning, match="is heard"):
        warnings.warn("is heard", stacklevel=1)
