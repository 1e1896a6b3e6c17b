from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.compat.config import Config
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.registry import MissingKey
from mmbridge.runners.loop.dataset import (
    BaseDataset,
    ClassBalancedDataset,
    Compose,
    ConcatDataset,
    RepeatDataset,
    force_full_init,
)
from mmbridge.runners.loop.dataset.dataset import NoSample
from mmbridge.runners.loop.registry import DATASETS, TRANSFORMS
from mmbridge.runners.registries import DATASETS as LEGACY_DATASETS
from torch.utils.data import DataLoader, get_worker_info

both_storages = pytest.mark.parametrize("packed", [True, False], ids=["packed", "as_a_list"])


@DATASETS.register_module()
class Numbers(BaseDataset):
    """``size`` annotations that hold their number, of ``number % 3`` categories."""

    METAINFO: ClassVar[Any] = {"classes": ("zero", "one", "two")}

    def __init__(self, size: int = 10, **kwargs: Any) -> None:
        self.size = size
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        return [{"number": number, "boxes": [number] * (number % 3)} for number in range(self.size)]

    def get_cat_ids(self, idx: int) -> list[int]:
        return self.get_data_info(idx)["boxes"]


@LEGACY_DATASETS.register_module()
class OldNumbers:
    """A dataset of MMCV 1.x: no metainfo, no ``full_init``."""

    CLASSES = ("zero", "one", "two")

    def __init__(self, size: int = 4) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> dict[str, int]:
        return {"number": index}

    def get_cat_ids(self, idx: int) -> list[int]:
        return [idx % 3]


def numbers(dataset: Any) -> list[int]:
    return [dataset[index]["number"] for index in range(len(dataset))]


@pytest.fixture
def annotations(tmp_path: Path) -> Callable[..., str]:
    """Writes an annotation file and tells its path."""

    def write(content: Any = None, name: str = "ann.json") -> str:
        if content is None:
            data_list = [{"img_path": f"{number}.jpg", "label": number} for number in range(3)]
            content = {"metainfo": {"task": "file", "only": "there"}, "data_list": data_list}
        path = tmp_path / name
        if path.suffix == ".pkl":
            path.write_bytes(pickle.dumps(content))
        else:
            path.write_text(json.dumps(content))  # JSON is YAML, too
        return str(path)

    return write


@pytest.mark.parametrize("name", ["ann.json", "ann.yaml", "ann.yml", "ann.pkl"])
def test_annotation_file(annotations: Callable[..., str], name: str) -> None:
    dataset = BaseDataset(annotations(name=name), data_root="root", data_prefix={"img_path": "imgs"})

    assert {"img_path": "root/imgs/1.jpg", "label": 1, "sample_idx": 1} == dataset.get_data_info(1)
    assert {"task": "file", "only": "there"} == dataset.metainfo


def test_relative_places_stand_under_data_root(tmp_path: Path, annotations: Callable[..., str]) -> None:
    annotations()
    dataset = BaseDataset("ann.json", data_root=str(tmp_path), data_prefix={"img_path": "https://host/imgs"})

    assert "https://host/imgs/0.jpg" == dataset[0]["img_path"]


def test_metainfo_argument_before_class_before_file(tmp_path: Path, annotations: Callable[..., str]) -> None:
    class Tasked(BaseDataset):
        METAINFO: ClassVar[Any] = {"task": "class", "classes": ("a",)}

    (tmp_path / "names.txt").write_text("cat\ndog\n")
    metainfo = {"classes": str(tmp_path / "names.txt"), "note": "no file"}
    dataset = Tasked(annotations(), metainfo=metainfo)

    assert {"task": "class", "only": "there", "classes": ["cat", "dog"], "note": "no file"} == dataset.metainfo
    assert {"task": "class", "classes": ("a",)} == Tasked.METAINFO


