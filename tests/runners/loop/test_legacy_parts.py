from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from mmbridge.runners.loop.dataset import default_collate_for, legacy_collate
from mmbridge.runners.loop.legacy_parts import LegacyModel, WrongOutputs, adapt_model, legacy_outputs, parsed_losses
from mmbridge.runners.loop.optim import OptimWrapper, OptimWrapperDict
from mmbridge.runners.loop.registry import MODEL_WRAPPERS
from mmbridge.runners.parallel import DataContainer, MMDataParallel, collate, is_module_wrapper
from mmbridge.runners.testing import single_gpu_test
from torch import nn
from torch.nn.parallel import DataParallel
from torch.utils.data import DataLoader, Dataset


class Samples(Dataset):
    """Points in DataContainers, each with a name."""

    def __init__(self, size: int = 6) -> None:
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(size, 3, generator=generator, dtype=torch.float64)
        self.y = torch.randn(size, 2, generator=generator, dtype=torch.float64)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> dict[str, Any]:
        x, y = (DataContainer(each[index], stack=True, pad_dims=None) for each in (self.x, self.y))
        return {"x": x, "y": y, "names": DataContainer(f"n{index}", cpu_only=True)}


class Forward(nn.Module):
    """A model of MMCV 1.x with nothing but ``forward``."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(3, 2, generator=generator, dtype=torch.float64))
        self.norm = nn.BatchNorm1d(2, dtype=torch.float64)
        self.seen: list[Any] = []

    def forward(self, x: torch.Tensor, y: Any = None, names: Any = None, return_loss: bool = True) -> Any:
        self.seen.append((type(x).__name__, names))
        output = self.norm(x @ self.weight)
        if not return_loss:
            return [(name, each) for name, each in zip(names, output, strict=True)]
        return {"loss_a": (output - y).square(), "loss_b": [output.abs(), output.square()], "spread": output.std()}


class WithSteps(Forward):
    """The usual one: steps that return a dict with the loss."""

    def train_step(self, data: Any, optimizer: Any, **kwargs: Any) -> dict[str, Any]:
        self.optimizer = optimizer
        losses = self(**data)
        loss = losses["loss_a"].mean()
        return {"loss": loss, "log_vars": {"loss": loss.item()}, "num_samples": len(data["names"])}

    def val_step(self, data: Any, optimizer: Any = None) -> dict[str, Any]:
        loss = self(**data)["loss_a"].mean()
        return {"loss": loss, "log_vars": {"loss_val": loss.item()}, "num_samples": len(data["names"])}


def loader(batch_size: int = 3, **collating: Any) -> Any:
    dataset = Samples()
    return DataLoader(dataset, batch_size, collate_fn=collating.get("collate_fn", default_collate_for(dataset)))


def wrapper(model: nn.Module, lr: float = 0.1, **options: Any) -> OptimWrapper:
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    return OptimWrapper(optimizer, **options)


class Modern(nn.Module):
    def train_step(self, data: Any, optim_wrapper: Any) -> Any: ...


class AnyArguments(nn.Module):
    def train_step(self, *args: Any, **kwargs: Any) -> Any: ...


class KeywordsOnly(nn.Module):
    def train_step(self, data: Any, **kwargs: Any) -> Any: ...


class Positional(nn.Module):
    def train_step(self, data: Any, opt: Any) -> Any: ...


class OptionalOptimizer(nn.Module):
    def train_step(self, data: Any, optimizer: Any = None, **kwargs: Any) -> Any: ...


@pytest.mark.parametrize(
    ("model", "adapted"),
    [
        pytest.param(Modern(), False, id="optim_wrapper"),
        pytest.param(AnyArguments(), False, id="any_arguments"),
        pytest.param(KeywordsOnly(), False, id="any_keywords"),
        pytest.param(nn.Linear(1, 1), False, id="neither_kind"),
        pytest.param(DataParallel(nn.Linear(1, 1)), False, id="a_wrapper"),
        pytest.param(LegacyModel(WithSteps()), False, id="adapted_already"),
        pytest.param(Positional(), True, id="two_positional"),
        pytest.param(OptionalOptimizer(), True, id="optional_optimizer"),
        pytest.param(WithSteps(), True, id="steps"),
        pytest.param(Forward(), True, id="forward_only"),
    ],
)
def test_which_models_are_adapted(model: nn.Module, adapted: bool) -> None:
    found = adapt_model(model)

    assert adapted == (found is not model)
    assert not adapted or (isinstance(found, LegacyModel) and found.module is model)


def test_adapter_is_a_wrapper_of_the_bare_model() -> None:
    """So checkpoints hold the keys of the model itself."""
    model = WithSteps()
    adapted = adapt_model(model)

    assert MODEL_WRAPPERS.get("LegacyModel") is LegacyModel
    assert is_module_wrapper(adapted)
    assert list(model.parameters()) == list(adapted.parameters())
    assert ["module." + key for key in model.state_dict()] == list(adapted.state_dict())
    assert not adapted.eval().module.training


def trained_as_in_mmcv(kind: type[nn.Module], clip: float | None = None) -> tuple[list[Any], dict[str, Any]]:
    """MMDataParallel and what OptimizerHook does."""
    model = kind()
    parallel = MMDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    logged = []
    for batch in loader(collate_fn=lambda samples: collate(samples, samples_per_gpu=3)):
        outputs = parallel.train_step(batch, optimizer)
        optimizer.zero_grad()
        outputs["loss"].backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        logged.append(outputs["log_vars"])
    return logged, model.state_dict()


@pytest.mark.parametrize("clip", [None, 0.05], ids=["plain", "clipped"])
def test_training_equals_mmcv_1_bit_for_bit(clip: float | None) -> None:
    expected, weights = trained_as_in_mmcv(WithSteps, clip)
    model = WithSteps()
    optim_wrapper = wrapper(model, **({} if clip is None else {"clip_grad": {"max_norm": clip}}))
    adapted: Any = adapt_model(model)
    logged = [adapted.train_step(batch, optim_wrapper=optim_wrapper) for batch in loader()]

    assert expected == logged
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in weights.items())
    assert optim_wrapper.optimizer is model.optimizer


def test_hooks_of_mmcv_see_all_that_the_step_returned() -> None:
    model = WithSteps()
    batch = next(iter(loader()))
    adapted: Any = adapt_model(model)
    logged = adapted.train_step(batch, wrapper(model))
    seen = legacy_outputs(logged, batch)

    assert logged == seen["log_vars"] == {"loss": seen["loss"].item()}
    assert 3 == seen["num_samples"]
    assert seen is legacy_outputs(seen, batch)


@pytest.mark.parametrize(
    ("batch", "samples"),
    [({"x": torch.ones(3)}, 3), ([(1, 2), (3, 4)], 2), ((torch.ones(4), 1), 4), ("text", 1)],
    ids=["mapping", "lists", "tuple", "something_else"],
)
def test_values_of_a_new_style_step_as_hooks_of_mmcv_know_them(batch: Any, samples: int) -> None:
    values = {"loss": 1.0, "acc": 2.0}

    assert {**values, "log_vars": values, "num_samples": samples} == legacy_outputs(values, batch)
    assert [1] == legacy_outputs([1], batch)


def test_batches_reach_the_model_unpacked() -> None:
    model = WithSteps()
    adapted: Any = adapt_model(model)
    for batch in loader():
        adapted.train_step(batch, wrapper(model))

    assert [("Tensor", ["n0", "n1", "n2"]), ("Tensor", ["n3", "n4", "n5"])] == model.seen


def test_losses_of_a_model_with_forward_only() -> None:
    """The sum of what has 'loss' in its name is optimised; everything is logged, without its graph."""
    model, twin = Forward(), Forward()
    adapted: Any = adapt_model(model)
    optim_wrapper = wrapper(model, lr=0.1)
    logged = adapted.train_step(next(iter(loader())), optim_wrapper)
    samples = Samples()
    losses = twin(samples.x[:3], samples.y[:3])
    loss = losses["loss_a"].mean() + (losses["loss_b"][0].mean() + losses["loss_b"][1].mean())
    loss.backward()

    assert ["loss_a", "loss_b", "spread", "loss"] == list(logged)
    assert (loss.item(), losses["spread"].item()) == (float(logged["loss"]), float(logged["spread"]))
    assert not any(value.requires_grad for value in logged.values())
    torch.testing.assert_close(model.weight, twin.weight - 0.1 * twin.weight.grad, rtol=0, atol=0)


def test_gradients_are_accumulated_by_the_wrapper() -> None:
    model, twin = WithSteps(), WithSteps()
    adapted: Any = adapt_model(model)
    optim_wrapper = wrapper(model, accumulative_counts=2)
    optim_wrapper.initialize_count_status(adapted, 0, 2)
    before = model.weight.detach().clone()
    first, second = loader()
    adapted.train_step(first, optim_wrapper)

    assert torch.equal(before, model.weight)

    adapted.train_step(second, optim_wrapper)
    for batch in loader():
        (MMDataParallel(twin).train_step(batch, None)["loss"] / 2).backward()

    torch.testing.assert_close(model.weight, before - 0.1 * twin.weight.grad, rtol=0, atol=0)


class Rivals(nn.Module):
    """Two networks that step their own optimizers."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(1, 1), nn.Linear(1, 1)

    def train_step(self, data: Any, optimizer: Any) -> dict[str, Any]:
        assert {"a": torch.optim.SGD, "b": torch.optim.Adam} == {name: type(each) for name, each in optimizer.items()}
        loss = self.a(data["x"]).sum() + self.b(data["x"]).sum()
        for each in optimizer.values():
            each.zero_grad()
        loss.backward()
        for each in optimizer.values():
            each.step()
        return {"log_vars": {"loss_both": float(loss.detach())}, "num_samples": 1}


