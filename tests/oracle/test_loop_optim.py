"""Parameter groups, trained parameters and states are those of the real MMEngine 0.10.7."""

from __future__ import annotations

import copy
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mmbridge.runners.loop import optim as ours
from mmbridge.runners.loop.logging import MessageHub
from torch import nn
from torch.optim import SGD
from zoo_of_parameters import DeformConv2d, Model, ModulatedDeformConv2d

pytestmark = pytest.mark.oracle

MULTIPLIERS = st.sampled_from([0, 0.0, 0.1, 0.25, 2])
OPTIONS = {
    f"{option}_mult": MULTIPLIERS
    for option in ("bias_lr", "bias_decay", "norm_decay", "dwconv_decay", "flat_decay", "dcn_offset_lr")
}
ENTRIES = st.fixed_dictionaries(
    {}, optional={"lr_mult": MULTIPLIERS, "decay_mult": MULTIPLIERS, "maximize": st.booleans(), "note": st.just("mine")}
)
KEYS = [
    "backbone",
    "backbone.0",
    "bn",
    "bias",
    ".scale",
    "scale",
    "gn",
    "ne",
    "ln",
    "conv_offset",
    "dcn",
    "neck.fc",
    "w",
]
PARAMWISE = st.fixed_dictionaries(
    {},
    optional={
        **OPTIONS,
        "bypass_duplicate": st.booleans(),
        "custom_keys": st.dictionaries(st.sampled_from(KEYS), ENTRIES, max_size=4),
    },
)
OPTIMIZERS = [
    {"type": "SGD", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
    {"type": "AdamW", "lr": 1e-4, "betas": (0.9, 0.95), "weight_decay": 0.05},
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small are only slowed down by several."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """MMEngine's package, with MMCV's compiled operators replaced by stand-ins; it says nothing."""
    pytest.importorskip("mmengine.optim")
    from mmengine import optim
    from mmengine.optim.optimizer import default_constructor

    ops = types.SimpleNamespace(DeformConv2d=DeformConv2d, ModulatedDeformConv2d=ModulatedDeformConv2d)
    monkeypatch.setitem(sys.modules, "mmcv.ops", ops)
    monkeypatch.setattr(default_constructor, "mmcv_full_available", lambda: True)
    monkeypatch.setattr(default_constructor, "print_log", lambda *args, **kwargs: None)
    return optim


def groups(wrapper: Any, model: nn.Module) -> list[dict[str, Any]]:
    """The groups, the one of no parameters too; parameters by name."""
    names = {param: name for name, param in model.named_parameters()}
    return [
        {**group, "params": [names.get(param, "none") for param in group["params"]]} for group in wrapper.param_groups
    ]


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(None, OPTIMIZERS[0])
@example({}, OPTIMIZERS[0])
@example({**dict.fromkeys(OPTIONS, 0.1), "bypass_duplicate": True}, OPTIMIZERS[0])
@example({"bias_lr_mult": None, "norm_decay_mult": None, "flat_decay_mult": 0.1}, OPTIMIZERS[1])
@example({"custom_keys": {"gn": {"lr_mult": 3}, "ne": {"lr_mult": 4, "momentum": 0.7}}}, OPTIMIZERS[0])
@given(PARAMWISE, st.sampled_from(OPTIMIZERS))
def test_groups(theirs: Any, paramwise: Any, optimizer: dict[str, Any]) -> None:
    model = Model()
    cfg = {"optimizer": optimizer, "paramwise_cfg": paramwise}

    expected = theirs.build_optim_wrapper(model, cfg)
    actual = ours.build_optim_wrapper(model, cfg)

    assert type(expected.optimizer) is type(actual.optimizer)
    assert groups(expected, model) == groups(actual, model)
    assert expected.get_lr() == actual.get_lr()
    assert expected.get_momentum() == actual.get_momentum()


@pytest.mark.parametrize("bypass", [True, False], ids=["bypass", "no_bypass"])
def test_shared_parameters(theirs: Any, bypass: bool) -> None:
    model = Model()
    model.neck["fc"].weight = model.dcn.weight
    model.frozen.bias = model.neck["fc"].bias
    cfg = {"optimizer": OPTIMIZERS[0], "paramwise_cfg": {"bypass_duplicate": bypass, "bias_lr_mult": 2}}

    def outcome(build: Any) -> Any:
        try:
            return groups(build(model, cfg), model)
        except ValueError:
            return "refused"

    assert outcome(theirs.build_optim_wrapper) == outcome(ours.build_optim_wrapper)


def test_a_constructor_of_a_project(theirs: Any) -> None:
    """Written for MMEngine: overrides add_params, which must therefore call itself for children."""

    def layer_wise(base: Any) -> Any:
        class LayerWise(base):  # type: ignore[misc]
            def add_params(self, params: list[Any], module: nn.Module, prefix: str = "", **kwargs: Any) -> None:
                if prefix.startswith("neck."):
                    params.append({"params": list(module.parameters()), "lr": self.base_lr * 0.25, "name": prefix})
                else:
                    super().add_params(params, module, prefix, **kwargs)

        return LayerWise({"optimizer": OPTIMIZERS[0]}, {"dcn_offset_lr_mult": 0.5})

    model = Model()
    expected, actual = (
        layer_wise(each.DefaultOptimWrapperConstructor)(nn.Sequential(model)) for each in (theirs, ours)
    )

    assert groups(expected, model) == groups(actual, model)


REFUSED = {
    "optimizer_is_no_dict": ([], None),
    "no_optimizer": ({"type": "OptimWrapper"}, None),
    "paramwise_is_no_dict": ({"optimizer": OPTIMIZERS[0]}, [1]),
    "custom_keys_is_no_dict": ({"optimizer": OPTIMIZERS[0]}, {"custom_keys": [1]}),
    "decay_without_weight_decay": ({"optimizer": {"type": "SGD", "lr": 0.1}}, {"bias_decay_mult": 0.0}),
    "custom_decay_without_it": (
        {"optimizer": {"type": "SGD", "lr": 0.1}},
        {"custom_keys": {"fc": {"decay_mult": 0.0}}},
    ),
    "rate_without_lr": ({"optimizer": {"type": "Adam"}}, {"bias_lr_mult": 2}),
    "custom_rate_without_lr": ({"optimizer": {"type": "Adam"}}, {"custom_keys": {"fc": {"lr_mult": 2}}}),
    "unknown_optimizer": ({"optimizer": {"type": "SDG", "lr": 0.1}}, None),
    "counts": ({"optimizer": OPTIMIZERS[0], "accumulative_counts": 0}, None),
    "clip_without_a_limit": ({"optimizer": OPTIMIZERS[0], "clip_grad": {"type": "norm"}}, None),
    "clip_type": ({"optimizer": OPTIMIZERS[0], "clip_grad": {"type": "max", "max_norm": 1}}, None),
}


@pytest.mark.parametrize(("cfg", "paramwise"), REFUSED.values(), ids=REFUSED)
def test_refusals(theirs: Any, cfg: Any, paramwise: Any) -> None:
    """Both refuse it; which error it is differs where MMEngine asserts."""
    with pytest.raises((AssertionError, KeyError, TypeError, ValueError)):
        theirs.DefaultOptimWrapperConstructor(copy.deepcopy(cfg), paramwise)(Model())
    with pytest.raises((KeyError, TypeError, ValueError)):
        ours.DefaultOptimWrapperConstructor(cfg, paramwise)(Model())


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))


class SaidNothing:
    """A hub for MMEngine's wrapper that keeps the norms."""

    def __init__(self) -> None:
        self.norms: list[float] = []

    def update_scalar(self, key: str, value: float) -> None:
        assert key == "train/grad_norm"
        self.norms.append(value)


def train(wrapper: Any, net: nn.Module, first: int, last: int, total: int | None = None) -> None:
    """Iterations ``first`` (included, from 0) to ``last`` (excluded)."""
    data = torch.randn(last, 3, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    if total is not None:
        wrapper.initialize_count_status(net, first, total)
    for batch in data[first:]:
        with wrapper.optim_context(net):
            loss = net(batch).square().mean()
        wrapper.update_params(loss)


TRAINING: dict[str, dict[str, Any]] = {
    "plain": {},
    "accumulation": {"accumulative_counts": 4},
    "clipping_by_norm": {"clip_grad": {"max_norm": 0.3, "norm_type": 2}},
    "clipping_by_value": {"clip_grad": {"type": "value", "clip_value": 0.02}},
    "accumulation_and_clipping": {"accumulative_counts": 3, "clip_grad": {"type": "norm", "max_norm": 0.3}},
    "groups": {"paramwise_cfg": {"norm_decay_mult": 0.0, "bias_lr_mult": 2.0, "custom_keys": {"4": {"lr_mult": 0.1}}}},
    "everything": {
        "accumulative_counts": 4,
        "clip_grad": {"max_norm": 0.3},
        "paramwise_cfg": {"flat_decay_mult": 0.1, "custom_keys": {"0": {"lr_mult": 0.1, "decay_mult": 0.5}}},
    },
}


def equal(left: Any, right: Any) -> bool:
    """Whether two nests of dicts, lists, tensors and plain values are the same, bit for bit."""
    if isinstance(left, torch.Tensor):
        return isinstance(right, torch.Tensor) and torch.equal(left, right)
    if isinstance(left, dict):
        return list(left) == list(right) and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(equal, left, right))
    return type(left) is type(right) and left == right


@pytest.mark.parametrize("counted", [True, False], ids=["announced", "not_announced"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=["sgd", "adamw"])
@pytest.mark.parametrize("cfg", TRAINING.values(), ids=TRAINING)
def test_trained_parameters(theirs: Any, cfg: dict[str, Any], optimizer: dict[str, Any], counted: bool) -> None:
    """Ten losses: 10 is no multiple of 4 or 3, so the last step is for the remainder."""
    cfg = {"optimizer": optimizer, **cfg}
    nets = network(), network()
    expected = theirs.build_optim_wrapper(nets[0], cfg)
    expected.message_hub = SaidNothing()
    actual = ours.build_optim_wrapper(nets[1], cfg)
    actual.message_hub = MessageHub("norms")

    for wrapper, net in zip((expected, actual), nets, strict=True):
        train(wrapper, net, 0, 10, 10 if counted else None)

    assert equal(nets[0].state_dict(), nets[1].state_dict())
    assert equal(expected.state_dict(), actual.state_dict())
    logged = actual.message_hub.log_scalars
    norms = logged["train/grad_norm"].data[0].tolist() if "train/grad_norm" in logged else []
    assert expected.message_hub.norms == norms


@pytest.mark.parametrize("first", ["theirs", "ours"])
@pytest.mark.parametrize("cfg", TRAINING.values(), ids=TRAINING)
def test_a_state_goes_on_in_the_other_engine(theirs: Any, first: str, cfg: dict[str, Any]) -> None:
    """Twelve losses in one engine are eight there and, from the saved state, four in the other."""
    cfg = {"optimizer": OPTIMIZERS[0], **cfg, "accumulative_counts": 4}
    engines = (theirs, ours) if first == "theirs" else (ours, theirs)
    straight = network()
    train(theirs.build_optim_wrapper(straight, cfg), straight, 0, 12)
    net = network()
    wrapper = engines[0].build_optim_wrapper(net, cfg)
    wrapper.param_groups[-1]["lr"] = 0.1
    train(wrapper, net, 0, 8)
    state = copy.deepcopy(wrapper.state_dict())

    other = engines[1].build_optim_wrapper(net, cfg)
    other.load_state_dict(copy.deepcopy(state))
    loaded = copy.deepcopy(other.state_dict())
    train(other, net, 8, 12)

    assert equal(state, loaded)
    assert equal(straight.state_dict(), net.state_dict())


def both(engine: Any, nets: tuple[nn.Module, nn.Module]) -> Any:
    return engine.OptimWrapperDict(
        generator=engine.build_optim_wrapper(
            nets[0], {"optimizer": OPTIMIZERS[1], "paramwise_cfg": {"norm_decay_mult": 0}}
        ),
        critic=engine.OptimWrapper(SGD(nets[1].parameters(), lr=0.2), accumulative_counts=2),
    )


def test_several_optimizers(theirs: Any) -> None:
    nets = (network(), network()), (network(), network())
    expected, actual = both(theirs, nets[0]), both(ours, nets[1])

    for wrappers, pair in zip((expected, actual), nets, strict=True):
        for name, net in zip(wrappers.keys(), pair, strict=True):
            train(wrappers[name], net, 0, 4)

    assert expected.get_lr() == actual.get_lr()
    assert expected.get_momentum() == actual.get_momentum()
    assert equal(expected.state_dict(), actual.state_dict())
    for name in ("generator", "critic"):
        assert equal(_without_params(expected, name), _without_params(actual, name))
    for wrappers, other in ((expected, actual), (actual, expected)):
        wrappers.load_state_dict(copy.deepcopy(other.state_dict()))
        assert equal(other.state_dict(), wrappers.state_dict())


def _without_params(wrappers: Any, name: str) -> list[dict[str, Any]]:
    return [dict(group, params=[]) for group in wrappers.param_groups[name]]


@pytest.mark.parametrize(
    ("scheduler", "arguments"),
    [
        ("MultiStepLR", {"milestones": [2, 4], "gamma": 0.1}),
        ("CosineAnnealingLR", {"T_max": 6, "eta_min": 0.01}),
        ("LinearMomentum", {"start_factor": 0.5, "end": 4}),
    ],
)
def test_schedulers_drive_the_group_of_no_parameters(theirs: Any, scheduler: str, arguments: dict[str, Any]) -> None:
    cfg = {"optimizer": OPTIMIZERS[0], "paramwise_cfg": {"bias_lr_mult": 2.0}}

    def run(engine: Any) -> list[Any]:
        wrapper = engine.build_optim_wrapper(network(), cfg)
        built = getattr(engine, scheduler)(wrapper, **arguments)
        seen = []
        for _ in range(6):
            seen.append([wrapper.get_lr(), wrapper.get_momentum(), wrapper.param_groups[-1]["momentum"]])
            wrapper.step()
            built.step()
        return seen

    assert run(theirs) == run(ours)


def test_the_same_optimizers_are_registered(theirs: Any) -> None:
    """But for ``Adafactor``, of which we tell that its package is missing."""
    assert {*theirs.OPTIMIZERS.module_dict, "Adafactor"} == set(ours.OPTIMIZERS.module_dict)


def test_the_same_names_can_be_imported(theirs: Any) -> None:
    """But for Apex, whose project ended."""
    assert set(theirs.__all__) - {"ApexOptimWrapper"} <= {*ours.__all__}
    assert all(hasattr(ours, name) for name in set(theirs.__all__) - {"ApexOptimWrapper"})
