"""``--lr closed-form`` in the real MMEngine sets what the real MMCV sets, bit for bit, at every iteration."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import schedule_grid
from mmbridge.compat.schedules import Loop, Parameter
from mmbridge.migrate.convert import convert
from mmbridge.migrate.rules.arrange import arrange
from real_schedules import stepped_by_mmcv, stepped_by_mmengine

pytestmark = pytest.mark.oracle

EPOCH_LENGTH = 7
"""Short, so that warm-ups reach over many epochs."""


@pytest.fixture(scope="module", autouse=True)
def registered() -> None:
    """What ``custom_imports`` of a converted config does."""
    pytest.importorskip("mmengine")
    importlib.import_module("mmbridge.runners.closed_form")


def cases() -> list[Any]:
    """Every policy, warm-up and unit of the grid for both parameters."""
    grid = {"lr": schedule_grid.lr_configs(), "momentum": schedule_grid.momentum_configs()}
    return [
        pytest.param(parameter, config, loop, id=f"{parameter}: {name}")
        for parameter, configs in grid.items()
        for name, config, loop in configs
    ]


@pytest.mark.parametrize(("parameter", "config", "loop"), cases())
def test_every_policy_and_warmup(parameter: Parameter, config: dict[str, Any], loop: Loop) -> None:
    if config["policy"] == "CosineRestart" and loop.unit == "epoch" and config.get("by_epoch") is False:
        config = {**config, "periods": [20, 40, 24]}  # MMCV wants them to reach the end of the run
    bases = schedule_grid.BASES[parameter]
    configs = {f"{name}_config": config if name == parameter else None for name in schedule_grid.BASES}
    schedulers = arrange(
        **configs, loop=loop, base_lr=None, base_momentum=None, equal_bases=False, style="closed-form"
    ).schedulers
    run = (loop, EPOCH_LENGTH, bases, parameter)

    assert [f"LegacyPolicy{'LR' if parameter == 'lr' else 'Momentum'}"] == [each["type"] for each in schedulers]
    assert stepped_by_mmcv(config, *run) == stepped_by_mmengine(schedulers, *run)


def test_one_maximum_per_group() -> None:
    """MMEngine's wrapper adds settings of its own behind several groups; they are not counted."""
    config = {"policy": "OneCycle", "max_lr": [0.1, 0.3]}
    run = (Loop("iter", 30), 1, (0.02, 0.02), "lr")
    scheduler = {"type": "LegacyPolicyLR", "config": config, "by_epoch": False, "begin": 0, "end": 30}

    assert stepped_by_mmcv(config, *run) == stepped_by_mmengine([scheduler], *run)


# --- a config from the command line, trained by the real Runner ------------------------------------------------

OLD = """
optimizer = dict(type='{optimizer}', lr=0.2{more})
lr_config = dict(policy='CosineAnnealing', min_lr=1e-3, by_epoch=False, warmup='exp', warmup_iters=5)
momentum_config = dict(
    policy='CosineAnnealing', min_momentum=0.5, by_epoch=False, warmup='linear', warmup_iters=4, warmup_ratio=0.95)
runner = dict(type='EpochBasedRunner', max_epochs=4)
"""
OPTIMIZERS = {"SGD": ", momentum=0.9", "Adam": ", betas=(0.9, 0.99)"}


class Seen:
    """A hook that notes what the first group uses at every iteration."""

    def __init__(self) -> None:
        self.values: list[tuple[float, float]] = []

    def hook(self) -> Any:
        values = self.values

        class Hook(pytest.importorskip("mmengine.hooks").Hook):  # type: ignore[misc]
            def before_train_iter(self, runner: Any, *_: Any, **__: Any) -> None:
                (group,) = runner.optim_wrapper.optimizer.param_groups
                momentum = group["betas"][0] if "betas" in group else group["momentum"]
                values.append((group["lr"], momentum))

        return Hook()


def runner_of(config: Any, folder: Path, seen: Seen, **more: Any) -> Any:
    torch = pytest.importorskip("torch")
    models = pytest.importorskip("mmengine.model")

    class Model(models.BaseModel):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

        def forward(self, data: Any, mode: str = "tensor") -> Any:
            return {"loss": (self.weight * data).sum()}

    loader = {"dataset": [torch.ones(1)] * EPOCH_LENGTH, "sampler": {"type": "DefaultSampler", "shuffle": False}}
    runner = pytest.importorskip("mmengine.runner").Runner(
        Model(),
        str(folder),
        train_dataloader=loader,
        train_cfg={"by_epoch": True, "max_epochs": 4},
        optim_wrapper=config.optim_wrapper,
        param_scheduler=config.param_scheduler,
        log_level="ERROR",
        experiment_name=folder.name,
        **more,
    )
    runner.register_hook(seen.hook(), "LOWEST")
    return runner


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_trained_and_resumed_by_the_runner(optimizer: str, tmp_path: Path, mmengine_may_load: None) -> None:
    """The whole path: convert, load, build, train; and a second run that goes on after the second epoch."""
    whole, rest = Seen(), Seen()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = new_config(tmp_path, OLD.format(optimizer=optimizer, more=OPTIMIZERS[optimizer]))
        runner_of(config, tmp_path / f"{optimizer}-whole", whole).train()
        checkpoint = tmp_path / f"{optimizer}-whole/epoch_2.pth"
        runner_of(config, tmp_path / f"{optimizer}-rest", rest, resume=True, load_from=str(checkpoint)).train()
    expected = expected_values(config)

    assert expected == whole.values
    assert expected[2 * EPOCH_LENGTH :] == rest.values
    assert len(expected) == len({lr for lr, _ in expected})


def new_config(folder: Path, text: str) -> Any:
    """What MMEngine loads of the converted file, importing what it says."""
    path = folder / "old.py"
    path.write_text(text)
    (file,) = convert([path], lr="closed-form").files
    (folder / "new.py").write_text(file.new)

    assert "square and reload hold; schedule: 400 iterations, max relative deviation 0" == file.report.proof.sentence()
    return pytest.importorskip("mmengine").Config.fromfile(str(folder / "new.py"))


def expected_values(config: Any) -> list[tuple[float, float]]:
    """Learning rate and momentum at every iteration, set by the real hooks."""
    run = SimpleNamespace(loop=Loop("epoch", 4), bases={"lr": (0.2,), "momentum": (0.9,)})
    columns = [
        stepped_by_mmcv(scheduler.config.to_dict(), run.loop, EPOCH_LENGTH, run.bases[parameter], parameter)[0]
        for parameter, scheduler in zip(run.bases, config.param_scheduler, strict=True)
    ]
    return list(zip(*columns, strict=True))
