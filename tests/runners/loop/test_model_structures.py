"""Data elements."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from mmbridge.runners.loop.structures import BaseDataElement, InstanceData, LabelData, PixelData
from torch import Tensor

numpy = pytest.importorskip("numpy")


def element(**more: Any) -> BaseDataElement:
    return BaseDataElement(metainfo={"shape": [4, 5], "name": "x"}, box=torch.ones(2), tags=["a"], **more)


def test_data_and_metainfo_come_back_in_order() -> None:
    made = element()
    made.score = 0.5

    assert (["shape", "name"], ["box", "tags", "score"]) == (made.metainfo_keys(), made.keys())
    assert ["shape", "name", "box", "tags", "score"] == made.all_keys() == [key for key, _ in made.all_items()]
    assert [[4, 5], "x"] == made.metainfo_values() == made.all_values()[:2]
    assert [["a"], 0.5] == made.values()[1:]
    assert {"shape": [4, 5], "name": "x"} == made.metainfo == dict(made.metainfo_items())
    assert ["box", "tags", "score"] == [key for key, _ in made.items()]


def test_metainfo_is_copied_and_data_is_not() -> None:
    shape, box = [1], torch.ones(1)
    made = BaseDataElement(metainfo={"shape": shape}, box=box)

    assert made.shape == shape
    assert made.shape is not shape
    assert made.box is box
    assert made.clone().box is box
    assert made.clone().shape is not made.shape


def test_new_takes_what_is_given_and_else_its_own() -> None:
    made = element()

    assert ["other"] == made.new(metainfo={"other": 1}).metainfo_keys()
    assert ["box", "tags"] == made.new(metainfo={"other": 1}).keys()
    assert (["shape", "name"], ["x"]) == (made.new(x=1).metainfo_keys(), made.new(x=1).keys())
    assert type(InstanceData(a=[1]).new()) is InstanceData


def test_a_name_is_of_one_kind() -> None:
    made = element()

    with pytest.raises(AttributeError, match="'shape' of BaseDataElement cannot be set as data"):
        made.shape = 3
    with pytest.raises(AttributeError, match="'box' of BaseDataElement cannot be set as metainfo"):
        made.set_metainfo({"box": 1})


@pytest.mark.parametrize("name", ["_data_fields", "_metainfo_fields"])
def test_the_names_of_the_fields_are_not_to_be_replaced(name: str) -> None:
    with pytest.raises(AttributeError, match=f"{name} holds the names of the fields"):
        setattr(element(), name, set())
    with pytest.raises(AttributeError, match=f"{name} holds the names of the fields"):
        delattr(element(), name)


def test_names_of_fields_are_copied_and_extended_as_sets_are() -> None:
    """Converters between elements of two packages do so."""
    element = BaseDataElement(b=1, a=2)

    names = element._data_fields.copy()
    names.update({"c"}, ["d"])

    assert (["b", "a", "c", "d"], ["b", "a"]) == (list(names), list(element._data_fields))


def test_fields_are_removed() -> None:
    made = element(score=0.5)

    del made.score
    del made["name"]

    assert ["shape", "box", "tags"] == made.all_keys()
    assert "score" not in made
    assert ["a"] == made.pop("tags") == made.pop("tags", ["a"])
    assert [4, 5] == made.pop("shape")
    assert ["box"] == made.all_keys()
    with pytest.raises(KeyError, match=r"no field 'tags' in BaseDataElement, found \['box'\]"):
        made.pop("tags")


def test_get() -> None:
    assert ("x", None, 3) == (element().get("name"), element().get("nose"), element().get("nose", 3))


def test_update_takes_over_both_kinds() -> None:
    made = element()

    made.update(BaseDataElement(metainfo={"name": "y"}, tags=["b"], new=1))

    assert {"shape": [4, 5], "name": "y"} == made.metainfo
    assert ["box", "tags", "new"] == made.keys()
    assert ["b"] == made.tags


def test_conversions_reach_nested_elements() -> None:
    made = element(inner=BaseDataElement(y=torch.ones(1, requires_grad=True)), array=numpy.ones(2))

    assert ["meta", "meta"] == [made.to("meta").box.device.type, made.to("meta").inner.y.device.type]
    assert torch.float64 == made.to(torch.float64).inner.y.dtype
    assert not made.detach().inner.y.requires_grad
    assert made.cpu().inner.y.requires_grad
    assert ["ndarray", "ndarray"] == [type(made.numpy().box).__name__, type(made.numpy().inner.y).__name__]
    assert isinstance(made.numpy().to_tensor().inner.y, Tensor)
    assert isinstance(made.to_tensor().array, Tensor)
    assert [(["a"], [4, 5])] * 2 == [(each.tags, each.shape) for each in (made.numpy(), made.to("meta"))]
    assert made.inner.y.requires_grad


@pytest.mark.parametrize("method", ["cuda", "npu", "mlu", "musa"])
def test_conversions_to_devices_are_the_tensors_own(method: str) -> None:
    class Elsewhere(Tensor):
        def npu(self) -> str:
            return "npu"

        mlu = musa = cuda = npu

    moved = getattr(BaseDataElement(x=torch.ones(1).as_subclass(Elsewhere)), method)()

    assert "npu" == moved.x


def test_to_dict() -> None:
    made = BaseDataElement(metainfo={"a": 1}, b=BaseDataElement(c=2))

    assert {"a": 1, "b": {"c": 2}} == made.to_dict()


class Sample(BaseDataElement):
    """A field as a property, as the libraries write it."""

    @property
    def boxes(self) -> Any:
        return self._boxes

    @boxes.setter
    def boxes(self, value: Any) -> None:
        self.set_field(value, "_boxes", dtype=Tensor)

    @boxes.deleter
    def boxes(self) -> None:
        del self._boxes


def test_a_field_that_is_a_property_goes_by_its_name() -> None:
    sample = Sample(boxes=torch.ones(1), other=1)

    assert (["boxes", "other"], True) == (sample.keys(), "boxes" in sample)
    assert "meta" == sample.to("meta").boxes.device.type
    assert 1 == sample.pop("boxes")
    assert ["other"] == sample.keys()
    with pytest.raises(TypeError, match=r"_boxes of Sample must be of .*Tensor.*, found int"):
        sample.boxes = 3


def test_an_element_can_be_copied_and_pickled() -> None:
    made = element(inner=element())

    for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert made.all_keys() == other.all_keys()
        assert torch.equal(made.inner.box, other.inner.box)


def test_its_text_shows_both_kinds() -> None:
    made = BaseDataElement(metainfo={"size": {"h": 4}}, box=1, inner=BaseDataElement(y=2))

    expected = f"""<BaseDataElement(

    META INFORMATION
    size:
        h: 4

    DATA FIELDS
    box: 1
    inner: <BaseDataElement(

            META INFORMATION

            DATA FIELDS
            y: 2
        ) at {hex(id(made.inner))}>
) at {hex(id(made))}>"""
    assert expected.splitlines() == [line.rstrip() for line in repr(made).splitlines()]


@pytest.mark.parametrize(
    ("act", "error", "match"),
    [
        pytest.param(lambda: element().set_metainfo(3), TypeError, "metainfo must be a dict, found int", id="metainfo"),
        pytest.param(lambda: element().set_data(3), TypeError, "data must be a dict, found int", id="data"),
        pytest.param(lambda: element().update({}), TypeError, "must be a BaseDataElement, found dict", id="update"),
        pytest.param(lambda: element().set_field(1, "a", field_type="x"), ValueError, "field_type must be", id="kind"),
    ],
)
def test_what_an_element_refuses(act: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        act()


class Polygons:
    """A type of a user's that can be joined."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, item: slice) -> Polygons:
        return Polygons(self.items[item])

    @staticmethod
    def cat(parts: list[Polygons]) -> Polygons:
        return Polygons([item for part in parts for item in part.items])


