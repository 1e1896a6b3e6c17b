from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.runners.optim import (
    OPTIMIZER_BUILDERS,
    OPTIMIZERS,
    DefaultOptimizerConstructor,
    build_optimizer,
)
from torch import nn

LR, DECAY = 1.0, 0.5


class Block(nn.Module):
    """One parameter of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.param = nn.Parameter(torch.ones(1))
        self.conv = nn.Conv2d(2, 2, 1)
        self.depthwise = nn.Conv2d(2, 2, 1, groups=2)
        self.bn = nn.BatchNorm2d(2)


def settings(model: nn.Module, paramwise_cfg: Any, **cfg: Any) -> dict[str, tuple[float, float]]:
    """Learning rate and weight decay of every parameter."""
    cfg = {"type": "SGD", "lr": LR, "weight_decay": DECAY, **cfg, "paramwise_cfg": paramwise_cfg}
    names = {param: name for name, param in model.named_parameters()}
    return {
        names[param]: (group["lr"], group["weight_decay"])
        for group in build_optimizer(model, cfg).param_groups
        for param in group["params"]
    }


DEFAULT = dict.fromkeys([name for name, _ in Block().named_parameters()], (LR, DECAY))


@pytest.mark.parametrize(
    ("paramwise_cfg", "expected"),
    [
        pytest.param({"bias_lr_mult": 2}, {"conv.bias": (2, 0.5), "depthwise.bias": (2, 0.5)}, id="bias_lr"),
        pytest.param({"bias_decay_mult": 0}, {"conv.bias": (1, 0)}, id="bias_decay_after_depthwise"),
        pytest.param({"norm_decay_mult": 0}, {"bn.weight": (1, 0), "bn.bias": (1, 0)}, id="norm_decay"),
        pytest.param(
            {"dwconv_decay_mult": 0},
            {"depthwise.weight": (1, 0), "depthwise.bias": (1, 0)},
            id="depthwise_decay",
        ),
        pytest.param({"custom_keys": {".param": {"lr_mult": 3}}}, {"param": (3, 0.5)}, id="a_leading_dot"),
        pytest.param(
            {"custom_keys": {"conv": {"lr_mult": 3}, "conv.w": {"decay_mult": 0}}},
            {"conv.weight": (1, 0), "conv.bias": (3, 0.5)},
            id="the_longest_key_alone_decides",
        ),
        pytest.param(
            {"custom_keys": {"bn": {}}, "norm_decay_mult": 0}, {}, id="a_custom_key_shuts_the_other_rules_out"
        ),
    ],
)
def test_settings(paramwise_cfg: Any, expected: dict[str, tuple[float, float]]) -> None:
    assert {**DEFAULT, **expected} == settings(Block(), paramwise_cfg)


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("norm_decay_mul", "did you mean 'norm_decay_mult'"),
        ("backbone", "there are bias_decay_mult, bias_lr_mult"),
    ],
)
def test_unknown_options_change_no_value_and_are_told(option: str, hint: str) -> None:
    with pytest.warns(UserWarning, match=f"paramwise_cfg.{option} is not an option and has no effect; {hint}"):
        assert settings(Block(), {option: 0}) == DEFAULT


@pytest.mark.parametrize("paramwise_cfg", [None, {}])
def test_without_rules_all_parameters_are_one_group_in_order(paramwise_cfg: Any) -> None:
    model = Block()
    model.param.requires_grad_(False)

    (group,) = build_optimizer(model, {"type": "SGD", "lr": LR, "paramwise_cfg": paramwise_cfg}).param_groups

    assert [id(param) for param in model.parameters()] == [id(param) for param in group["params"]]


def test_with_rules_every_parameter_is_a_group_and_frozen_ones_have_no_settings() -> None:
    model = Block()
    model.conv.bias.requires_grad_(False)
    constructor = DefaultOptimizerConstructor({"type": "SGD", "lr": LR}, {"bias_lr_mult": 5})
    groups: list[dict[str, Any]] = []

    constructor.add_params(groups, model)

    assert [id(param) for param in model.parameters()] == [id(group["params"][0]) for group in groups]
    assert [{"lr": 5.0}] == [
        settings for group in groups if (settings := {k: v for k, v in group.items() if k != "params"})
    ]


class DeformConv2d(nn.Module):
    """Called as the class of mmcv.ops."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.ones(1))
        self.conv_offset = nn.Conv2d(2, 2, 1)
        self.fc = nn.Linear(1, 1)


def test_deformable_convolutions() -> None:
    model = nn.ModuleDict({"dcn": DeformConv2d()})
    paramwise_cfg = {"dcn_offset_lr_mult": 0.1, "bias_lr_mult": 2, "bias_decay_mult": 0}

    expected = {
        "dcn.bias": (2, 0),
        "dcn.conv_offset.weight": (0.1, 0.5),
        "dcn.conv_offset.bias": (0.1, 0.5),
        "dcn.fc.weight": (1, 0.5),
        "dcn.fc.bias": (1, 0.5),
    }

    assert expected == settings(model, paramwise_cfg)


OF_TORCHVISION = type("DeformConv2d", (nn.Module,), {"__module__": "torchvision.ops.deform_conv"})
"""MMCV's rules do not know torchvision's class of the same name."""


