"""BaseModel: its steps, its losses, its device."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest
import torch
from mmbridge.runners.loop.model import (
    BaseDataPreprocessor,
    BaseModel,
    BaseTTAModel,
    ImgDataPreprocessor,
    detect_anomalous_params,
    merge_dict,
)
from mmbridge.runners.loop.registry import MODELS
from torch import nn


class Toy(BaseModel):
    """A line through the origin; ``losses`` is what it returns for training."""

    def __init__(self, losses: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fc = nn.Linear(2, 1, bias=False)
        self.losses = losses
        self.calls: list[Any] = []

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = "tensor") -> Any:
        self.calls.append((mode, self.data_preprocessor.training, data_samples))
        if mode == "predict":
            return list(inputs)
        return {"loss": self.fc(inputs).sum()} if self.losses is None else self.losses


class Steps:
    """Notes what an optimizer wrapper is asked for, in the order of the calls."""

    def __init__(self) -> None:
        self.notes: list[Any] = []

    @contextmanager
    def optim_context(self, model: nn.Module) -> Any:
        self.notes.append(("enter", model))
        yield
        self.notes.append(("leave", model))

    def update_params(self, loss: Any) -> None:
        self.notes.append(("update", loss))


BATCH = {"inputs": torch.ones(3, 2), "data_samples": ["a", "b", "c"]}


def test_a_training_step_preprocesses_and_runs_forward_in_the_context_and_updates_after_it() -> None:
    model, steps = Toy(), Steps()
    seen = []
    model.data_preprocessor.forward = lambda data, training: seen.append((len(steps.notes), training)) or data

    logged = model.train_step(BATCH, steps)

    assert [("enter", model), ("leave", model)] == steps.notes[:2]
    assert [(1, True)] == seen
    assert [("loss", True, ["a", "b", "c"])] == model.calls
    assert ["loss"] == list(logged)
    assert steps.notes[2] == ("update", logged["loss"])


@pytest.mark.parametrize("step", ["val_step", "test_step"])
@pytest.mark.parametrize(
    "batch",
    [
        pytest.param(BATCH, id="by_name"),
        pytest.param([torch.ones(3, 2), ["a", "b", "c"]], id="a_list"),
        pytest.param((torch.ones(3, 2), ["a", "b", "c"]), id="a_tuple"),
    ],
)
def test_predictions(step: str, batch: Any) -> None:
    model = Toy().eval()

    predicted = getattr(model, step)(batch)

    assert 3 == len(predicted)
    assert [("predict", False, ["a", "b", "c"])] == model.calls


@pytest.mark.parametrize("step", ["val_step", "test_step"])
def test_evaluation_preprocesses_without_augmentation(step: str) -> None:
    model = Toy()
    seen = []
    model.data_preprocessor.forward = lambda data, training: seen.append(training) or data

    getattr(model, step)(BATCH)

    assert [False] == seen


def test_a_preprocessor_that_returns_a_bare_tensor_is_refused() -> None:
    with pytest.raises(TypeError, match=r"must return a dict, list or tuple.*found Tensor"):
        Toy().train_step(torch.ones(3, 2), Steps())


def test_a_key_loss_of_the_model_is_logged_in_place_of_the_total() -> None:
    """The optimised total includes all, the logged ``loss`` is the model's own entry."""
    losses = {"loss": torch.tensor(1.0), "loss_cls": [torch.tensor([1.0, 3.0]), torch.tensor(5.0)]}

    total, logged = Toy().parse_losses(losses)

    assert 8 == total
    assert {"loss": 1, "loss_cls": 7} == logged
    assert ["loss", "loss_cls"] == list(logged)