def instances() -> InstanceData:
    return InstanceData(
        metainfo={"id": 7},
        boxes=torch.arange(3),
        array=numpy.arange(3),
        names=["a", "b", "c"],
        text="xyz",
        pairs=(1, 2, 3),
        polygons=Polygons([1, 2, 3]),
    )


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        pytest.param(1, [1], id="an_int"),
        pytest.param(-1, [2], id="from_the_end"),
        pytest.param(slice(1, None), [1, 2], id="a_slice"),
        pytest.param([2, 0], [2, 0], id="a_list"),
        pytest.param([], [], id="an_empty_list"),
        pytest.param([True, False, True], [0, 2], id="a_list_of_bool"),
        pytest.param(torch.tensor([2, -2]), [2, 1], id="a_tensor"),
        pytest.param(torch.tensor([False, True, False]), [1], id="a_mask"),
        pytest.param(torch.tensor([False, False, False]), [], id="an_empty_mask"),
        pytest.param(numpy.array([2, 1], dtype=numpy.int32), [2, 1], id="an_array"),
    ],
)
def test_instances_are_chosen_from_all_fields(index: Any, expected: list[int]) -> None:
    chosen = instances()[index]

    assert {"id": 7} == chosen.metainfo
    assert len(expected) == len(chosen)
    assert expected == chosen.boxes.tolist() == chosen.array.tolist()
    assert ["abc"[each] for each in expected] == chosen.names
    assert "".join("xyz"[each] for each in expected) == chosen.text
    assert tuple(each + 1 for each in expected) == chosen.pairs == tuple(chosen.polygons.items)


