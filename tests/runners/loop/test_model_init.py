"""Initial values in the loop runtime: what differs from the legacy one, and what it shares."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners import modules as legacy
from mmbridge.runners.loop.logging import MMLogger
from mmbridge.runners.loop.model import (
    BaseInit,
    BaseModule,
    ModuleDict,
    ModuleList,
    PretrainedInit,
    Sequential,
    bias_init_with_prob,
    constant_init,
    initialize,
    weight_init,
)
from mmbridge.runners.loop.registry import MODELS, WEIGHT_INITIALIZERS
from torch import nn


class Net(BaseModule):
    """Two layers, one nested."""

    def __init__(self, init_cfg: Any = None, inner_cfg: Any = None) -> None:
        super().__init__(init_cfg)
        self.conv = nn.Conv2d(1, 1, 1)
        self.block = Sequential(nn.Linear(1, 1), init_cfg=inner_cfg)


def values(module: nn.Module) -> dict[str, float]:
    return {name: round(param.mean().item(), 5) for name, param in module.named_parameters()}


def fill(val: float, layer: Any = "Linear", **more: Any) -> dict[str, Any]:
    return {"type": "Constant", "val": val, "bias": -val, "layer": layer, **more}


@pytest.fixture
def checkpoint(tmp_path: Path) -> str:
    """The weights of a Net that are all 5, in a file."""
    source = Net()
    for param in source.parameters():
        nn.init.constant_(param, 5)
    torch.save(source.state_dict(), tmp_path / "a.pth")
    return str(tmp_path / "a.pth")


def test_without_layer_and_override_nothing_is_filled() -> None:
    net = Net({"type": "Constant", "val": 7})
    before = values(net)

    net.init_weights()

    assert before == values(net)


def test_the_bias_that_stands_for_a_probability() -> None:
    net = Net(fill(1, bias_prob=0.01))

    net.init_weights()

    assert -4.59512 == values(net)["block.0.bias"] == round(bias_init_with_prob(0.01), 5)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        pytest.param({"name": "conv"}, {"conv.weight": 1, "conv.bias": -1}, id="by_name_as_the_outer_one"),
        pytest.param(
            {"type": "Constant", "name": "conv", "val": 3, "bias": 4},
            {"conv.weight": 3, "conv.bias": 4},
            id="by_its_own_type",
        ),
        pytest.param([{"name": "conv"}, {"name": "block"}], {"block.0.weight": 1, "conv.weight": 1}, id="a_list"),
    ],
)
def test_an_override_fills_a_whole_submodule(override: Any, expected: dict[str, float]) -> None:
    net = Net({"type": "Constant", "val": 1, "bias": -1, "override": override})

    net.init_weights()

    assert expected.items() <= values(net).items()


@pytest.mark.parametrize(
    ("override", "error", "match"),
    [
        pytest.param({"type": "Constant", "val": 1}, ValueError, "must hold the key 'name'", id="no_name"),
        pytest.param({"name": "conv", "val": 1}, ValueError, "must hold the key 'type'", id="no_type"),
        pytest.param({"name": "nose"}, RuntimeError, "has no attribute 'nose'", id="no_attribute"),
    ],
)
def test_overrides_that_are_refused(override: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        initialize(Net(), fill(1, override=override))


def test_a_direct_base_class_matches_by_its_name() -> None:
    class Special(nn.Linear):
        pass

    class VerySpecial(Special):
        pass

    net = Sequential(Special(1, 1), VerySpecial(1, 1), init_cfg=fill(6))
    untouched = values(net)["1.weight"]

    net.init_weights()

    assert (6, untouched) == (values(net)["0.weight"], values(net)["1.weight"])


@pytest.mark.parametrize("kind", ["Pretrained", PretrainedInit, legacy.PretrainedInit], ids=["name", "ours", "legacy"])
def test_a_loaded_file_has_the_last_word(checkpoint: str, kind: Any) -> None:
    """Whatever its place in the list, and over the children's own values."""
    net = Net([{"type": kind, "checkpoint": checkpoint}, fill(1, ["Conv2d", "Linear"])], inner_cfg=fill(2))

    net.init_weights()

    assert {5} == set(values(net).values())
    assert (True, True) == (net.is_init, net.block.is_init)


def test_a_childs_file_comes_before_its_parents(checkpoint: str) -> None:
    class Outer(BaseModule):
        def __init__(self) -> None:
            super().__init__(fill(1, ["Conv2d", "Linear"]))
            self.net = Net({"type": "Pretrained", "checkpoint": checkpoint})

    outer = Outer()

    outer.init_weights()

    assert {5} == set(values(outer).values())