def test_losses_are_summed_and_everything_is_logged_the_total_first() -> None:
    losses = {
        "acc": torch.tensor([0.0, 1.0]),
        "loss_a": torch.tensor([[1.0, 2.0], [3.0, 6.0]]),
        "b_loss": torch.tensor(4.0),
        "aux_losses": [torch.tensor([1.0, 3.0])],
    }

    total, logged = Toy().parse_losses(losses)

    assert 9 == total
    assert [("loss", 9), ("acc", 0.5), ("loss_a", 3), ("b_loss", 4), ("aux_losses", 2)] == list(logged.items())


def test_without_losses_the_total_is_the_integer_0() -> None:
    total, logged = Toy().parse_losses({"acc": torch.tensor(1.0)})

    assert (0, int) == (total, type(total))
    assert {"loss": 0, "acc": 1} == logged


def test_training_without_losses_is_refused_with_the_names_that_came() -> None:
    steps = Steps()

    with pytest.raises(ValueError, match=r"Toy.forward\(mode='loss'\) returned no loss.*found the names \['acc'\]"):
        Toy({"acc": torch.tensor(1.0)}).train_step(BATCH, steps)
    assert "update" not in {note[0] for note in steps.notes}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(1.0, id="a_float"),
        pytest.param((torch.ones(1),), id="a_tuple"),
        pytest.param([torch.ones(1), 2.0], id="a_list_with_a_float"),
    ],
)
def test_other_losses_are_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=r"'loss_a' that the model returned .* is not a tensor or list of tensors"):
        Toy().parse_losses({"loss_a": value})


def test_one_loss_of_no_dimensions_is_the_total_itself() -> None:
    loss = torch.tensor(2.0, requires_grad=True) * 3

    total, logged = Toy().parse_losses({"loss_a": loss})

    assert total is loss
    assert logged["loss_a"] is loss


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(None, BaseDataPreprocessor, id="the_default"),
        pytest.param({"type": "ImgDataPreprocessor"}, ImgDataPreprocessor, id="a_dict"),
        pytest.param({"type": "mmengine.ImgDataPreprocessor"}, ImgDataPreprocessor, id="a_dict_with_scope"),
        pytest.param(nn.Identity(), nn.Identity, id="any_module"),
    ],
)
def test_preprocessor(given: Any, expected: type) -> None:
    assert expected is type(Toy(data_preprocessor=given).data_preprocessor)


def test_a_preprocessor_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match=r"data_preprocessor of Toy must be a dict or an nn.Module, found int"):
        Toy(data_preprocessor=3)


def test_forward_must_be_defined() -> None:
    with pytest.raises(TypeError, match="abstract"):
        BaseModel()


@pytest.mark.parametrize(
    ("arguments", "named", "expected"),
    [
        pytest.param(("meta",), {}, "meta", id="a_name"),
        pytest.param((torch.device("meta"),), {}, "meta", id="a_device"),
        pytest.param(("meta", torch.float64), {}, "meta", id="device_and_type"),
        pytest.param((), {"device": "meta"}, "meta", id="by_keyword"),
        pytest.param((torch.empty(1, device="meta"),), {}, "meta", id="a_tensor"),
        pytest.param((), {"tensor": torch.empty(1, device="meta")}, "meta", id="a_tensor_by_keyword"),
        pytest.param((torch.float64,), {}, "cpu", id="only_a_type"),
        pytest.param((), {"dtype": torch.float64}, "cpu", id="only_a_type_by_keyword"),
    ],
)
def test_moving_a_model_reaches_every_preprocessor_in_it(arguments: Any, named: Any, expected: str) -> None:
    model = Toy()
    model.inner = nn.Sequential(Toy())

    moved = model.to(*arguments, **named)

    assert moved is model
    assert expected == model.data_preprocessor.device.type == model.inner[0].data_preprocessor.device.type
    assert expected == model.fc.weight.device.type


def test_moving_back_to_the_cpu() -> None:
    """Parameters on ``meta`` cannot come back; a model without any shows what the preprocessor is told."""
    preprocessor = BaseDataPreprocessor().to("meta")

    assert "meta" == preprocessor.cast_data(torch.ones(2)).device.type
    assert preprocessor.cpu() is preprocessor
    assert "cpu" == preprocessor.device.type


