"""Initial values are those of the real MMCV 1.7.2, bit for bit with the same seed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners import modules as ours
from torch import nn

pytestmark = pytest.mark.oracle


def theirs() -> Any:
    """MMCV's module of the same names."""
    cnn = pytest.importorskip("mmcv.cnn")
    runner = pytest.importorskip("mmcv.runner")
    from mmcv.cnn.utils import weight_init

    return {**vars(runner), **vars(weight_init), **vars(cnn)}


class SpecialConv(nn.Conv2d):
    """Matched by its base's name."""


class VerySpecialConv(SpecialConv):
    """Not matched by its base's base."""


def build(base: type[nn.Module], sequential: Any, **kwargs: Any) -> nn.Module:
    """A model of nested modules of one library; ``kwargs`` are the init_cfg of its parts."""

    class Head(base):  # type: ignore[misc,valid-type]
        def __init__(self) -> None:
            super().__init__(init_cfg=kwargs.get("head"))
            self.feat = SpecialConv(3, 4, 3)
            self.cls = nn.Linear(4, 2)
            self.norm = nn.BatchNorm2d(4)

    class Own(base):  # type: ignore[misc,valid-type]
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def init_weights(self) -> None:
            nn.init.constant_(self.fc.weight, 3.0)

    class Model(base):  # type: ignore[misc,valid-type]
        def __init__(self) -> None:
            super().__init__(init_cfg=kwargs.get("model"))
            self.stem = nn.Conv1d(2, 3, 1)
            self.block = sequential(
                nn.Conv2d(2, 4, 3),
                VerySpecialConv(4, 4, 1, bias=False),
                nn.Linear(4, 4),
                init_cfg=kwargs.get("block"),
            )
            self.head = Head()
            self.own = Own()

    return Model()


