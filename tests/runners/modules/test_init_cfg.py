from __future__ import annotations

import copy
import logging
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.modules import (
    INITIALIZERS,
    BaseInit,
    BaseModule,
    ModuleDict,
    ModuleList,
    Sequential,
    bias_init_with_prob,
    constant_init,
    initialize,
    trunc_normal_,
    update_init_info,
    xavier_init,
)
from torch import nn


class Net(BaseModule):
    """Two layers, one nested."""

    def __init__(self, init_cfg: Any = None, inner_cfg: Any = None) -> None:
        super().__init__(init_cfg)
        self.conv = nn.Conv2d(1, 1, 1)
        self.block = Sequential(nn.Linear(1, 1), init_cfg=inner_cfg)


def values(module: nn.Module) -> dict[str, float]:
    return {name: round(param.mean().item(), 4) for name, param in module.named_parameters()}


def fill(val: float, layer: Any = "Linear", **more: Any) -> dict[str, Any]:
    return {"type": "Constant", "val": val, "bias": -val, "layer": layer, **more}


@pytest.mark.parametrize(
    ("cfg", "expected"),
    [
        pytest.param(fill(2), {"block.0.weight": 2, "block.0.bias": -2}, id="a_layer"),
        pytest.param(fill(3, "Conv2d", bias_prob=0.5), {"conv.weight": 3, "conv.bias": 0}, id="a_probability"),
        pytest.param(fill(4, "_ConvNd"), {"conv.weight": 4, "conv.bias": -4}, id="a_direct_base"),
        pytest.param(fill(4, "Module"), {"block.0.weight": 4, "block.0.bias": -4}, id="no_indirect_base"),
        pytest.param({"type": "Constant", "val": 5}, {}, id="no_layer_no_change"),
        pytest.param(
            [fill(1), fill(2, "Conv2d"), fill(3)],
            {"block.0.weight": 3, "block.0.bias": -3, "conv.weight": 2, "conv.bias": -2},
            id="the_last_of_a_list_wins",
        ),
        pytest.param(
            fill(1, override={"name": "conv"}),
            {"block.0.weight": 1, "block.0.bias": -1, "conv.weight": 1, "conv.bias": -1},
            id="an_override_by_name",
        ),
        pytest.param(
            {
                "type": "Constant",
                "val": 1,
                "override": [{"type": "Constant", "name": "conv", "val": 7, "bias": 8}],
            },
            {"conv.weight": 7, "conv.bias": 8},
            id="an_override_of_its_own",
        ),
    ],
)
def test_initialize(cfg: Any, expected: dict[str, float]) -> None:
    net = Net()
    before = values(net)
    given_cfg = copy.deepcopy(cfg)

    initialize(net, cfg)

    assert {**before, **expected} == values(net)
    assert given_cfg == cfg


def test_children_have_the_last_word() -> None:
    net = Net(fill(1, ["Linear", "Conv2d"]), fill(2))

    net.init_weights()

    assert {"conv.weight": 1, "conv.bias": -1, "block.0.weight": 2, "block.0.bias": -2} == values(net)
    assert (True, True) == (net.is_init, net.block.is_init)


def test_a_second_call_warns_and_changes_nothing() -> None:
    net = Net(fill(1))
    net.init_weights()
    constant_init(net.conv, 9)

    with pytest.warns(UserWarning, match="init_weights of Net has been called more than once"):
        net.init_weights()

    assert values(net)["conv.weight"] == 9


def test_pretrained_leaves_the_children_alone(tmp_path: Path) -> None:
    source = Net()
    constant_init(source.block[0], 5, 6)
    torch.save({"state_dict": {f"module.{k}": v for k, v in source.state_dict().items()}}, tmp_path / "a.pth")
    net = Net({"type": "Pretrained", "checkpoint": str(tmp_path / "a.pth")}, fill(2))

    net.init_weights()

    assert values(source) == values(net)
    assert not hasattr(net, "_params_init_info")


def test_pretrained_by_prefix(tmp_path: Path) -> None:
    source = Net()
    constant_init(source.block[0], 5, 6)
    torch.save(source.state_dict(), tmp_path / "a.pth")
    block = Sequential(
        nn.Linear(1, 1),
        init_cfg={"type": "Pretrained", "checkpoint": str(tmp_path / "a.pth"), "prefix": "block."},
    )

    block.init_weights()

    assert {"0.weight": 5, "0.bias": 6} == values(block)


def test_pretrained_without_file_or_prefix(tmp_path: Path) -> None:
    torch.save(Net().state_dict(), tmp_path / "a.pth")
    cfg = {"type": "Pretrained", "checkpoint": str(tmp_path / "b.pth")}

    with pytest.raises(FileNotFoundError, match=r"b\.pth"):
        initialize(Net(), cfg)
    with pytest.raises(BridgeError, match=r"no key starts with 'head\.'; the keys start with: block, conv"):
        initialize(Net(), {**cfg, "checkpoint": str(tmp_path / "a.pth"), "prefix": "head"})


