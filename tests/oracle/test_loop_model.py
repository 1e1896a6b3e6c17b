"""Models of the loop runtime beside those of the real MMEngine 0.10.7, bit for bit."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from typing import Any

import pytest
import torch
import torch.fx
from hypothesis import given, settings
from hypothesis import strategies as st
from mmbridge.runners.loop import model as ours
from torch import Tensor, nn

pytestmark = pytest.mark.oracle


def theirs() -> Any:
    """MMEngine's package of the same names."""
    return pytest.importorskip("mmengine.model")


class Steps:
    """As much of an optimizer wrapper as a model needs."""

    def optim_context(self, model: nn.Module) -> Any:
        return nullcontext()

    def update_params(self, loss: Any) -> None:
        loss.backward()


def toy(library: Any, **kwargs: Any) -> Any:
    """A model of one library that returns its inputs as losses and predictions."""

    class Toy(library.BaseModel):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(**kwargs)
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, inputs: Any, data_samples: Any = None, mode: str = "tensor") -> Any:
            if mode == "predict":
                return inputs, data_samples
            return {
                name: [each * self.scale for each in value] if isinstance(value, list) else value * self.scale
                for name, value in inputs.items()
            }

    return Toy()


def same(expected: Any, actual: Any) -> None:
    """Equal in type, shape, value (the sign of a zero aside) and order of the keys."""
    if isinstance(expected, dict):
        assert list(expected) == list(actual)
        for key in expected:
            same(expected[key], actual[key])
    elif isinstance(expected, (list, tuple)):
        assert (type(expected), len(expected)) == (type(actual), len(actual))
        for one, other in zip(expected, actual, strict=True):
            same(one, other)
    elif isinstance(expected, Tensor):
        assert (expected.dtype, expected.shape) == (actual.dtype, actual.shape)
        assert torch.equal(expected.nan_to_num(nan=7e7), actual.nan_to_num(nan=7e7))
        assert torch.equal(expected.isnan(), actual.isnan())
    else:
        assert (expected, type(expected)) == (actual, type(actual))


NAMES = st.sampled_from(["loss", "loss_cls", "loss_bbox", "aux.loss", "acc", "LOSS", "lossy", "n"])
SHAPES = st.lists(st.integers(1, 3), max_size=3).map(tuple)
DTYPES = st.sampled_from([torch.float32, torch.float64, torch.float16, torch.bfloat16])


@st.composite
def tensors(draw: Any) -> Tensor:
    """A tensor of floating point, now and then with what is no number."""
    shape, seed = draw(SHAPES), draw(st.integers(0, 2**16))
    tensor = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(draw(DTYPES))
    special = draw(st.sampled_from([None, None, None, float("nan"), float("inf"), 0.0]))
    return tensor if special is None else torch.full_like(tensor, special)


LOSSES = st.dictionaries(NAMES, tensors() | st.lists(tensors(), max_size=3), max_size=5)


@settings(max_examples=300)
@given(LOSSES)
def test_parse_losses(losses: dict[str, Any]) -> None:
    expected_total, expected = toy(theirs()).parse_losses(losses)
    total, logged = toy(ours).parse_losses(losses)

    same(expected_total, total)
    same(dict(expected), logged)


@settings(max_examples=60)
@given(
    LOSSES.filter(lambda losses: any("loss" in key and not isinstance(value, list) for key, value in losses.items()))
)
def test_a_training_step_has_the_same_logs_and_gradients(losses: dict[str, Any]) -> None:
    def trained(library: Any) -> Any:
        model = toy(library)
        logged = model.train_step({"inputs": losses}, Steps())
        return {key: value.detach() if isinstance(value, Tensor) else value for key, value in logged.items()}, (
            model.scale.grad
        )

    same(trained(theirs()), trained(ours))


@pytest.mark.parametrize("value", [1.0, (torch.ones(1),), [1.0], None])
def test_losses_that_both_refuse(value: Any) -> None:
    for library in (theirs(), ours):
        with pytest.raises(TypeError):
            toy(library).parse_losses({"loss": value})