@pytest.mark.parametrize("kind", [OF_TORCHVISION, nn.Module], ids=["of_torchvision", "of_anything_else"])
def test_an_offset_elsewhere_is_like_any_convolution(kind: type[nn.Module]) -> None:
    holder = kind()
    holder.conv_offset = nn.Conv2d(2, 2, 1)

    found = settings(nn.ModuleDict({"x": holder}), {"dcn_offset_lr_mult": 0.1, "bias_lr_mult": 2})

    assert ((1, 0.5), (2, 0.5)) == (found["x.conv_offset.weight"], found["x.conv_offset.bias"])


def shared() -> nn.Module:
    model = nn.ModuleDict({"a": nn.Linear(1, 1, bias=False), "b": nn.Linear(1, 1, bias=False)})
    model["b"].weight = model["a"].weight
    return model


def test_a_shared_parameter_is_refused_by_torch() -> None:
    with pytest.raises(ValueError, match="more than one parameter group"):
        settings(shared(), {"bias_lr_mult": 1})


@pytest.mark.parametrize("frozen", [False, True])
def test_a_shared_parameter_can_be_bypassed(frozen: bool) -> None:
    model = shared()
    model["a"].weight.requires_grad_(not frozen)

    with pytest.warns(UserWarning, match="'weight' of 'b' already has a group"):
        found = settings(model, {"bypass_duplicate": True})

    assert {"a.weight": (LR, DECAY)} == found


@given(st.permutations(["conv", "con", "bn", "b", "depthwise.weight", "weight"]))
def test_the_order_of_custom_keys_does_not_matter(order: list[str]) -> None:
    def mults(keys: list[str]) -> dict[str, tuple[float, float]]:
        return settings(Block(), {"custom_keys": {key: {"lr_mult": len(key)} for key in keys}})

    assert mults(sorted(order)) == mults(order)


def test_a_wrapped_model_and_an_unchanged_config() -> None:
    model = Block()
    cfg = {"type": "SGD", "lr": LR, "paramwise_cfg": {"custom_keys": {"conv": {"lr_mult": 2}}}}

    optimizer = build_optimizer(nn.DataParallel(model), cfg)

    assert 2.0 == max(group["lr"] for group in optimizer.param_groups)
    assert {"type": "SGD", "lr": LR, "paramwise_cfg": {"custom_keys": {"conv": {"lr_mult": 2}}}} == cfg


def test_without_a_learning_rate_rules_for_decay_still_work() -> None:
    cfg = {"type": "Adadelta", "weight_decay": 0.1, "paramwise_cfg": {"norm_decay_mult": 0}}

    groups = build_optimizer(Block(), cfg).param_groups

    assert [1.0] * len(groups) == [group["lr"] for group in groups]
    assert {0.0, 0.1} == {group["weight_decay"] for group in groups}


@pytest.mark.parametrize(
    ("cfg", "paramwise_cfg", "error", "match"),
    [
        pytest.param([], None, TypeError, "optimizer must be a dict, found list", id="optimizer"),
        pytest.param({}, [1], TypeError, "paramwise_cfg must be None or a dict, found list", id="paramwise"),
        pytest.param({}, {"custom_keys": ["a"]}, TypeError, "custom_keys must be a dict", id="custom_keys"),
        pytest.param({}, {"custom_keys": {"a": 2}}, TypeError, "found int: 2", id="an_entry_of_custom_keys"),
        pytest.param({"lr": 1}, {"norm_decay_mult": 0}, ValueError, "multiplies weight_decay", id="decay"),
        pytest.param({"lr": 1}, {"custom_keys": {"a": {"decay_mult": 0}}}, ValueError, "decay_mult", id="custom_decay"),
        pytest.param({}, {"bias_lr_mult": 2}, ValueError, r"multiplies lr \(bias_lr_mult\)", id="lr"),
    ],
)
def test_refusals(cfg: Any, paramwise_cfg: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        DefaultOptimizerConstructor(cfg, paramwise_cfg)


def test_every_optimizer_of_torch_is_registered() -> None:
    assert {"SGD", "Adam", "AdamW", "LBFGS", "Optimizer"} <= set(OPTIMIZERS.module_dict)


def test_a_misspelt_optimizer_names_the_near_one() -> None:
    with pytest.raises(KeyError, match="did you mean 'SGD'"):
        build_optimizer(Block(), {"type": "SDG", "lr": 1})


def test_a_constructor_of_the_users() -> None:
    class OnlyBiases(DefaultOptimizerConstructor):
        def add_params(self, params: Any, module: nn.Module, prefix: str = "", is_dcn_module: Any = None) -> None:
            params.append({"params": [module.conv.bias], "lr": self.base_lr * self.paramwise_cfg["scale"]})

    OPTIMIZER_BUILDERS.register_module(module=OnlyBiases)
    cfg = {"type": "SGD", "lr": LR, "constructor": "OnlyBiases", "paramwise_cfg": {"scale": 4}}
    try:
        (group,) = build_optimizer(Block(), cfg).param_groups
    finally:
        del OPTIMIZER_BUILDERS.module_dict["OnlyBiases"]

    assert 4.0 == group["lr"]