def test_metainfo_is_a_copy_and_may_be_a_config() -> None:
    dataset = Numbers(metainfo=Config({"palette": [1, 2]}))
    dataset.metainfo["palette"].append(3)

    assert [1, 2] == dataset.metainfo["palette"]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        pytest.param([1], TypeError, "must hold a dict with 'metainfo' and 'data_list', found list", id="a_list"),
        pytest.param({"metainfo": {}}, ValueError, "lacks data_list, found the keys", id="no_data_list"),
        pytest.param({"images": []}, ValueError, "lacks metainfo and data_list", id="coco"),
    ],
)
def test_annotation_file_of_another_form(
    annotations: Callable[..., str], content: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        BaseDataset(annotations(content))


def test_annotation_file_of_unknown_kind() -> None:
    with pytest.raises(ConfigError, match=r"ann_file 'a\.xml': must be a \.json"):
        BaseDataset("a.xml")


def test_annotation_without_the_prefixed_key(annotations: Callable[..., str]) -> None:
    with pytest.raises(MissingKey, match="no 'seg_path', which data_prefix names; found the keys"):
        BaseDataset(annotations(), data_prefix={"seg_path": "segs"})


@pytest.mark.parametrize("parsed", ["text", [1]], ids=["a_text", "a_list_of_numbers"])
def test_parse_data_info_must_return_dicts(annotations: Callable[..., str], parsed: Any) -> None:
    class Wrong(BaseDataset):
        def parse_data_info(self, raw_data_info: Any) -> Any:
            return parsed

    with pytest.raises(
        TypeError, match=r"Wrong\.parse_data_info must return a dict or a list of dicts, found (str|int)"
    ):
        Wrong(annotations())


def test_one_annotation_may_be_several_samples(annotations: Callable[..., str]) -> None:
    class Twice(BaseDataset):
        def parse_data_info(self, raw_data_info: Any) -> Any:
            return [{"number": raw_data_info["label"]}] * 2

    assert [0, 0, 1, 1, 2, 2] == numbers(Twice(annotations()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"metainfo": "names"}, "metainfo must be a mapping, found str", id="metainfo"),
        pytest.param({"data_prefix": {"img": 1}}, r"data_prefix\['img'\] must be a str, found int", id="data_prefix"),
        pytest.param({"indices": "ab"}, "list indices must be integers", id="indices_text"),
        pytest.param({"indices": 1.5}, "indices must be an int or a sequence of int, found float", id="indices_float"),
        pytest.param({"pipeline": [1]}, r"pipeline\[0\]: a transform must be a callable or a dict", id="pipeline"),
    ],
)
def test_wrong_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Numbers(**options)


@both_storages
@pytest.mark.parametrize(
    ("indices", "expected"),
    [
        pytest.param(3, [0, 1, 2], id="first"),
        pytest.param(-3, [7, 8, 9], id="last"),
        pytest.param(0, [], id="none"),
        pytest.param([4, -1, 4, 0, -10], [4, 9, 4, 0, 0], id="listed"),
        pytest.param(10, list(range(10)), id="all"),
        pytest.param(-10, list(range(10)), id="all_from_the_end"),
    ],
)
def test_subsets(packed: bool, indices: Any, expected: list[int]) -> None:
    """At construction, as a new dataset, and in place."""
    dataset = Numbers(serialize_data=packed)
    subset = dataset.get_subset(indices)
    dataset_of_indices = Numbers(serialize_data=packed, indices=indices)

    assert expected == numbers(subset) == numbers(dataset_of_indices)
    assert list(range(10)) == numbers(dataset)

    dataset.get_subset_(indices)

    assert expected == numbers(dataset)


@both_storages
def test_subset_shares_nothing(packed: bool) -> None:
    dataset = Numbers(serialize_data=packed, metainfo={"palette": [1]})
    subset = dataset.get_subset(2)
    subset._metainfo["palette"].append(2)
    subset.get_subset_(1)

    assert {"palette": [1], "classes": ("zero", "one", "two")} == dataset.metainfo
    assert 10 == len(dataset)
    assert isinstance(subset, Numbers)


@pytest.mark.parametrize("indices", [11, -11, [10], [-11]])
def test_subset_beyond_the_end(indices: Any) -> None:
    with pytest.raises(IndexError):
        Numbers().get_subset(indices)


@pytest.mark.parametrize("indices", ["ab", 1.5], ids=["text", "float"])
def test_subset_of_wrong_type(indices: Any) -> None:
    with pytest.raises(TypeError, match="indices must be an int or a sequence of int"):
        Numbers().get_subset(indices)


def test_indices_beyond_the_end_take_all() -> None:
    assert 10 == len(Numbers(indices=1000))


@both_storages
@pytest.mark.parametrize("index", range(-10, 10))
def test_sample_idx_counts_from_the_beginning(packed: bool, index: int) -> None:
    """A negative place is normalised; the first one from the end works, too."""
    info = Numbers(serialize_data=packed).get_data_info(index)

    assert (index % 10, index % 10) == (info["number"], info["sample_idx"])


@both_storages
@pytest.mark.parametrize("index", [10, -11])
def test_beyond_the_end(packed: bool, index: int) -> None:
    with pytest.raises(IndexError):
        Numbers(serialize_data=packed).get_data_info(index)


@both_storages
def test_annotations_are_copies(packed: bool) -> None:
    dataset = Numbers(serialize_data=packed)
    dataset.get_data_info(5)["boxes"].append("more")

    assert [5, 5] == dataset.get_data_info(5)["boxes"]