def test_a_child_that_is_initialised_is_left_alone() -> None:
    net = Net(inner_cfg=fill(2))
    net.block.is_init = True
    before = values(net)

    net.init_weights()

    assert before == values(net)


def test_a_wrapped_child_is_initialised() -> None:
    net = Net()
    net.block = nn.DataParallel(Sequential(nn.Linear(1, 1), init_cfg=fill(3)))

    net.init_weights()

    assert {"block.module.0.weight": 3, "block.module.0.bias": -3}.items() <= values(net).items()


def test_a_second_call_is_told_in_the_log_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    net = Net(fill(1))
    net.init_weights()
    constant_init(net.block[0], 9)

    net.init_weights()

    assert "init_weights of Net has been called more than once" in caplog.messages
    assert 9 == values(net)["block.0.weight"]


def test_where_values_came_from_goes_to_the_file_of_the_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    logger = MMLogger("a run", log_file=str(tmp_path / "run.log"))
    with logger.current(), caplog.at_level(logging.INFO, logger="mmbridge"):
        Net(fill(2)).init_weights()

    written = (tmp_path / "run.log").read_text()
    assert written.startswith("Name of parameter - Initialization information\n")
    assert "\nblock.0.weight - torch.Size([1, 1]): \nConstantInit: val=2, bias=-2 \n" in written
    assert [] == caplog.messages


def test_what_a_file_lacks_goes_to_the_file_of_the_run(tmp_path: Path) -> None:
    torch.save({"block.0.weight": torch.ones(1, 1), "nose": torch.ones(1)}, tmp_path / "a.pth")
    logger = MMLogger("a run", log_file=str(tmp_path / "run.log"))

    with logger.current():
        Net({"type": "Pretrained", "checkpoint": str(tmp_path / "a.pth")}).init_weights()
        Net(
            inner_cfg={"type": "Pretrained", "checkpoint": str(tmp_path / "a.pth"), "prefix": "block"}
        ).block.init_weights()

    written = (tmp_path / "run.log").read_text()
    assert "unexpected key in source state_dict: nose" in written
    assert "missing keys in source state_dict: conv.weight, conv.bias, block.0.bias" in written
    assert "missing keys in source state_dict: 0.bias" in written


def test_containers() -> None:
    cfg = fill(2)
    containers = [
        Sequential(nn.Linear(1, 1), init_cfg=cfg),
        ModuleList([nn.Linear(1, 1)], init_cfg=cfg),
        ModuleDict({"a": nn.Linear(1, 1)}, init_cfg=cfg),
    ]
    for container in containers:
        container.init_weights()

        assert {2, -2} == set(values(container).values())
        assert isinstance(container, BaseModule)


def test_a_list_of_models_is_built_as_a_sequential_of_this_runtime() -> None:
    built = MODELS.build([{"type": nn.Linear, "in_features": 1, "out_features": 2}, {"type": nn.ReLU}])

    assert (Sequential, [nn.Linear, nn.ReLU]) == (type(built), [type(each) for each in built])


def test_the_initializers_of_the_legacy_runtime_are_found_by_name() -> None:
    class Ones(BaseInit):
        def fill(self, module: nn.Module) -> None:
            constant_init(module, 1, self.bias)

    legacy.INITIALIZERS.register_module(module=Ones)
    try:
        net = Net({"type": "Ones", "layer": "Linear", "bias": 4})
        net.init_weights()
    finally:
        del legacy.INITIALIZERS.module_dict["Ones"]

    assert {"block.0.weight": 1, "block.0.bias": 4}.items() <= values(net).items()


def test_weights_are_loaded_on_the_cpu_first() -> None:
    made = WEIGHT_INITIALIZERS.build({"type": "Pretrained", "checkpoint": "a.pth"})

    assert (PretrainedInit, "cpu") == (type(made), made.map_location)


def test_the_module_of_the_initializers_has_the_functions_too() -> None:
    assert legacy.trunc_normal_ is weight_init.trunc_normal_


def test_an_init_cfg_of_a_wrong_type_is_refused() -> None:
    with pytest.raises(TypeError, match="init_cfg must be a dict or a list of dicts, found str"):
        initialize(Net(), "Normal")
    with pytest.raises(TypeError, match="init_cfg must be a dict or a list of dicts, found str"):
        Net("Normal").init_weights()