CFGS: dict[str, dict[str, Any]] = {
    "constant": {"model": {"type": "Constant", "val": 2, "bias": 1, "layer": "Conv1d"}},
    "xavier_normal": {"model": {"type": "Xavier", "layer": ["Conv2d", "Linear"], "gain": 2}},
    "xavier_uniform": {"model": {"type": "Xavier", "layer": "Conv2d", "distribution": "uniform", "bias": 0.5}},
    "normal": {"model": {"type": "Normal", "std": 0.01, "bias_prob": 0.01, "layer": "Linear"}},
    "trunc_normal": {"model": {"type": "TruncNormal", "std": 0.02, "a": -0.03, "b": 0.04, "layer": "Conv2d"}},
    "uniform": {"model": {"type": "Uniform", "a": -1.0, "b": 1.0, "layer": ["Conv1d", "Linear"]}},
    "kaiming_normal": {"model": {"type": "Kaiming", "layer": "Conv2d"}},
    "kaiming_uniform": {
        "model": {
            "type": "Kaiming",
            "a": 1,
            "mode": "fan_in",
            "nonlinearity": "leaky_relu",
            "distribution": "uniform",
            "layer": "Linear",
        }
    },
    "caffe2_xavier": {"model": {"type": "Caffe2Xavier", "layer": ["Conv2d", "Conv1d"], "bias": 0.1}},
    "no_layer_fills_nothing": {"model": {"type": "Normal", "std": 5}},
    "a_direct_base_matches": {"model": {"type": "Normal", "std": 5, "layer": "Conv2d"}},
    "an_abstract_base_matches": {"model": {"type": "Constant", "val": 5, "layer": "_BatchNorm"}},
    "a_list": {
        "model": [
            {"type": "Normal", "layer": "Conv2d"},
            {"type": "Constant", "val": 1, "layer": ["_BatchNorm", "Linear"]},
        ]
    },
    "children_come_after_their_parent": {
        "model": {"type": "Constant", "val": 1, "layer": ["Conv2d", "Linear"]},
        "block": {"type": "Normal", "std": 0.1, "layer": "Linear"},
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


def initialised(library: Any, cfg: dict[str, Any], seed: int = 7) -> dict[str, torch.Tensor]:
    """The parameters after ``init_weights`` in one library."""
    torch.manual_seed(0)
    model: Any = build(library["BaseModule"], library["Sequential"], **cfg)
    torch.manual_seed(seed)
    model.init_weights()

    assert model.is_init
    assert not hasattr(model, "_params_init_info")
    return dict(model.state_dict())


@pytest.mark.parametrize("cfg", CFGS.values(), ids=CFGS)
def test_init_weights(cfg: dict[str, Any]) -> None:
    expected = initialised(theirs(), cfg)
    actual = initialised(vars(ours), cfg)

    assert list(expected) == list(actual)
    assert [] == [name for name in expected if not torch.equal(expected[name], actual[name])]


FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "constant_init": (2.0, 1.0),
    "xavier_init": (2.0, 0.5, "uniform"),
    "normal_init": (1.0, 2.0, 3.0),
    "trunc_normal_init": (0.0, 1.0, -0.5, 0.5, 1.0),
    "uniform_init": (-1.0, 2.0, 0.5),
    "kaiming_init": (0.2, "fan_in", "leaky_relu", 0.25, "uniform"),
    "caffe2_xavier_init": (0.75,),
}


@pytest.mark.parametrize("arguments", [True, False], ids=["given", "defaults"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str, arguments: bool) -> None:
    given = FUNCTIONS[name] if arguments or name == "constant_init" else ()

    def filled(library: Any) -> nn.Module:
        torch.manual_seed(0)
        module = nn.Conv2d(3, 4, 3)
        library[name](module, *given)
        library[name](nn.ReLU(), *given)
        return module

    expected, actual = filled(theirs()), filled(vars(ours))

    assert torch.equal(expected.weight, actual.weight)
    assert torch.equal(expected.bias, actual.bias)


def test_trunc_normal_in_place_and_its_warning() -> None:
    library = theirs()

    def drawn(function: Any) -> tuple[torch.Tensor, int]:
        torch.manual_seed(3)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            return function(torch.empty(1000, dtype=torch.float64), 5.0, 1.0, -2.0, 2.0), len(caught)

    expected, expected_warnings = drawn(library["trunc_normal_"])
    actual, actual_warnings = drawn(ours.trunc_normal_)

    assert torch.equal(expected, actual)
    assert 1 == expected_warnings == actual_warnings


@pytest.mark.parametrize("prior", [0.01, 0.1, 0.25, 0.5, 0.9])
def test_bias_init_with_prob(prior: float) -> None:
    # MMCV takes numpy's logarithm, which may round the last bit of a double differently; a bias is a float32.
    expected = torch.tensor(theirs()["bias_init_with_prob"](prior))
    actual = torch.tensor(ours.bias_init_with_prob(prior))

    assert torch.equal(expected, actual)


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
    for library in (theirs(), vars(ours)):
        model = build(library["BaseModule"], library["Sequential"])
        with pytest.raises(error):
            library["initialize"](model, cfg)


def test_a_second_call_warns_and_changes_nothing() -> None:
    for library in (theirs(), vars(ours)):
        model: Any = build(library["BaseModule"], library["Sequential"], model={"type": "Normal", "layer": "Linear"})
        model.init_weights()
        before = model.head.cls.weight.clone()

        with pytest.warns(UserWarning, match="called more than once"):
            model.init_weights()

        assert torch.equal(before, model.head.cls.weight)


@pytest.mark.parametrize("prefix", [None, "head", "head."])
def test_pretrained(prefix: str | None, tmp_path: Path) -> None:
    source: Any = build(ours.BaseModule, ours.Sequential)
    for param in source.parameters():
        nn.init.normal_(param)
    torch.save({"state_dict": source.state_dict()}, tmp_path / "a.pth")
    cfg = {"type": "Pretrained", "checkpoint": str(tmp_path / "a.pth"), "prefix": prefix}

    def loaded(library: Any) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        model: Any = build(library["BaseModule"], library["Sequential"], **{"head" if prefix else "model": cfg})
        torch.manual_seed(1)
        model.init_weights()
        return dict(model.state_dict())

    expected, actual = loaded(theirs()), loaded(vars(ours))

    assert list(expected) == list(actual)
    assert [] == [name for name in expected if not torch.equal(expected[name], actual[name])]
    assert torch.equal(source.head.cls.weight, actual["head.cls.weight"])


def test_the_same_initializers_are_registered() -> None:
    assert set(theirs()["INITIALIZERS"].module_dict) == set(ours.INITIALIZERS.module_dict)
