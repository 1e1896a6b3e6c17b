"""Parameter groups are those of the real MMCV 1.7.2."""

from __future__ import annotations

import sys
import types
import warnings
from typing import Any

import pytest
import torch
from mmbridge.runners.optim import OPTIMIZERS, build_optimizer
from torch import nn
from zoo_of_parameters import DeformConv2d, Model, ModulatedDeformConv2d

pytestmark = pytest.mark.oracle


PARAMWISE: dict[str, dict[str, Any] | None] = {
    "none": None,
    "empty": {},
    "bias_lr": {"bias_lr_mult": 2.0},
    "bias_decay": {"bias_decay_mult": 0.0},
    "norm_decay": {"norm_decay_mult": 0.0},
    "depthwise_decay": {"dwconv_decay_mult": 0.1},
    "deformable_offsets": {"dcn_offset_lr_mult": 0.3, "bias_lr_mult": 2},
    "custom_keys": {"custom_keys": {"backbone": {"lr_mult": 0.1}, "backbone.0": {"decay_mult": 0.0}}},
    "custom_keys_of_equal_length": {"custom_keys": {"gn": {"lr_mult": 3}, "ne": {"lr_mult": 4}}},
    "custom_key_with_a_leading_dot": {"custom_keys": {".scale": {"lr_mult": 7, "decay_mult": 0}}},
    "custom_keys_before_the_other_rules": {
        "custom_keys": {"fc": {"lr_mult": 0.5}},
        "bias_lr_mult": 2.0,
        "bias_decay_mult": 0.0,
        "norm_decay_mult": 0.0,
        "dwconv_decay_mult": 0.1,
    },
    "an_unknown_key": {"no_such_option": 1},
    "everything": {
        "custom_keys": {"neck": {"lr_mult": 0.5, "decay_mult": 2.0}},
        "bias_lr_mult": 2.0,
        "bias_decay_mult": 0.5,
        "norm_decay_mult": 0.25,
        "dwconv_decay_mult": 0.1,
        "dcn_offset_lr_mult": 0.01,
        "bypass_duplicate": True,
    },
}
OPTIMIZER_CFGS: dict[str, dict[str, Any]] = {
    "sgd": {"type": "SGD", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
    "adamw": {"type": "AdamW", "lr": 1e-4, "betas": (0.9, 0.95), "weight_decay": 0.05},
    "sgd_without_weight_decay": {"type": "SGD", "lr": 0.1},
}


def mmcv_build(model: nn.Module, cfg: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> torch.optim.Optimizer:
    """MMCV's optimizer, with its compiled operators replaced by this file's classes."""
    pytest.importorskip("mmcv.runner")
    from mmcv.runner.optimizer import build_optimizer, default_constructor

    ops = types.SimpleNamespace(DeformConv2d=DeformConv2d, ModulatedDeformConv2d=ModulatedDeformConv2d)
    monkeypatch.setitem(sys.modules, "mmcv.ops", ops)
    monkeypatch.setattr(default_constructor, "check_ops_exist", lambda: True)
    return build_optimizer(model, cfg)


def groups(optimizer: torch.optim.Optimizer, model: nn.Module) -> list[dict[str, Any]]:
    """The groups, parameters by name."""
    names = {param: name for name, param in model.named_parameters()}
    return [{**group, "params": [names[param] for param in group["params"]]} for group in optimizer.param_groups]


@pytest.mark.filterwarnings("ignore:paramwise_cfg.no_such_option")
@pytest.mark.parametrize("optimizer", OPTIMIZER_CFGS.values(), ids=OPTIMIZER_CFGS)
@pytest.mark.parametrize("paramwise", PARAMWISE.values(), ids=PARAMWISE)
def test_groups(optimizer: dict[str, Any], paramwise: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if "weight_decay" not in optimizer and "decay" in str(paramwise):
        pytest.skip("refused by both: see test_refusals")
    cfg = {**optimizer, "paramwise_cfg": paramwise}
    model = Model()

    expected = mmcv_build(model, cfg, monkeypatch)
    actual = build_optimizer(model, cfg)

    assert type(expected) is type(actual)
    assert groups(expected, model) == groups(actual, model)


@pytest.mark.parametrize("bypass", [True, False], ids=["bypass", "no_bypass"])
def test_shared_parameters(bypass: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = {"type": "SGD", "lr": 0.1, "paramwise_cfg": {"bypass_duplicate": bypass, "bias_lr_mult": 2}}
    model = Model()
    model.neck["fc"].weight = model.dcn.weight
    model.frozen.bias = model.neck["fc"].bias

    def outcome(build: Any) -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                built = groups(build(), model)
            except ValueError:
                built = "refused"
        return built, [warning.category for warning in caught]

    assert outcome(lambda: mmcv_build(model, cfg, monkeypatch)) == outcome(lambda: build_optimizer(model, cfg))


REFUSED = {
    "optimizer_is_no_dict": ([], None, TypeError),
    "paramwise_is_no_dict": ({"type": "SGD", "lr": 0.1}, [1], TypeError),
    "custom_keys_is_no_dict": ({"type": "SGD", "lr": 0.1}, {"custom_keys": [1]}, TypeError),
    "decay_without_weight_decay": ({"type": "SGD", "lr": 0.1}, {"norm_decay_mult": 0.0}, ValueError),
    "custom_decay_without_weight_decay": (
        {"type": "SGD", "lr": 0.1},
        {"custom_keys": {"a": {"decay_mult": 0.0}}},
        ValueError,
    ),
}


@pytest.mark.parametrize(("cfg", "paramwise", "error"), REFUSED.values(), ids=REFUSED)
def test_refusals(cfg: Any, paramwise: Any, error: type[Exception]) -> None:
    pytest.importorskip("mmcv.runner")
    from mmbridge.runners.optim import DefaultOptimizerConstructor as Ours
    from mmcv.runner import DefaultOptimizerConstructor as Theirs

    for constructor in (Theirs, Ours):
        with pytest.raises(error):
            constructor(cfg, paramwise)


def test_the_same_names_are_registered() -> None:
    pytest.importorskip("mmcv.runner")
    from mmcv.runner import OPTIMIZERS as THEIRS

    assert set(THEIRS.module_dict) == set(OPTIMIZERS.module_dict)
