"""From a config to an optimizer in its wrapper."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.runners.loop.optim import (
    AmpOptimWrapper,
    DefaultOptimWrapperConstructor,
    OptimWrapper,
    build_optim_wrapper,
)
from mmbridge.runners.loop.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIMIZERS
from mmbridge.runners.optim import OPTIMIZER_BUILDERS, DefaultOptimizerConstructor
from torch import nn
from torch.nn.parallel import DistributedDataParallel

LR, DECAY = 1.0, 0.5


class Block(nn.Module):
    """One parameter of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.param = nn.Parameter(torch.ones(1))
        self.conv = nn.Conv2d(2, 2, 1)
        self.depthwise = nn.Conv2d(2, 2, 1, groups=2)
        self.bn = nn.BatchNorm2d(2)


def built(model: nn.Module, paramwise_cfg: Any, **optimizer: Any) -> OptimWrapper:
    optimizer = {"type": "SGD", "lr": LR, "weight_decay": DECAY, **optimizer}
    return build_optim_wrapper(model, {"optimizer": optimizer, "paramwise_cfg": paramwise_cfg})


def groups(model: nn.Module, paramwise_cfg: Any, **optimizer: Any) -> dict[str, dict[str, Any]]:
    """The group of every parameter."""
    names = {param: name for name, param in model.named_parameters()}
    wrapper = built(model, paramwise_cfg, **optimizer)
    return {names[param]: group for group in wrapper.optimizer.param_groups for param in group["params"]}


def settings(model: nn.Module, paramwise_cfg: Any) -> dict[str, tuple[float, float]]:
    """Learning rate and weight decay of every parameter."""
    return {name: (group["lr"], group["weight_decay"]) for name, group in groups(model, paramwise_cfg).items()}


NAMES = [name for name, _ in Block().named_parameters()]
DEFAULT = dict.fromkeys(NAMES, (LR, DECAY))


@pytest.mark.parametrize(
    ("paramwise_cfg", "expected"),
    [
        pytest.param({"bias_lr_mult": 2}, {"conv.bias": (2, 0.5), "depthwise.bias": (2, 0.5)}, id="bias_lr"),
        pytest.param({"norm_decay_mult": 0}, {"bn.weight": (1, 0), "bn.bias": (1, 0)}, id="norm_decay"),
        pytest.param(
            {"bias_decay_mult": 0.1, "dwconv_decay_mult": 0},
            {
                "conv.bias": (1, 0.05),
                "depthwise.bias": (1, 0.05),
                "bn.bias": (1, 0.05),
                "depthwise.weight": (1, 0),
            },
            id="bias_before_depthwise_and_also_of_norms",
        ),
        pytest.param(
            {"dwconv_decay_mult": 0}, {"depthwise.weight": (1, 0), "depthwise.bias": (1, 0)}, id="depthwise_decay"
        ),
        pytest.param(
            {"flat_decay_mult": 0},
            dict.fromkeys(["param", "conv.bias", "depthwise.bias", "bn.weight", "bn.bias"], (1, 0)),
            id="flat_decay_also_of_norms",
        ),
        pytest.param(
            {"flat_decay_mult": 0, "norm_decay_mult": None, "bias_lr_mult": None},
            dict.fromkeys(["param", "conv.bias", "depthwise.bias", "bn.weight", "bn.bias"], (1, 0)),
            id="none_is_not_set",
        ),
        pytest.param({"custom_keys": {".param": {"lr_mult": 3}}}, {"param": (3, 0.5)}, id="a_leading_dot"),
        pytest.param(
            {"custom_keys": {"conv": {"lr_mult": 3}, "conv.w": {"decay_mult": 0}}},
            {"conv.weight": (1, 0), "conv.bias": (3, 0.5)},
            id="the_longest_key_alone_decides",
        ),
    ],
)
def test_multipliers(paramwise_cfg: Any, expected: dict[str, tuple[float, float]]) -> None:
    assert {**DEFAULT, **expected} == settings(Block(), paramwise_cfg)


def test_the_observed_example_of_mmengine() -> None:
    cfg = {"bias_lr_mult": 2, "bias_decay_mult": 0.5, "dwconv_decay_mult": 0.1, "flat_decay_mult": 0.01}
    model = Block()

    found = {name: (group["lr"], group["weight_decay"]) for name, group in groups(model, cfg, weight_decay=1.0).items()}

    expected = {"depthwise.weight": (1, 0.1), "depthwise.bias": (2, 0.5), "bn.weight": (1, 0.01), "bn.bias": (1, 0.5)}
    assert {**expected, "param": (1, 0.01)} == {name: found[name] for name in [*expected, "param"]}


