"""Initial values in the loop runtime beside the real MMEngine 0.10.7, bit for bit with the same seed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners.loop import model as ours
from torch import nn

pytestmark = pytest.mark.oracle


def theirs() -> Any:
    """MMEngine's package of the same names."""
    return pytest.importorskip("mmengine.model")


class SpecialConv(nn.Conv2d):
    """Matched by its base's name."""


class VerySpecialConv(SpecialConv):
    """Not matched by its base's base."""


def build(library: Any, **kwargs: Any) -> Any:
    """A model of nested modules of one library; ``kwargs`` are the init_cfg of its parts."""

    class Head(library.BaseModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(init_cfg=kwargs.get("head"))
            self.feat = SpecialConv(3, 4, 3)
            self.cls = nn.Linear(4, 2)
            self.norm = nn.BatchNorm2d(4)

    class Own(library.BaseModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def init_weights(self) -> None:
            nn.init.constant_(self.fc.weight, 3.0)

    class Model(library.BaseModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(init_cfg=kwargs.get("model"))
            self.stem = nn.Conv1d(2, 3, 1)
            self.block = library.Sequential(
                nn.Conv2d(2, 4, 3),
                VerySpecialConv(4, 4, 1, bias=False),
                nn.Linear(4, 4),
                init_cfg=kwargs.get("block"),
            )
            self.each = library.ModuleList([nn.Linear(2, 2)], init_cfg=kwargs.get("each"))
            self.named = library.ModuleDict({"a": nn.Linear(2, 2)}, init_cfg=kwargs.get("named"))
            self.head = Head()
            self.wrapped = nn.DataParallel(library.Sequential(nn.Linear(2, 2), init_cfg=kwargs.get("wrapped")))
            self.own = Own()

    return Model()


KAIMING = {"type": "Kaiming", "a": 1, "mode": "fan_in", "nonlinearity": "leaky_relu", "distribution": "uniform"}
CFGS: dict[str, dict[str, Any]] = {
    "constant": {"model": {"type": "Constant", "val": 2, "bias": 1, "layer": "Conv1d"}},
    "xavier_normal": {"model": {"type": "Xavier", "layer": ["Conv2d", "Linear"], "gain": 2}},
    "xavier_uniform": {"model": {"type": "Xavier", "layer": "Conv2d", "distribution": "uniform", "bias": 0.5}},
    "normal": {"model": {"type": "Normal", "std": 0.01, "bias_prob": 0.01, "layer": "Linear"}},
    "trunc_normal": {"model": {"type": "TruncNormal", "std": 0.02, "a": -0.03, "b": 0.04, "layer": "Conv2d"}},
    "uniform": {"model": {"type": "Uniform", "a": -1.0, "b": 1.0, "layer": ["Conv1d", "Linear"]}},
    "kaiming_normal": {"model": {"type": "Kaiming", "layer": "Conv2d"}},
    "kaiming_uniform": {"model": {**KAIMING, "layer": "Linear"}},
    "caffe2_xavier": {"model": {"type": "Caffe2Xavier", "layer": ["Conv2d", "Conv1d"], "bias": 0.1}},
    "no_layer_fills_nothing": {"model": {"type": "Normal", "std": 5}},
    "a_direct_base_matches": {"model": {"type": "Normal", "std": 5, "layer": "Conv2d"}},
    "an_abstract_base_matches": {"model": {"type": "Constant", "val": 5, "layer": "_BatchNorm"}},
    "a_list": {
        "model": [{"type": "Normal", "layer": "Conv2d"}, {"type": "Constant", "val": 1, "layer": ["_BatchNorm"]}]
    },
    "children_come_after_their_parent": {
        "model": {"type": "Constant", "val": 1, "layer": ["Conv2d", "Linear"]},
        "block": {"type": "Normal", "std": 0.1, "layer": "Linear"},
        "each": {"type": "Xavier", "layer": "Linear"},
        "named": {"type": "Kaiming", "layer": "Linear"},
        "wrapped": {"type": "Normal", "std": 0.3, "layer": "Linear"},
        "head": {"type": "Uniform", "layer": "SpecialConv"},
    },
    "override_with_its_own_type": {
        "head": {
            "type": "Normal",
            "std": 0.1,
            "layer": "Conv2d",
            "override": {"type": "Constant", "name": "cls", "val": 3, "bias_prob": 0.1},
        }
    },
    "override_by_name_alone": {"head": {"type": "Normal", "std": 0.1, "layer": "Conv2d", "override": {"name": "cls"}}},
    "several_overrides": {
        "model": {
            "type": "Normal",
            "layer": "Conv1d",
            "override": [{"name": "stem"}, {"type": "Xavier", "name": "block", "distribution": "uniform"}],
        }
    },
}


def initialised(library: Any, cfg: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The parameters after ``init_weights`` in one library."""
    torch.manual_seed(0)
    model = build(library, **cfg)
    torch.manual_seed(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of MMEngine's logger
        model.init_weights()
    return dict(model.state_dict())


def same(expected: dict[str, torch.Tensor], actual: dict[str, torch.Tensor]) -> None:
    assert list(expected) == list(actual)
    assert [] == [name for name in expected if not torch.equal(expected[name], actual[name])]


@pytest.mark.parametrize("cfg", CFGS.values(), ids=CFGS)
def test_init_weights(cfg: dict[str, Any]) -> None:
    same(initialised(theirs(), cfg), initialised(ours, cfg))


@pytest.fixture
def checkpoint(tmp_path: Path) -> str:
    torch.manual_seed(3)
    source = build(ours)
    for param in source.parameters():
        nn.init.normal_(param)
    torch.save({"state_dict": {f"module.{key}": value for key, value in source.state_dict().items()}}, tmp_path / "a")
    torch.save(source.state_dict(), tmp_path / "bare")
    return str(tmp_path / "a")


@pytest.mark.parametrize("first", [True, False], ids=["named_first", "named_last"])
@pytest.mark.parametrize("part", ["model", "head", "block"])
def test_pretrained_comes_last(checkpoint: str, part: str, first: bool) -> None:
    loaded = {"type": "Pretrained", "checkpoint": checkpoint}
    if part != "model":
        loaded = {"type": "Pretrained", "checkpoint": checkpoint.removesuffix("a") + "bare", "prefix": part}
    other = {"type": "Constant", "val": 1, "layer": ["Conv2d", "Linear", "Conv1d"]}
    cfg = {part: [loaded, other] if first else [other, loaded], "each": {"type": "Normal", "layer": "Linear"}}

    same(initialised(theirs(), cfg), initialised(ours, cfg))


def test_children_that_are_initialised_are_left_alone() -> None:
    def twice(library: Any) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        model = build(library, model=CFGS["kaiming_normal"]["model"], block=CFGS["uniform"]["model"])
        model.block.init_weights()
        model.init_weights()
        model.init_weights()
        return dict(model.state_dict())

    same(twice(theirs()), twice(ours))


FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "constant_init": (2, 1),
    "xavier_init": (2, 0.5, "uniform"),
    "normal_init": (1, 0.1, 0.5),
    "trunc_normal_init": (0, 1, -1, 0.5, 3),
    "uniform_init": (-1, 1, 2),
    "kaiming_init": (1, "fan_in", "leaky_relu", 0.1, "uniform"),
    "caffe2_xavier_init": (0.3,),
}


@pytest.mark.parametrize("arguments", [True, False], ids=["given", "defaults"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str, arguments: bool) -> None:
    given = FUNCTIONS[name] if arguments or name == "constant_init" else ()

    def filled(library: Any) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        module = nn.Conv2d(3, 4, 3)
        getattr(library, name)(module, *given)
        getattr(library, name)(nn.ReLU(), *given)
        return dict(module.state_dict())

    same(filled(theirs()), filled(ours))


REFUSED: dict[str, tuple[Any, type[Exception]]] = {
    "no_dict": ("Normal", TypeError),
    "unknown_type": ({"type": "Kaimin"}, KeyError),
    "bias_of_wrong_type": ({"type": "Normal", "bias": "1"}, TypeError),
    "probability_of_wrong_type": ({"type": "Normal", "bias_prob": 1}, TypeError),
    "layer_of_wrong_type": ({"type": "Normal", "layer": ("Conv2d",)}, TypeError),
    "override_of_wrong_type": ({"type": "Normal", "override": "cls"}, TypeError),
    "override_without_name": ({"type": "Normal", "override": {"type": "Normal"}}, ValueError),
    "override_without_type": ({"type": "Normal", "override": {"name": "stem", "std": 1}}, ValueError),
    "override_of_a_missing_attribute": ({"type": "Normal", "override": {"name": "nose"}}, RuntimeError),
}


@pytest.mark.parametrize(("cfg", "error"), REFUSED.values(), ids=REFUSED)
def test_refusals(cfg: Any, error: type[Exception]) -> None:
    for library in (theirs(), ours):
        with pytest.raises(error):
            library.initialize(build(library), cfg)