@st.composite
def images(draw: Any, channels: int | None = 3) -> list[Tensor]:
    """Images of different sizes."""
    count = channels or draw(st.integers(1, 4))
    seed = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
    dtype = draw(st.sampled_from([torch.uint8, torch.float32, torch.float64, torch.int64]))
    sizes = draw(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=3))
    return [torch.randint(0, 256, (count, *size), generator=seed).to(dtype) for size in sizes]


NORMALISATION = st.sampled_from(
    [
        {},
        {"mean": [1, 2, 3], "std": [2, 3, 4]},
        {"mean": (123.675,), "std": (58.395,)},
        {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]},
    ]
)
SWAP = st.sampled_from([{}, {"bgr_to_rgb": True}, {"rgb_to_bgr": True}])
PADDING = st.fixed_dictionaries(
    {}, optional={"pad_size_divisor": st.sampled_from([1, 2, 3, 32]), "pad_value": st.sampled_from([0, 7, 0.5, -1])}
)


@settings(max_examples=150)
@given(images(), NORMALISATION, SWAP, PADDING, st.booleans())
def test_image_preprocessor(batch: list[Tensor], normal: Any, swap: Any, padding: Any, stacked: bool) -> None:
    inputs = torch.stack([batch[0], batch[0].flip(0)]) if stacked else batch

    def processed(library: Any) -> Any:
        preprocess = library.ImgDataPreprocessor(**normal, **swap, **padding)
        return preprocess({"inputs": copy.deepcopy(inputs), "other": "kept"}, training=True)

    same(processed(theirs()), processed(ours))


@settings(max_examples=150)
@given(images(channels=None), st.sampled_from([1, 2, 5]), st.sampled_from([0, 1, 9]))
def test_stack_batch(batch: list[Tensor], divisor: int, value: int) -> None:
    same(theirs().stack_batch(batch, divisor, value), ours.stack_batch(batch, divisor, value))


def test_stack_batch_of_vectors_never_pads_the_first_dimension() -> None:
    batch = [torch.ones(3), torch.zeros(3)]

    same(theirs().stack_batch(batch, 4), ours.stack_batch(batch, 4))