class DeformConv2d(nn.Module):
    """Named like mmcv.ops' class, and holds the convolution of its offsets."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.ones(2))
        self.conv_offset = nn.Conv2d(2, 3, 1)


def test_offsets_of_deformable_convolutions() -> None:
    cfg = {"dcn_offset_lr_mult": 0.1, "bias_lr_mult": 2, "bias_decay_mult": 0, "flat_decay_mult": 0}

    found = settings(nn.Sequential(DeformConv2d()), cfg)

    expected = {"0.bias": (2, 0), "0.conv_offset.weight": (0.1, DECAY), "0.conv_offset.bias": (0.1, DECAY)}
    assert expected == found


def test_frozen_parameters_get_no_group_and_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    model = Block()
    model.conv.requires_grad_(False)

    found = settings(model, {"norm_decay_mult": 1.0})

    assert [name for name in NAMES if not name.startswith("conv.")] == list(found)
    assert "2 frozen parameters are left out of the optimizer: conv.weight, conv.bias" in capsys.readouterr().out


def test_without_paramwise_cfg_frozen_parameters_are_in_the_one_group() -> None:
    model = Block()
    model.conv.requires_grad_(False)

    wrapper = built(model, None)

    assert [list(model.parameters())] == [group["params"] for group in wrapper.param_groups]


def test_all_entries_of_a_custom_key_go_into_the_group() -> None:
    entry = {"lr_mult": 0.1, "momentum": 0.7, "note": "mine"}

    found = groups(Block(), {"custom_keys": {"conv.weight": entry}})["conv.weight"]

    assert {**entry, "lr": 0.1, "weight_decay": DECAY} == {key: found[key] for key in [*entry, "lr", "weight_decay"]}


def test_a_base_group_comes_with_several() -> None:
    wrapper = built(Block(), {"norm_decay_mult": 0.0}, momentum=0.9)

    assert {"base_lr": [LR], "lr": [LR] * len(NAMES)} == wrapper.get_lr()
    assert len(NAMES) + 1 == len(wrapper.param_groups)


def test_shared_parameters_once(capsys: pytest.CaptureFixture[str]) -> None:
    model = Block()
    model.depthwise.bias = model.conv.bias

    found = settings(model, {"bypass_duplicate": True})

    assert {*NAMES} - {"depthwise.bias"} == set(found)
    assert "'bias' of 'depthwise' already has a group" in capsys.readouterr().out
    with pytest.raises(ValueError, match="more than one parameter group"):
        settings(model, {"norm_decay_mult": 1.0})


def test_settings_are_logged(capsys: pytest.CaptureFixture[str]) -> None:
    settings(Block(), {"custom_keys": {".param": {"lr_mult": 0.5}}})

    assert "paramwise_options -- param: lr=0.5, weight_decay=0.5, lr_mult=0.5" in capsys.readouterr().out


def test_custom_keys_without_lr_leave_it_to_the_optimizer() -> None:
    model = Block()
    cfg = {"optimizer": {"type": "Adam", "weight_decay": 0.5}}

    wrapper = build_optim_wrapper(model, {**cfg, "paramwise_cfg": {"custom_keys": {"conv": {"decay_mult": 0}}}})

    assert [0.001] * len(NAMES) == wrapper.get_lr()["lr"]


@given(st.dictionaries(st.sampled_from(["conv", "bn", ".param", "wise.b", "e"]), st.sampled_from([0.0, 0.5, 2.0])))
def test_every_trainable_parameter_has_one_group(multipliers: dict[str, float]) -> None:
    model = Block()
    cfg = {"norm_decay_mult": 0.1, "custom_keys": {key: {"lr_mult": mult} for key, mult in multipliers.items()}}

    found = settings(model, cfg)

    def rate(name: str) -> float:
        keys = sorted((key for key in multipliers if key in (name if "." in name else f".{name}")), key=len)
        return LR * multipliers[keys[-1]] if keys else LR

    assert {name: rate(name) for name in NAMES} == {name: lr for name, (lr, _) in found.items()}


@pytest.mark.parametrize(
    ("optimizer", "paramwise", "error", "message"),
    [
        pytest.param({"lr": 1}, [1], TypeError, "None or a dict, found list", id="paramwise_is_a_list"),
        pytest.param({"lr": 1}, {"custom_keys": [1]}, TypeError, "found list", id="custom_keys_is_a_list"),
        pytest.param({"lr": 1}, {"flat_decay_mult": 0}, ValueError, "add weight_decay to", id="no_weight_decay"),
        pytest.param({}, {"bias_lr_mult": 2}, ValueError, "add lr to", id="no_lr"),
        pytest.param({}, {"custom_keys": {"a": {"lr_mult": 2}}}, ValueError, "add lr to", id="no_lr_for_custom_keys"),
    ],
)
def test_refusals(optimizer: Any, paramwise: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        DefaultOptimWrapperConstructor({"optimizer": {"type": "SGD", **optimizer}}, paramwise)


def test_the_optimizer_must_be_there() -> None:
    with pytest.raises(KeyError, match=r"has no key 'optimizer'.*it has: type, lr"):
        build_optim_wrapper(Block(), {"type": "OptimWrapper", "lr": 0.1})
    with pytest.raises(TypeError, match="must be a dict, found list"):
        DefaultOptimWrapperConstructor([])  # type: ignore[arg-type]


def test_a_misspelt_option_is_told() -> None:
    with pytest.warns(UserWarning, match="norm_decay_mutl is not an option.*did you mean 'norm_decay_mult'"):
        settings(Block(), {"norm_decay_mutl": 0})


def test_the_config_is_not_changed_and_the_wrapper_gets_the_rest() -> None:
    cfg = {
        "type": "AmpOptimWrapper",
        "optimizer": {"type": "AdamW", "lr": 0.1},
        "accumulative_counts": 3,
        "clip_grad": {"type": "value", "clip_value": 0.2},
        "dtype": "bfloat16",
    }
    before = copy.deepcopy(cfg)

    wrapper = build_optim_wrapper(Block(), cfg)

    assert before == cfg
    assert isinstance(wrapper, AmpOptimWrapper)
    assert isinstance(wrapper.optimizer, torch.optim.AdamW)
    assert (3, {"clip_value": 0.2}) == (wrapper._accumulative_counts, wrapper.clip_grad_kwargs)


class ModelParams(torch.optim.SGD):
    """Calls its first argument as no optimizer of torch does."""

    def __init__(self, model_params: Any, lr: float) -> None:
        super().__init__(model_params, lr=lr)


def test_the_first_argument_may_have_any_name_and_the_type_be_a_class() -> None:
    wrapper = build_optim_wrapper(Block(), {"optimizer": {"type": ModelParams, "lr": 0.1}})

    assert isinstance(wrapper.optimizer, ModelParams)


class LayerWise(DefaultOptimWrapperConstructor):
    """As projects write it for MMEngine: goes its own way where it meets a batch normalization."""

    def add_params(self, params: list[dict[str, Any]], module: nn.Module, *args: Any, **kwargs: Any) -> None:
        if isinstance(module, nn.BatchNorm2d):
            params.append({"params": list(module.parameters()), "lr": self.base_lr * self.paramwise_cfg["bn"]})
        else:
            super().add_params(params, module, *args, **kwargs)


def test_a_constructor_of_a_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPTIM_WRAPPER_CONSTRUCTORS.module_dict, "LayerWise", LayerWise)
    cfg = {"optimizer": {"type": "SGD", "lr": 1.0}, "constructor": "LayerWise", "paramwise_cfg": {"bn": 0.25}}

    wrapper = build_optim_wrapper(nn.Sequential(Block()), cfg)

    assert [(1, 1.0)] * 5 + [(2, 0.25)] == [
        (len(group["params"]), group["lr"]) for group in wrapper.optimizer.param_groups
    ]


class Once(DefaultOptimWrapperConstructor):
    """As projects write it: one group per parameter, with MMEngine's method to find those that have one."""

    def add_params(self, params: list[dict[str, Any]], module: nn.Module, *args: Any, **kwargs: Any) -> None:
        for param in [*module.parameters(), *module.parameters()]:
            if not self._is_in({"params": [param]}, params):
                params.append({"params": [param]})