@given(st.lists(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3))))
def test_packing_changes_nothing(entries: list[dict[str, Any]]) -> None:
    class Given(BaseDataset):
        def load_data_list(self) -> list[dict[str, Any]]:
            return list(entries)

    dataset = Given()

    assert [{**each, "sample_idx": number} for number, each in enumerate(entries)] == [
        dataset.get_data_info(number) for number in range(len(dataset))
    ]
    assert [] == dataset.data_list


def test_filter_then_indices() -> None:
    class Odd(Numbers):
        def filter_data(self) -> list[dict[str, Any]]:
            return [each for each in self.data_list if each["number"] % 2 == self.filter_cfg["rest"]]

    assert [1, 3] == numbers(Odd(filter_cfg={"rest": 1}, indices=2))


def test_lazy_init_reads_at_first_use_with_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    dataset = Numbers(lazy_init=True)

    assert not dataset._fully_initialized
    assert 10 == len(dataset)
    assert "Numbers is used before full_init() was called" in capsys.readouterr().out
    assert 3 == Numbers(lazy_init=True)[3]["number"]


def test_full_init_reads_once() -> None:
    dataset = Numbers()
    dataset.size = 3
    dataset.full_init()

    assert 10 == len(dataset)


def test_force_full_init_needs_full_init() -> None:
    class Without:
        @force_full_init
        def size(self) -> int:
            return 1

    with pytest.raises(AttributeError, match="Without has no full_init method"):
        Without().size()


class Refuse:
    """A transform that gives up all samples but ``accepted``."""

    def __init__(self, *accepted: int) -> None:
        self.accepted, self.seen = accepted, []

    def __call__(self, data: dict[str, Any]) -> dict[str, Any] | None:
        self.seen.append(data["number"])
        return data if data["number"] in self.accepted else None


def test_random_other_sample_where_the_pipeline_gives_up() -> None:
    refuse = Refuse(7)

    assert 7 == Numbers(pipeline=[refuse])[2]["number"]
    assert 2 == refuse.seen[0]


def test_gives_up_after_max_refetch_others() -> None:
    refuse = Refuse()
    with pytest.raises(NoSample, match="returned None for 4 samples in a row"):
        Numbers(pipeline=[refuse], max_refetch=3)[2]

    assert 4 == len(refuse.seen)


def test_no_other_sample_in_test_mode() -> None:
    with pytest.raises(NoSample, match="sample 2: the pipeline returned None"):
        Numbers(pipeline=[Refuse(7)], test_mode=True)[2]


def test_categories_must_be_told() -> None:
    class Silent(Numbers):
        get_cat_ids = BaseDataset.get_cat_ids

    with pytest.raises(NotImplementedError, match="Silent must have get_cat_ids"):
        ClassBalancedDataset(Silent(), 0.5)


def worker_of(data: dict[str, Any]) -> dict[str, Any]:
    worker = get_worker_info()
    return {**data, "worker": -1 if worker is None else worker.id}