NESTED: Any = st.recursive(
    st.none() | st.text(max_size=2) | st.binary(max_size=2) | st.integers() | st.floats(allow_nan=False) | tensors(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=100)
@given(NESTED)
def test_cast_data(batch: Any) -> None:
    expected = theirs().BaseDataPreprocessor()(batch)

    same(expected, ours.BaseDataPreprocessor()(batch))


@pytest.mark.parametrize(
    "arguments",
    [("meta",), (torch.float64,), ("meta", torch.float64), (torch.empty(1, device="meta"),), (torch.device("cpu"),)],
    ids=str,
)
def test_devices(arguments: Any) -> None:
    def placed(library: Any) -> Any:
        model = toy(library, data_preprocessor={"type": "ImgDataPreprocessor", "mean": [0], "std": [1]})
        model.add_module("inner", toy(library))
        model.to(*arguments)
        mean = model.data_preprocessor.mean
        return model.data_preprocessor.device, model.inner.data_preprocessor.device, mean.device, mean.dtype

    assert placed(theirs()) == placed(ours)


class Net(nn.Module):
    """Parameters, a shared one, buffers of several kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1)
        self.norm = nn.BatchNorm2d(2)
        self.tied = nn.Linear(2, 2, bias=False)
        self.tied_too = nn.Linear(2, 2, bias=False)
        self.tied_too.weight = self.tied.weight
        self.register_buffer("unstored", torch.zeros(2), persistent=False)

    def shake(self, generator: torch.Generator) -> None:
        with torch.no_grad():
            for tensor in (*self.parameters(), *self.buffers()):
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 5)


AVERAGES: dict[str, dict[str, Any]] = {
    "StochasticWeightAverage": {},
    "ExponentialMovingAverage": {"momentum": 0.3},
    "MomentumAnnealingEMA": {"momentum": 0.1, "gamma": 3},
}


@pytest.mark.parametrize("update_buffers", [False, True], ids=["buffers_copied", "buffers_averaged"])
@pytest.mark.parametrize("interval", [1, 3])
@pytest.mark.parametrize("name", AVERAGES)
def test_averaged_models(name: str, interval: int, update_buffers: bool) -> None:
    def states(library: Any) -> list[Any]:
        torch.manual_seed(0)
        generator = torch.Generator().manual_seed(1)
        net = Net()
        averaged = getattr(library, name)(net, interval=interval, update_buffers=update_buffers, **AVERAGES[name])
        seen = []
        for _ in range(8):
            net.shake(generator)
            averaged.update_parameters(net)
            seen.append({**copy.deepcopy(dict(averaged.state_dict())), "unstored": averaged.module.unstored.clone()})
        seen.append(sorted(averaged.avg_parameters))
        return seen

    same(states(theirs()), states(ours))


def test_the_state_of_an_average_is_exchangeable() -> None:
    torch.manual_seed(0)
    expected, actual = theirs().ExponentialMovingAverage(Net()), ours.ExponentialMovingAverage(Net())
    expected.update_parameters(Net())

    actual.load_state_dict(expected.state_dict())
    net = Net()
    for averaged in (expected, actual):
        averaged.update_parameters(net)

    same(dict(expected.state_dict()), dict(actual.state_dict()))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("ExponentialMovingAverage", {"momentum": 1.0}), ("MomentumAnnealingEMA", {"gamma": 0})],
    ids=["momentum", "gamma"],
)
def test_settings_that_both_refuse(name: str, arguments: dict[str, Any]) -> None:
    for library in (theirs(), ours):
        with pytest.raises((AssertionError, ValueError)):
            getattr(library, name)(Net(), **arguments)


def network() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2, eps=0.1), nn.Sequential(nn.BatchNorm1d(3, affine=False))
    )
    model[1].running_mean.fill_(3)
    return model


def test_batch_normalisation_over_processes_and_back() -> None:
    def converted(library: Any) -> list[Any]:
        model = library.revert_sync_batchnorm(library.convert_sync_batchnorm(network()))
        return [dict(model.state_dict()), model[1](torch.ones(2, 2, 4)), model[1].eps, model[1].momentum]

    same(converted(theirs()), converted(ours))


def test_test_time_augmentation() -> None:
    def merged(library: Any) -> Any:
        class Merge(library.BaseTTAModel):  # type: ignore[misc,name-defined]
            def merge_preds(self, data_samples_list: Any) -> Any:
                return data_samples_list

        batch = {"inputs": [["a0", "b0"], ["a1", "b1"]], "data_samples": [[0, 1], [2, 3]]}
        return [Merge(toy(library)).test_step(each) for each in (batch, list(batch.values()))]

    assert merged(theirs()) == merged(ours)


def test_the_same_names_are_public_but_for_sharded_data_parallel() -> None:
    assert set(theirs().__all__) - {"MMFullyShardedDataParallel"} == set(ours.__all__)


def test_the_same_classes_are_registered() -> None:
    registry = pytest.importorskip("mmengine.registry")
    from mmbridge.runners.loop import registry as own

    sharded = {"MMFullyShardedDataParallel", "MMDeepSpeedEngineWrapper", "ColossalAIModelWrapper"}
    wrappers = set(registry.MODEL_WRAPPERS.module_dict) - sharded - {"CollosalAIModelWrapper"}  # sic

    assert set(registry.WEIGHT_INITIALIZERS.module_dict) == set(own.WEIGHT_INITIALIZERS.module_dict)
    assert wrappers == set(own.MODEL_WRAPPERS.module_dict) - {"LegacyModel"}  # of models of MMCV 1.x
    of_models = {key for key, kind in registry.MODELS.module_dict.items() if kind.__module__.startswith("mmengine.")}
    assert of_models <= set(own.MODELS.module_dict)


def test_dicts_of_traced_values_are_merged_while_tracing() -> None:
    def nodes(library: Any) -> list[str]:
        class Model(nn.Module):
            def forward(self, a: Any, b: Any) -> Any:
                return library.merge_dict({"a": a, "b": a}, {"b": b})

        return [str(node) for node in torch.fx.symbolic_trace(Model()).graph.nodes]

    assert nodes(theirs()) == nodes(ours)