def test_a_constructor_of_a_project_asks_what_has_a_group() -> None:
    wrapper = Once({"optimizer": {"type": "SGD", "lr": 1.0}}, {"bias_lr_mult": 1})(nn.Linear(2, 2))

    assert 2 == len(wrapper.optimizer.param_groups)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    """A process group of this process alone."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("group")
def test_a_wrapped_model_is_looked_into() -> None:
    model = Block()

    wrapper = built(DistributedDataParallel(model), {"norm_decay_mult": 0})

    assert [*model.parameters()] == [param for g in wrapper.optimizer.param_groups for param in g["params"]]


@pytest.mark.usefixtures("group")
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch's own, when it imports this
def test_an_optimizer_whose_state_is_shared_out() -> None:
    model, other = Block(), Block()
    cfg = {"type": "ZeroRedundancyOptimizer", "optimizer_type": "SGD", "lr": 1.0, "momentum": 0.9}

    wrappers = [build_optim_wrapper(each, {"optimizer": cfg}) for each in (model, other)]
    wrappers[0].update_params(sum(param.sum() for param in model.parameters()))
    wrappers[1].load_state_dict(wrappers[0].state_dict())

    from mmbridge.runners.loop.optim import ZeroRedundancyOptimizer

    assert isinstance(wrappers[0].optimizer, ZeroRedundancyOptimizer)
    assert str(wrappers[0].state_dict()) == str(wrappers[1].state_dict())
    with pytest.raises(KeyError, match="did you mean 'SGD'"):
        build_optim_wrapper(model, {"optimizer": {**cfg, "optimizer_type": "SDG"}})


def test_apex_is_not_there_and_the_error_names_what_is() -> None:
    cfg = {"type": "ApexOptimWrapper", "optimizer": {"type": "SGD", "lr": 0.1}}

    with pytest.raises(KeyError, match=r"'ApexOptimWrapper' is not in registry.*did you mean 'AmpOptimWrapper'"):
        build_optim_wrapper(Block(), cfg)


def test_an_unknown_optimizer_is_told_with_the_nearest() -> None:
    with pytest.raises(KeyError, match="'SDG' is not in registry 'optimizer'; did you mean 'SGD'"):
        built(Block(), None, type="SDG")


def test_the_name_of_two_optimizers_means_that_of_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)

    with pytest.raises(ImportError, match=r"needs the package .transformers.*'TorchAdafactor'"):
        build_optim_wrapper(Block(), {"optimizer": {"type": "Adafactor"}})


@pytest.mark.skipif(not hasattr(torch.optim, "Adafactor"), reason="torch 2.5 has it")
def test_adafactor_of_torch() -> None:
    assert OPTIMIZERS.get("TorchAdafactor") is torch.optim.Adafactor


class HeadFirst(DefaultOptimizerConstructor):
    """A constructor as projects for MMCV 1.x write it."""

    def add_params(self, params: Any, module: nn.Module, *args: Any, **kwargs: Any) -> None:
        for name, param in module.named_parameters():
            params.append({"params": [param], "lr": self.base_lr * self.paramwise_cfg["mult"], "name": name})


def test_a_constructor_of_mmcv_builds_the_optimizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPTIMIZER_BUILDERS.module_dict, "HeadFirst", HeadFirst)
    config = {
        "constructor": "HeadFirst",
        "paramwise_cfg": {"mult": 10},
        "optimizer": {"type": "SGD", "lr": LR},
        "clip_grad": {"max_norm": 3},
        "accumulative_counts": 2,
    }
    wrapper = build_optim_wrapper(nn.Linear(1, 1), config)
    amp = build_optim_wrapper(nn.Linear(1, 1), {**config, "constructor": HeadFirst, "type": "AmpOptimWrapper"})

    assert [("weight", 10.0), ("bias", 10.0)] == [(each["name"], each["lr"]) for each in wrapper.optimizer.param_groups]
    assert (OptimWrapper, {"max_norm": 3}) == (type(wrapper), wrapper.clip_grad_kwargs)
    assert AmpOptimWrapper is type(amp)


def test_a_constructor_of_mmcv_without_an_optimizer_is_told() -> None:
    with pytest.raises(TypeError, match="optimizer must be a dict, found NoneType"):
        build_optim_wrapper(nn.Linear(1, 1), {"constructor": "DefaultOptimizerConstructor"})
