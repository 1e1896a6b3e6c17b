"""A converted paramwise_cfg gives every parameter, in MMEngine's groups, what the old one gave it in MMCV's."""

from __future__ import annotations

import sys
import types
import warnings
from typing import Any

import pytest
from drawing import Drawn, some
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mmbridge.migrate.apply_dict import apply_dict
from mmbridge.migrate.edit import Hint
from mmbridge.migrate.rule import decide
from mmbridge.migrate.rules import RULES
from mmbridge.migrate.view import View
from zoo_of_parameters import DeformConv2d, Model, ModulatedDeformConv2d

pytestmark = pytest.mark.oracle

MULTIPLIERS = st.sampled_from([0, 0.1, 1, 2])
KINDS = ("bias_lr", "bias_decay", "norm_decay", "dwconv_decay", "dcn_offset_lr")
ENTRIES = some({}, {"lr_mult": MULTIPLIERS, "decay_mult": MULTIPLIERS})
CUSTOM = st.dictionaries(st.sampled_from(["backbone", "backbone.0", "bias", ".scale", "gn", "neck.fc"]), ENTRIES)
PARAMWISE = some({}, {**{f"{kind}_mult": MULTIPLIERS for kind in KINDS}, "custom_keys": CUSTOM})
DEPTHWISE_BIASES = {"backbone.2.bias", "gray.bias"}


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """The packages of both engines, with MMCV's compiled operators replaced by stand-ins; MMEngine says nothing."""
    old, new = pytest.importorskip("mmcv.runner.optimizer"), pytest.importorskip("mmengine.optim")
    from mmengine.optim.optimizer import default_constructor

    ops = types.SimpleNamespace(DeformConv2d=DeformConv2d, ModulatedDeformConv2d=ModulatedDeformConv2d)
    monkeypatch.setitem(sys.modules, "mmcv.ops", ops)
    monkeypatch.setattr(old.default_constructor, "check_ops_exist", lambda: True)
    monkeypatch.setattr(default_constructor, "mmcv_full_available", lambda: True)
    monkeypatch.setattr(default_constructor, "print_log", lambda *args, **kwargs: None)
    return old, new


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paramwise=PARAMWISE)
@example(paramwise={"bias_lr_mult": 2.0, "bias_decay_mult": 0.0})
def test_each_parameter_is_trained_as_before(paramwise: Drawn, engines: tuple[Any, Any]) -> None:
    old = {"optimizer": {"type": "SGD", "lr": 0.1, "weight_decay": 0.01, "paramwise_cfg": paramwise}}
    edits = [decision.edit for decision in decide(RULES, View(old))]
    new = apply_dict(old, edits)["optim_wrapper"]

    before = settings_of(engines[0].build_optimizer, old["optimizer"])
    after = settings_of(lambda model, cfg: engines[1].build_optim_wrapper(model, cfg).optimizer, new)

    told = any(isinstance(edit, Hint) and "depthwise" in edit.message for edit in edits)
    assert {name for name in before if after[name] != before[name]} <= (DEPTHWISE_BIASES if told else set())


def settings_of(build: Any, cfg: Drawn) -> dict[str, tuple[float, float]]:
    """Rate and decay of each parameter that is trained."""
    model = Model()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        groups = build(model, cfg).param_groups
    found = {id(param): (group["lr"], group["weight_decay"]) for group in groups for param in group["params"]}
    return {name: found[id(param)] for name, param in model.named_parameters() if param.requires_grad}