class Own(BaseModule):
    """Initialises itself."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(1, 1, bias=False)

    def init_weights(self) -> None:
        constant_init(self.fc, 3)


def test_where_values_came_from_is_told(caplog: pytest.LogCaptureFixture) -> None:
    model = Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU(), nn.BatchNorm2d(1), Own(), init_cfg=fill(2, "Conv2d"))

    with caplog.at_level(logging.INFO, logger="mmbridge"):
        model.init_weights()

    told = "".join(caplog.messages)
    assert "initialize Sequential with init_cfg {'type': 'Constant'" in told
    assert "0.weight - torch.Size([1, 1, 1, 1]): \nConstantInit: val=2, bias=-2" in told
    assert "2.weight - torch.Size([1]): \nunchanged by init_weights of Sequential" in told
    assert "3.fc.weight - torch.Size([1, 1]): \nset by init_weights of Own" in told


def test_where_values_came_from_goes_to_the_log_file(tmp_path: Path) -> None:
    logger = logging.getLogger("mmbridge")
    handler = logging.FileHandler(tmp_path / "train.log")
    logger.addHandler(handler)
    try:
        Net(fill(2)).init_weights()
    finally:
        logger.removeHandler(handler)
        handler.close()

    written = (tmp_path / "train.log").read_text()
    assert written.startswith("Name of parameter - Initialization information\n")
    assert "\nblock.0.weight - torch.Size([1, 1]): \nConstantInit: val=2, bias=-2 \n" in written


def test_parameters_may_not_be_added_meanwhile() -> None:
    class Adds(Own):
        def init_weights(self) -> None:
            self.extra = nn.Parameter(torch.ones(1))

    model = Sequential(Adds())

    with pytest.raises(ValueError, match="parameter 'extra' of Adds was added or replaced during init_weights"):
        model.init_weights()
    assert not hasattr(model, "_params_init_info")


def test_update_init_info_is_for_the_time_of_initialisation() -> None:
    with pytest.raises(ValueError, match="Linear is not being initialised"):
        update_init_info(nn.Linear(1, 1), "x")


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
        assert repr(container).endswith(f"\ninit_cfg={cfg}")
    assert [0, 0, 0] == [len(kind()) for kind in (Sequential, ModuleList, ModuleDict)]
    assert "init_cfg" not in repr(Sequential())


@pytest.mark.parametrize(
    ("cfg", "error", "match"),
    [
        pytest.param("Normal", TypeError, "init_cfg must be a dict or a list of dicts, found str", id="no_dict"),
        pytest.param(fill(1, override="conv"), TypeError, "override must be a dict", id="override_is_no_dict"),
        pytest.param(fill(1, override={"val": 1}), ValueError, "must hold the key 'name'", id="unnamed"),
        pytest.param(
            fill(1, override={"name": "conv", "val": 1}), ValueError, "must hold the key 'type'", id="no_type"
        ),
        pytest.param(
            fill(1, override={"name": "cnv"}),
            RuntimeError,
            "no attribute 'cnv', found conv, block",
            id="no_attribute",
        ),
        pytest.param({"type": "Kaimin"}, KeyError, "did you mean 'Kaiming'", id="misspelt"),
        pytest.param({"type": "Normal", "bias": "1"}, TypeError, "bias must be a number, found str", id="bias"),
        pytest.param({"type": "Normal", "bias_prob": 1}, TypeError, "bias_prob must be a float, found int", id="prob"),
        pytest.param({"type": "Normal", "layer": 1}, TypeError, "layer must be a str or a list", id="layer"),
    ],
)
def test_refusals(cfg: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        initialize(Net(), cfg)


def test_an_initializer_of_the_users() -> None:
    class Ones(BaseInit):
        def fill(self, module: nn.Module) -> None:
            constant_init(module, 1, self.bias)

    INITIALIZERS.register_module(module=Ones)
    try:
        net = Net({"type": "Ones", "layer": "Linear", "bias": 4})
        net.init_weights()
    finally:
        del INITIALIZERS.module_dict["Ones"]

    assert {"block.0.weight": 1, "block.0.bias": 4}.items() <= values(net).items()


def test_an_initializer_must_say_how_to_fill() -> None:
    with pytest.raises(NotImplementedError, match=r"BaseInit must define fill\(module\)"):
        BaseInit(layer="Linear")(nn.Linear(1, 1))


def test_distribution_is_one_of_two() -> None:
    with pytest.raises(ValueError, match="distribution must be 'normal' or 'uniform', found 'cauchy'"):
        xavier_init(nn.Linear(1, 1), distribution="cauchy")


@given(st.floats(0.001, 0.999))
def test_the_bias_of_a_probability_gives_it_back(probability: float) -> None:
    # logarithm and exponential each round once; near 0 and 1 the error of the former is magnified
    assert math.isclose(probability, 1 / (1 + math.exp(-bias_init_with_prob(probability))), rel_tol=1e-13)


@given(
    mean=st.floats(-1, 1),
    std=st.floats(0.1, 2),
    ends=st.lists(st.floats(-2, 2), min_size=2, max_size=2, unique=True),
)
def test_truncated_normal_stays_within_its_ends(mean: float, std: float, ends: list[float]) -> None:
    a, b = sorted(ends)
    if mean < a - 2 * std or mean > b + 2 * std:
        return

    drawn = trunc_normal_(torch.empty(50, dtype=torch.float64), mean, std, a, b)

    assert a <= drawn.min() <= drawn.max() <= b


def test_truncated_normal_far_from_its_ends_warns() -> None:
    with pytest.warns(UserWarning, match=r"mean=9 is more than two std=1 outside \[-2.0, 2.0\]"):
        trunc_normal_(torch.empty(1), 9, 1)