def test_workers_read_the_packed_annotations() -> None:
    loader = DataLoader(Numbers(pipeline=[worker_of]), batch_size=2, num_workers=2, collate_fn=list)
    found = [(sample["number"], sample["worker"]) for batch in loader for sample in batch]

    assert [(number, number // 2 % 2) for number in range(10)] == found


def test_dataset_can_be_pickled() -> None:
    assert list(range(10)) == numbers(pickle.loads(pickle.dumps(Numbers())))


def test_compose_stops_at_none() -> None:
    TRANSFORMS.register_module(name="Plus", module=lambda by: lambda data: data + by, force=True)
    compose = Compose([{"type": "Plus", "by": 1}, lambda data: None if data > 2 else data, lambda data: data * 10])

    assert [20, None] == [compose(1), compose(2)]
    assert 4 == len(repr(compose).splitlines()) - 1
    assert 1 == Compose(None)(1)


def test_compose_refuses_what_is_not_callable() -> None:
    TRANSFORMS.register_module(name="Text", module=lambda: "text", force=True)
    with pytest.raises(TypeError, match=r"pipeline\[0\]: a transform must be a callable or a dict of one, found str"):
        Compose([{"type": "Text"}])


def test_concatenation() -> None:
    dataset = ConcatDataset([Numbers(3), {"type": "Numbers", "size": 2}])

    assert [0, 1, 2, 0, 1] == numbers(dataset)
    assert [1, 0] == [dataset[-1]["number"], dataset[-5]["number"]]
    assert {"number": 1, "boxes": [1], "sample_idx": 1} == dataset.get_data_info(4)
    assert (1, 1) == dataset._get_ori_dataset_idx(4)
    assert {"classes": ("zero", "one", "two")} == dataset.metainfo


@pytest.mark.parametrize(("index", "error"), [(5, IndexError), (-6, ValueError)])
def test_beyond_the_end_of_a_concatenation(index: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        ConcatDataset([Numbers(3), Numbers(2)])[index]


@pytest.mark.parametrize(
    ("others", "error", "message"),
    [
        pytest.param({"x": 2}, ValueError, r"datasets\[1\]: metainfo\['x'\] is 2, in the first dataset 1", id="value"),
        pytest.param(
            {"x": "1"}, TypeError, "must be of the type it has in the first dataset, int, found str", id="type"
        ),
        pytest.param({}, ValueError, r"datasets\[1\]: its metainfo lacks 'x'", id="missing"),
        pytest.param({"x": 1, "y": 1}, ValueError, r"datasets\[0\]: its metainfo lacks 'y'", id="more"),
    ],
)
def test_metainfo_of_a_concatenation_must_agree(others: Any, error: type[Exception], message: str) -> None:
    datasets = [Numbers(metainfo={"x": 1}), Numbers(metainfo=others)]
    with pytest.raises(error, match=message):
        ConcatDataset(datasets)
    ignored = ConcatDataset(datasets, ignore_keys=["x", "y"])

    assert 1 == ignored.metainfo["x"]
    if "y" not in others:
        assert 20 == len(ConcatDataset(datasets, ignore_keys="x"))


def test_arrays_in_metainfo_are_compared_as_a_whole() -> None:
    palette = {"palette": torch.tensor([1, 2])}

    assert 20 == len(ConcatDataset([Numbers(metainfo=palette), Numbers(metainfo=palette)]))
    with pytest.raises(ValueError, match="palette"):
        ConcatDataset([Numbers(metainfo=palette), Numbers(metainfo={"palette": torch.tensor([1, 3])})])


def test_repetition() -> None:
    dataset = RepeatDataset({"type": "Numbers", "size": 2}, times=3)

    assert [0, 1, 0, 1, 0, 1] == numbers(dataset)
    assert 1 == dataset.get_data_info(5)["sample_idx"]


def test_rare_categories_more_often() -> None:
    """0, 3 and 6 have no category, any other has its own, in 1/9 of the samples: sqrt((4/9) / (1/9)) = 2 times."""
    dataset = ClassBalancedDataset(Numbers(9), oversample_thr=4 / 9)

    assert [0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 7, 7, 8, 8] == numbers(dataset)
    assert dataset.get_cat_ids(1) == [1]
    assert 8 == dataset.get_data_info(-1)["number"]


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda **lazy: ConcatDataset([Numbers(3)], **lazy), id="concatenation"),
        pytest.param(lambda **lazy: RepeatDataset(Numbers(3), 1, **lazy), id="repetition"),
        pytest.param(lambda **lazy: ClassBalancedDataset(Numbers(3), 0.1, **lazy), id="balanced"),
    ],
)
def test_wrappers_have_no_subsets_and_may_be_lazy(wrap: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    for method in ("get_subset", "get_subset_"):
        with pytest.raises(NotImplementedError, match="take the subset of the dataset in it"):
            getattr(wrap(), method)(2)
    capsys.readouterr()

    assert 1 == wrap(lazy_init=True)[1]["number"]
    assert "is used before full_init() was called" in capsys.readouterr().out
    assert 3 == len(wrap(lazy_init=True))


@pytest.mark.parametrize("wrong", [3, "text", [1, 2]], ids=["number", "text", "list"])
def test_wrappers_refuse_what_is_no_dataset(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"datasets\[1\]: must be a dataset or the dict of one, found"):
        ConcatDataset([Numbers(), wrong])
    with pytest.raises(TypeError, match="dataset: must be a dataset or the dict of one, found"):
        RepeatDataset(wrong, 2)


def test_empty_concatenation() -> None:
    with pytest.raises(ConfigError, match=r"ConcatDataset\.datasets: is empty"):
        ConcatDataset([])
    with pytest.raises(TypeError, match="ignore_keys must be a str or a list of str, found int"):
        ConcatDataset([Numbers()], ignore_keys=1)


def test_wrappers_take_datasets_of_mmcv_1() -> None:
    old = {"type": "OldNumbers", "size": 3}

    assert [0, 1, 2, 0, 1] == numbers(DATASETS.build({"type": "ConcatDataset", "datasets": [old, OldNumbers(2)]}))
    assert [0, 1, 2, 0, 1, 2] == numbers(DATASETS.build({"type": "RepeatDataset", "dataset": old, "times": 2}))
    assert [0, 0, 1, 1, 2, 2] == numbers(
        DATASETS.build({"type": "ClassBalancedDataset", "dataset": old, "oversample_thr": 1.0})
    )
    assert {} == ConcatDataset([OldNumbers()]).metainfo


def test_late_reading_is_told_at_level_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    levels: list[int] = []
    monkeypatch.setattr(
        "mmbridge.runners.loop.dataset.dataset.print_log", lambda message, logger, level: levels.append(level)
    )
    len(Numbers(lazy_init=True))

    assert [logging.WARNING] == levels
