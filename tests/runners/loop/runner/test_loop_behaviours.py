"""What MMEngine was seen to do in a run, and what this runtime does otherwise on purpose.

docs/reference/loop-behaviours.md lists all of its behaviours, those tested elsewhere too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hook_toys import loader, toys
from hook_toys import make as small
from loop_cases import CASES, EPOCHS, VAL
from mmbridge.compat.config import Config
from mmbridge.compat.errors import BridgeError
from mmbridge.compat.registry import Registry
from mmbridge.runners.loop.hooks import CheckpointHook, Hook
from mmbridge.runners.loop.registry import HOOKS, MODELS, OPTIMIZERS
from mmbridge.runners.loop.runner import BaseLoop
from torch import nn


class Validated(Hook):
    """After which epochs the run validates."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def before_val(self, runner: Any) -> None:
        self.epochs.append(runner.epoch)


@pytest.mark.parametrize(
    ("train", "epochs"),
    [
        pytest.param({"val_begin": 4, "val_interval": 3, "max_epochs": 5}, [5], id="the last epoch always"),
        pytest.param(
            {"val_begin": 2, "val_interval": 4, "dynamic_intervals": [(5, 2), (8, 1)], "max_epochs": 10},
            [4, 6, 7, 8, 9, 10],
            id="an interval holds from the epoch before its milestone on",
        ),
    ],
)
def test_behaviour_18_when_a_run_validates(
    train: dict[str, Any], epochs: list[int], engine: Any, tmp_path: Path
) -> None:
    hook = Validated()
    small(engine, tmp_path, batches=1, scores=[{"acc": 0.5}], train=train, custom_hooks=[hook]).train()

    assert epochs == hook.epochs


def test_behaviour_12_the_base_rate_of_several_groups_is_not_scaled(make: Any) -> None:
    runner = make(**CASES["rates for another batch size"])
    runner.train_loop  # noqa: B018 - built by reading
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    before = runner.optim_wrapper.get_lr()
    runner.scale_lr(runner.optim_wrapper, runner.auto_scale_lr)

    assert {"base_lr": before["base_lr"], "lr": [2 * rate for rate in before["lr"]]} == runner.optim_wrapper.get_lr()


def test_behaviour_28_a_step_may_return_nothing(engine: Any, tmp_path: Path) -> None:
    """In MMEngine that is an IndexError."""
    growing, _ = toys(engine)

    class Silent(growing):  # type: ignore[misc, valid-type]
        def val_step(self, data: Any) -> list[Any]:
            return []

    class Count(engine.BaseMetric):  # type: ignore[misc]
        def process(self, data_batch: Any, data_samples: Any) -> None:
            self.results.append(len(data_samples))

        def compute_metrics(self, results: Any) -> dict[str, int]:
            return {"predictions": sum(results)}

    runner = small(engine, tmp_path, model=Silent(), scores=[{}], val_evaluator=[Count()])

    assert {"predictions": 0} == runner.val()


def test_behaviour_28_losses_of_a_validation_are_plain_numbers(make: Any) -> None:
    """NumPy's in MMEngine."""
    metrics = make(**{**CASES["validation losses"], **VAL}).val()

    assert {"loss_l2", "aux", "val_loss"} <= set(metrics)
    assert metrics["val_loss"] == metrics["loss_l2"]
    assert [float] * 3 == [type(metrics[name]) for name in ("loss_l2", "aux", "val_loss")]


def test_behaviour_30_a_loader_needs_no_sampler(engine: Any, tmp_path: Path) -> None:
    """In MMEngine that is a KeyError; as in torch, the order is that of the data."""
    data = loader(3)
    del data["sampler"]
    runner = small(engine, tmp_path, train_dataloader=data)

    assert [0, 1, 2] == [float(batch["inputs"][0]) for batch in runner.train_dataloader]


def test_behaviour_31_there_are_no_other_ways_to_call_hooks(make: Any) -> None:
    assert not hasattr(make(**EPOCHS), "call_hooks")