@pytest.mark.parametrize("kind", ["cuda", "npu", "mlu", "musa"])
def test_devices_that_are_not_there_are_torchs_to_refuse(kind: str) -> None:
    model = Toy()
    if kind == "cuda" and torch.cuda.is_available():
        assert model.cuda().data_preprocessor.device == model.fc.weight.device
        assert model.cuda(0).data_preprocessor.device == torch.device("cuda", 0)
        return

    with pytest.raises((RuntimeError, AssertionError)):
        getattr(model, kind)()
    assert "cpu" == model.data_preprocessor.device.type


class Merged(BaseTTAModel):
    """The predictions of all augmentations as they are."""

    def merge_preds(self, data_samples_list: list[Any]) -> list[Any]:
        return data_samples_list


@pytest.mark.parametrize(
    "batch",
    [
        pytest.param({"inputs": [["a0", "b0"], ["a1", "b1"]], "data_samples": [[0, 1], [2, 3]]}, id="a_dict"),
        pytest.param([[["a0", "b0"], ["a1", "b1"]], [[0, 1], [2, 3]]], id="a_list"),
        pytest.param(([["a0", "b0"], ["a1", "b1"]], [[0, 1], [2, 3]]), id="a_tuple"),
    ],
)
def test_test_time_augmentation_merges_per_sample(batch: Any) -> None:
    model = Merged(Toy())

    assert [("a0", "a1"), ("b0", "b1")] == model.test_step(batch)
    assert [[0, 1], [2, 3]] == [samples for _, _, samples in model.module.calls]


def test_test_time_augmentation_builds_its_model_and_leaves_the_config_alone() -> None:
    MODELS.register_module(module=Toy)
    try:
        cfg = {"type": "Toy"}
        model = Merged(cfg, {"type": "ImgDataPreprocessor"})
    finally:
        del MODELS.module_dict["Toy"]

    assert {"type": "Toy"} == cfg
    assert isinstance(model.module.data_preprocessor, ImgDataPreprocessor)


@pytest.mark.parametrize(
    ("act", "error", "match"),
    [
        pytest.param(lambda: Merged(3), TypeError, "module of Merged must be a dict or an nn.Module", id="no_module"),
        pytest.param(lambda: Merged(nn.ReLU()), TypeError, "must have a test_step; ReLU has none", id="no_test_step"),
        pytest.param(lambda: Merged(Toy()).test_step("x"), TypeError, "is a dict, list or tuple", id="no_batch"),
        pytest.param(lambda: Merged(Toy())(1), NotImplementedError, "Merged has no forward", id="forward"),
        pytest.param(lambda: BaseTTAModel(Toy()), TypeError, "abstract", id="no_merge_preds"),
    ],
)
def test_test_time_augmentation_refuses(act: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        act()


def test_merge_dict() -> None:
    assert {"a": 3, "b": 2} == merge_dict({"a": 1, "b": 2}, {"a": 3})
    assert {} == merge_dict()
    with pytest.raises(TypeError, match="merge_dict takes dicts, found list"):
        merge_dict({}, [])


def test_parameters_outside_of_the_loss_are_told(caplog: pytest.LogCaptureFixture) -> None:
    model = nn.ModuleDict({name: nn.Linear(1, 1) for name in ("used", "unused", "frozen")})
    model["frozen"].requires_grad_(False)
    loss = model["used"](torch.ones(1)) * 2

    detect_anomalous_params(loss, model)

    assert [("unused.weight", True), ("unused.bias", True)] == [
        (record.args[0], record.levelname == "ERROR") for record in caplog.records
    ]


def test_a_deep_graph_is_walked_without_recursion() -> None:
    loss = torch.ones((), requires_grad=True)
    for _ in range(5000):
        loss = loss * 1.0

    detect_anomalous_params(loss, nn.Identity())