def test_several_optimizers_are_stepped_by_the_model() -> None:
    model = Rivals()
    adapted: Any = adapt_model(model)
    optim_wrapper = OptimWrapperDict(
        a=OptimWrapper(torch.optim.SGD(model.a.parameters(), lr=0.5)),
        b=OptimWrapper(torch.optim.Adam(model.b.parameters(), lr=0.5)),
    )
    before = copy.deepcopy(model.state_dict())
    logged = adapted.train_step({"x": torch.ones(1, 1)}, optim_wrapper)

    assert ["loss_both"] == list(logged)
    assert all(not torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_results_are_those_of_the_old_test() -> None:
    expected_model, model = Forward(), Forward()
    expected = single_gpu_test(MMDataParallel(expected_model), loader())
    adapted: Any = adapt_model(model)
    adapted.eval()
    with torch.no_grad():
        found = [result for batch in loader() for result in adapted.val_step(batch)]
        tested = [result for batch in loader() for result in adapted.test_step(batch)]

    assert ["n0", "n1", "n2", "n3", "n4", "n5"] == [name for name, _ in found] == [name for name, _ in tested]
    assert all(torch.equal(one, other) for (_, one), (_, other) in zip(expected, found, strict=True))


def test_a_dict_of_results_counts_as_one() -> None:
    """As the pose estimators of 1.x have it: one dict for a batch."""

    class Dicts(Forward):
        def forward(self, x: Any, return_loss: bool = True, **kwargs: Any) -> Any:
            return {"preds": x.tolist()}

    adapted: Any = adapt_model(Dicts())

    assert [{"preds": [1.0, 2.0]}] == adapted.val_step({"x": torch.tensor([1.0, 2.0])})


def test_validation_loss_is_what_val_step_logs() -> None:
    model = WithSteps()
    adapted: Any = adapt_model(model).eval()
    batch = next(iter(loader()))
    expected = MMDataParallel(copy.deepcopy(model)).val_step(batch, None)

    assert (expected["log_vars"], 3) == adapted.loss_step(batch)


def test_validation_loss_without_val_step() -> None:
    adapted: Any = adapt_model(Forward()).eval()
    with torch.no_grad():
        logged, samples = adapted.loss_step(next(iter(loader())))

    assert ["loss_a", "loss_b", "spread", "loss"] == list(logged)
    assert 3 == samples


@pytest.mark.parametrize(
    ("data", "samples"),
    [
        pytest.param({"flag": True, "x": torch.ones(4, 3)}, 4, id="tensor"),
        pytest.param({"x": DataContainer([torch.ones(5, 3)], stack=True)}, 5, id="container"),
        pytest.param({"names": ["a", "b"]}, 2, id="list"),
        pytest.param({"flag": True}, 1, id="nothing_countable"),
    ],
)
def test_samples_of_a_batch_are_counted(data: dict[str, Any], samples: int) -> None:
    class One(nn.Module):
        def forward(self, return_loss: bool = True, **kwargs: Any) -> Any:
            return torch.ones(())

    adapted: Any = adapt_model(One())

    assert ({"loss": torch.ones(())}, samples) == adapted.loss_step(data)


def test_forward_unpacks() -> None:
    adapted = adapt_model(Forward())
    results = adapted(return_loss=False, **next(iter(loader())))

    assert ["n0", "n1", "n2"] == [name for name, _ in results]


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        pytest.param([1.0], "losses must be a tensor or a dict of tensors, found list", id="list"),
        pytest.param({"loss": 1.0}, "'loss' that the model returned for training is not a tensor", id="number"),
    ],
)
def test_losses_of_another_form(losses: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        parsed_losses(losses)


def test_own_entry_loss_is_optimised_and_logged_with_the_others() -> None:
    """As in MMCV 1.x, where the logged loss is the optimised one."""
    found = parsed_losses({"loss": torch.tensor(1.0), "loss_b": torch.tensor(2.0)})

    assert 3.0 == float(found["loss"]) == float(found["log_vars"]["loss"])
    assert {"loss": torch.tensor(5.0)} == parsed_losses(torch.tensor([4.0, 6.0]))["log_vars"]


def test_train_step_without_a_loss() -> None:
    class Silent(nn.Module):
        def train_step(self, data: Any, optimizer: Any) -> Any:
            return {"log_vars": {}} if data["x"] else None

    adapted: Any = adapt_model(Silent())
    optim_wrapper = wrapper(nn.Linear(1, 1))
    with pytest.raises(WrongOutputs, match=r"train step of Silent gave no tensor 'loss' .* found \['log_vars'\]"):
        adapted.train_step({"x": 1}, optim_wrapper)
    with pytest.raises(WrongOutputs, match=r"Silent\.train_step must return a dict with loss, .* found NoneType"):
        adapted.train_step({"x": 0}, optim_wrapper)


def test_losses_without_a_loss() -> None:
    class Scores(nn.Module):
        def forward(self, x: Any, return_loss: bool = True) -> Any:
            return {"acc": x.mean()}

    adapted: Any = adapt_model(Scores())
    with pytest.raises(WrongOutputs, match=r"train step of Scores gave no tensor 'loss' .* found \['acc'"):
        adapted.train_step({"x": torch.ones(1)}, wrapper(nn.Linear(1, 1)))


def test_a_batch_may_have_any_key() -> None:
    class Named(nn.Module):
        def forward(self, name: Any, data: Any, return_loss: bool = True) -> Any:
            return {"loss": data.mean()} if return_loss else [name]

    adapted: Any = adapt_model(Named())

    assert ["n"] == adapted.val_step({"name": "n", "data": torch.ones(2)})
    assert ({"loss": torch.ones(())}, 2) == adapted.loss_step({"name": "n", "data": torch.ones(2)})


def test_batch_for_testing_must_be_a_mapping() -> None:
    adapted: Any = adapt_model(Forward())
    with pytest.raises(WrongOutputs, match=r"a batch for Forward must be a mapping, .* found list"):
        adapted.val_step([1, 2])


@pytest.mark.parametrize("step", ["train_step", "val_step"])
def test_parts_for_several_devices_are_not_lost_in_silence(step: str) -> None:
    """MMCV 1.x trained on the first part alone."""
    model = WithSteps()
    adapted: Any = adapt_model(model)
    batch = legacy_collate([Samples()[index] for index in range(4)], samples_per_gpu=2)
    arguments = (wrapper(model),) if step == "train_step" else ()
    with pytest.raises(ValueError, match="collated into 2 parts for as many devices, but a process has one"):
        getattr(adapted, step)(batch, *arguments)


def test_no_sync_in_one_process() -> None:
    adapted: Any = adapt_model(WithSteps())
    with adapted.no_sync():
        adapted.loss_step(next(iter(loader())))


def test_adapted_model_can_be_copied() -> None:
    adapted: Any = adapt_model(WithSteps())
    twin = copy.deepcopy(adapted)
    twin.train_step(next(iter(loader())), wrapper(twin))

    assert not torch.equal(adapted.module.weight, twin.module.weight)