def test_behaviour_33_a_loop_knows_its_runner_and_its_data_only() -> None:
    class Mine(BaseLoop):
        def run(self) -> None: ...

    with pytest.raises(TypeError, match="positional arguments"):
        Mine(None, [], None)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("text", "unset", "seven"),
    [
        pytest.param("{{$MMBRIDGE_NUM:3}}", 3, 7, id="bare, which is a SyntaxError in MMEngine"),
        pytest.param("{{'$MMBRIDGE_NUM:3'}}", 3, 7, id="quotes within"),
        pytest.param("'{{$MMBRIDGE_NUM:3}}'", "3", "7", id="a text"),
    ],
)
def test_behaviour_37_variables_of_the_environment_are_pasted_as_text(
    text: str, unset: Any, seven: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text(f"x = {text}\n")
    before = Config.fromfile(tmp_path / "a.py", execute=True).x
    monkeypatch.setenv("MMBRIDGE_NUM", "7")

    assert (unset, seven) == (before, Config.fromfile(tmp_path / "a.py", execute=True).x)


class Plain(nn.Linear):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(1, 1)


def test_behaviour_39_registries_of_a_project_below_those_of_the_runtime() -> None:
    child = Registry("model", parent=MODELS, scope="of_a_project")
    child.register_module("OnlyThere", module=Plain)
    below = Registry("model", parent=child, scope="below_it")
    below.register_module("Deeper", module=Plain)

    assert child.get("BaseTTAModel") is MODELS.get("BaseTTAModel") is not None
    assert (None, Plain) == (MODELS.get("OnlyThere"), MODELS.get("of_a_project.OnlyThere"))
    assert (None, Plain) == (MODELS.get("below_it.Deeper"), child.get("below_it.Deeper"))
    assert MODELS.get("torch.nn.ReLU") is nn.ReLU


def test_behaviour_39_a_scope_finds_a_projects_parts(engine: Any, tmp_path: Path) -> None:
    """By the run's default scope, or by a dict's own."""
    growing, _ = toys(engine)
    child = Registry("model", parent=MODELS, scope="scope_of_a_run")
    child.register_module("Grown", module=growing)
    model = {"type": "Grown"}

    assert "Growing" == small(engine, tmp_path, model=model, default_scope="scope_of_a_run").model_name
    assert "Growing" == small(engine, tmp_path, model={**model, "_scope_": "scope_of_a_run"}).model_name
    with pytest.raises(BridgeError, match="'Grown' is not in registry 'model'"):
        small(engine, tmp_path, model=model)


def test_behaviour_39_any_callable_is_a_type_and_its_errors_are_its_own(engine: Any, tmp_path: Path) -> None:
    growing, _ = toys(engine)

    def failing() -> None:
        raise ZeroDivisionError("of the model itself")

    assert "Growing" == small(engine, tmp_path, model={"type": lambda: growing()}).model_name
    with pytest.raises(ZeroDivisionError) as error:
        small(engine, tmp_path, model={"type": failing})
    assert ("of the model itself",) == error.value.args


def test_the_entries_of_default_hooks(engine: Any, tmp_path: Path) -> None:
    """A dict takes the place of the whole default, None of nothing, and a new name comes after all of its priority."""

    @HOOKS.register_module(force=True)
    class Another(Hook):
        priority = "VERY_LOW"

    hooks = {"timer": None, "checkpoint": {"type": "CheckpointHook"}, "mine": {"type": "Another"}}
    runner = small(engine, tmp_path, epochs=3, default_hooks=hooks)
    runner.train()

    names = [type(hook).__name__ for hook in runner.hooks]
    assert [
        "RuntimeInfoHook",
        "DistSamplerSeedHook",
        "LoggerHook",
        "ParamSchedulerHook",
        "CheckpointHook",
        "Another",
    ] == names
    assert -1 == next(hook.interval for hook in runner.hooks if isinstance(hook, CheckpointHook))
    assert ["epoch_3.pth"] == [path.name for path in tmp_path.glob("*.pth")]


def test_behaviour_42_a_schedule_for_each_of_several_optimizers(make: Any) -> None:
    case = CASES["two optimizers"]
    runner = make(**case)
    runner.train()

    assert {"generator", "critic"} == set(runner.param_schedulers)
    assert {"train/generator.lr", "train/critic.lr"} <= set(runner.message_hub.log_scalars)
    with pytest.raises(KeyError, match="param_scheduler: has nothing for the optimizer 'critic'"):
        make(**{**case, "param_scheduler": {"generator": case["param_scheduler"]["generator"]}}).train()


BY_NATURE = {"LBFGS": "closure", "Muon": "2D parameters", "SparseAdam": "dense gradients"}
OF_TORCH = sorted(
    name
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
)


@pytest.mark.parametrize("name", OF_TORCH)
def test_every_optimizer_of_torch_trains(name: str, engine: Any, tmp_path: Path) -> None:
    """But those that need another kind of model or loop, as torch says itself."""
    settings = {"type": "TorchAdafactor" if name == "Adafactor" else name}
    runner = small(engine, tmp_path, epochs=1, optim_wrapper={"optimizer": settings})
    assert OPTIMIZERS.get(settings["type"]) is getattr(torch.optim, name)
    if name in BY_NATURE:
        with pytest.raises((TypeError, ValueError, RuntimeError), match=BY_NATURE[name]):
            runner.train()
        return
    runner.train()

    assert 1.0 != runner.bare_model.w.item()


def test_a_launcher_without_its_environment_is_told(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # a launched run sets these for its process, and how workers start
    monkeypatch.setenv("MKL_NUM_THREADS", "1")
    monkeypatch.setattr(torch.multiprocessing, "set_start_method", lambda method: None)

    with pytest.raises(BridgeError, match="RANK"):
        make(**EPOCHS, launcher="pytorch")