def test_a_field_by_its_name() -> None:
    made = instances()
    made["boxes"] = torch.ones(3)

    assert torch.equal(torch.ones(3), made["boxes"])


def test_instances_are_joined() -> None:
    made = instances()

    joined = InstanceData.cat([made, made[[1]]])

    assert {"id": 7} == joined.metainfo
    assert [0, 1, 2, 1] == joined.boxes.tolist() == joined.array.tolist()
    assert (["a", "b", "c", "b"], "xyzy", (1, 2, 3, 2)) == (joined.names, joined.text, joined.pairs)
    assert [1, 2, 3, 2] == joined.polygons.items
    assert made.names == ["a", "b", "c"]
    assert InstanceData.cat([made]) is made


@pytest.mark.parametrize(
    ("act", "error", "match"),
    [
        pytest.param(lambda: InstanceData(a=3), TypeError, "a of InstanceData must have a length", id="no_length"),
        pytest.param(lambda: InstanceData(a=[1], b=[1, 2]), ValueError, "b has 2 items.* has 1 instances", id="length"),
        pytest.param(lambda: instances()[3], IndexError, "index 3 is out of range of 3 instances", id="range"),
        pytest.param(lambda: instances()[1.5], TypeError, "an index of InstanceData must be .* found float", id="kind"),
        pytest.param(lambda: instances()[torch.ones(3)], TypeError, "a tensor of torch.float32", id="float_tensor"),
        pytest.param(lambda: instances()[torch.ones(1, 1).long()], IndexError, "must have one dimension", id="matrix"),
        pytest.param(lambda: instances()[[True]], IndexError, "a mask of length 1 does not fit 3", id="mask"),
        pytest.param(lambda: InstanceData(a={1})[[0]], ValueError, "a is of type set, which has no cat", id="choose"),
        pytest.param(lambda: InstanceData.cat([3]), TypeError, r"takes InstanceData, found \['int'\]", id="cat_int"),
        pytest.param(lambda: InstanceData.cat([]), ValueError, "needs at least one element", id="cat_nothing"),
        pytest.param(
            lambda: InstanceData.cat([InstanceData(a=[1]), InstanceData(b=[1])]), ValueError, "same fields", id="fields"
        ),
        pytest.param(
            lambda: InstanceData.cat([InstanceData(a={1}), InstanceData(a={2})]), ValueError, "no cat", id="cat_sets"
        ),
    ],
)
def test_what_instances_refuse(act: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        act()


def pixels() -> PixelData:
    return PixelData(metainfo={"id": 7}, image=numpy.arange(24).reshape(2, 3, 4), mask=torch.arange(12).view(1, 3, 4))


def test_pixels_have_one_height_and_width() -> None:
    assert (3, 4) == pixels().shape
    assert PixelData().shape is None


def test_a_part_of_the_pixels() -> None:
    part = pixels()[1:3, 2]

    assert ((2, 1), {"id": 7}) == (part.shape, part.metainfo)
    assert [[[6], [10]]] == part.mask.tolist() == part.image[:1].tolist()


def test_pixels_without_channels_get_one() -> None:
    made = pixels()

    with pytest.warns(UserWarning, match=r"is given a dimension of channels: \(1, 3, 4\)"):
        made.depth = torch.zeros(3, 4)

    assert (1, 3, 4) == made.depth.shape


@pytest.mark.parametrize(
    ("act", "error", "match"),
    [
        pytest.param(lambda: PixelData(a=[1]), TypeError, "must be a tensor or an array, found list", id="a_list"),
        pytest.param(lambda: PixelData(a=torch.ones(1, 1, 2, 2)), ValueError, "2 or 3 dimensions, found 4", id="four"),
        pytest.param(lambda: pixels().set_data({"a": torch.ones(1, 3, 5)}), ValueError, r"\(3, 5\), but", id="size"),
        pytest.param(lambda: pixels()[1], TypeError, "must be two ints or slices.*found 1", id="one_int"),
        pytest.param(lambda: pixels()[1, [2]], TypeError, "must be two ints or slices", id="a_list_index"),
    ],
)
def test_what_pixels_refuse(act: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        act()


def test_labels_to_one_hot_and_back() -> None:
    onehot = LabelData.label_to_onehot(torch.tensor([1, 3]), 4)

    assert [0, 1, 0, 1] == onehot.tolist()
    assert [1, 3] == LabelData.onehot_to_label(onehot).tolist()
    assert [0, 0] == LabelData.label_to_onehot(torch.tensor([], dtype=torch.int64), 2).tolist()


def test_what_labels_refuse() -> None:
    with pytest.raises(ValueError, match="label 3 is not below num_classes=3"):
        LabelData.label_to_onehot(torch.tensor([1, 3]), 3)
    with pytest.raises(ValueError, match="not one-hot"):
        LabelData.onehot_to_label(torch.tensor([0, 2]))
