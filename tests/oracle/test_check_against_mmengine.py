"""What ``migrate check`` says of a config is what the real MMEngine 0.10.7 does with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mmbridge.migrate.check import check_files

pytestmark = [
    pytest.mark.oracle,
    # Every run of MMEngine leaves open log files and event loops behind, and warns about its small toy data.
    pytest.mark.filterwarnings("ignore"),
]

COMPLETE = """
model = dict(type='CheckedNet')
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=3)
train_dataloader = dict(
    batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True), dataset=dict(type='CheckedData'))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))
val_cfg = dict(type='ValLoop')
val_dataloader = dict(
    batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dict(type='CheckedData'))
val_evaluator = dict(type='CheckedMetric')
default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=1))
"""
BY_ITERATION = "train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=12, val_interval=4)\n"
SAVING = "default_hooks = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=4))\n"


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model, a data set and a metric in MMEngine's registries."""
    torch = pytest.importorskip("torch")
    torchvision = pytest.importorskip("torchvision")
    monkeypatch.setattr(torchvision, "__version__", "0", raising=False)  # the stand-in has none, the runner logs it
    evaluator = pytest.importorskip("mmengine.evaluator")
    from mmengine.model import BaseModel
    from mmengine.registry import DATASETS, METRICS, MODELS

    @MODELS.register_module(force=True)
    class CheckedNet(BaseModel):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

        def forward(self, inputs: Any, mode: str = "tensor") -> Any:
            return {"loss": (self.weight * torch.stack(inputs)).sum()} if mode == "loss" else [self.weight]

    @DATASETS.register_module(force=True)
    class CheckedData(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> dict[str, Any]:
            return {"inputs": torch.ones(1)}

    @METRICS.register_module(force=True)
    class CheckedMetric(evaluator.BaseMetric):
        def process(self, data_batch: Any, data_samples: Any) -> None:
            self.results.append(1)

        def compute_metrics(self, results: list[Any]) -> dict[str, float]:
            return {"acc": 1.0}


def found(folder: Path, text: str) -> tuple[Path, list[str]]:
    """The file of a config that says ``text`` over the complete one, and the ids of what check finds in it."""
    (folder / "complete.py").write_text(COMPLETE, encoding="utf-8")
    path = folder / "config.py"
    path.write_text(f"_base_ = './complete.py'\n{text}", encoding="utf-8")
    return path, sorted({note.rule for report in check_files([path]) for note in report.notes})


def trained(path: Path) -> tuple[Any, list[float]]:
    """MMEngine's runner after training, and the learning rate of every iteration."""
    from mmengine.config import Config
    from mmengine.hooks import Hook
    from mmengine.runner import Runner

    rates: list[float] = []

    class Recorder(Hook):
        priority = "VERY_HIGH"

        def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
            rates.extend(runner.optim_wrapper.get_lr()["lr"])

    config = Config.fromfile(str(path))
    config.work_dir = str(path.parent / "work")
    config.experiment_name = path.parent.name
    config.log_level = "ERROR"
    runner = Runner.from_cfg(config)
    runner.register_hook(Recorder())
    runner.train()
    return runner, rates


REFUSED = [
    pytest.param("train-cfg-mixed", "train_cfg = dict(by_epoch=True)", "Only one of `type` or `by_epoch`", id="both"),
    pytest.param(
        "loop-arguments",
        SAVING + "train_cfg = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=2)",
        "unexpected keyword argument 'max_epochs'",
        id="other loop",
    ),
    pytest.param(
        "loop-arguments",
        "train_cfg = dict(_delete_=True, max_epochs=3)",
        "unexpected keyword argument 'max_epochs'",
        id="no loop",
    ),
    pytest.param("half-triple", "val_evaluator = None", "either all None or not None", id="no evaluator"),
    pytest.param("half-triple", "optim_wrapper = None", "either all None or not None", id="no optimizer"),
    pytest.param(
        "persistent-workers", "train_dataloader = dict(persistent_workers=True)", "needs num_workers > 0", id="workers"
    ),
    pytest.param(
        "inner-optimizer",
        "optim_wrapper = dict(optimizer=dict(paramwise_cfg=dict()))",
        "unexpected keyword argument 'paramwise_cfg'",
        id="paramwise_cfg",
    ),
    pytest.param("hook-without-type", "custom_hooks = [dict(interval=1)]", 'must contain the key "type"', id="type"),
    pytest.param(
        "leftover-delete",
        "optim_wrapper = dict(clip_grad=dict(_delete_=True, max_norm=1))",
        "unexpected keyword argument '_delete_'",
        id="_delete_",
    ),
    *(
        pytest.param("old-name", text, f"unexpected keyword argument '{name}'", id=name)
        for name, text in {
            "samples_per_gpu": "train_dataloader = dict(samples_per_gpu=2)",
            "workers_per_gpu": "train_dataloader = dict(workers_per_gpu=2)",
            "grad_clip": "optim_wrapper = dict(grad_clip=dict(max_norm=1))",
            "cumulative_iters": "optim_wrapper = dict(cumulative_iters=2)",
            "interval": "train_cfg = dict(interval=2)",
        }.items()
    ),
    pytest.param("old-name", "custom_hooks = [dict(type='TextLoggerHook')]", "is not in the mmengine::hook", id="hook"),
    pytest.param("old-name", "param_scheduler = [dict(policy='step')]", "should contain the key type", id="policy"),
    pytest.param(
        "bad-scheduler",
        "param_scheduler = [dict(type='MultiStepLR', milestone=[1])]",
        "unexpected keyword argument 'milestone'",
        id="milestone",
    ),
    pytest.param(
        "bad-scheduler",
        "param_scheduler = [dict(type='PolyLR', begin=2, end=2)]",
        "end should be larger than begin",
        id="end at begin",
    ),
    pytest.param("unloadable", "train_dataloader = dict(batch_size=dict(a=1))", "cannot inherit from base", id="dict"),
]


@pytest.mark.parametrize(("check", "text", "error"), REFUSED)
def test_mmengine_refuses_what_is_found(toys: None, tmp_path: Path, check: str, text: str, error: str) -> None:
    path, ids = found(tmp_path, f"{text}\n")

    assert [check] == ids
    with pytest.raises(Exception, match=error):
        trained(path)


def test_mmengine_trains_the_complete_config(toys: None, tmp_path: Path) -> None:
    path, ids = found(tmp_path, "")
    _, rates = trained(path)

    assert [] == ids
    assert [0.1] * 12 == rates


CURVES = [
    pytest.param(
        "frozen-warmup",
        "param_scheduler = [dict(type='LinearLR', start_factor=0.5, by_epoch=False, begin=0, end=1)]\n",
        [0.05] * 12,
        id="linear warm-up of one step",
    ),
    pytest.param(
        "frozen-warmup",
        "param_scheduler = [dict(type='ConstantLR', factor=0.5)]\n",
        [0.05] * 8,
        id="constant without end",
    ),
    pytest.param(
        "epoch-scheduler",
        BY_ITERATION + SAVING + "param_scheduler = [dict(type='MultiStepLR', milestones=[4, 8])]\n",
        [0.1] * 12,
        id="by epoch in a loop by iteration",
    ),
    pytest.param(
        "lost-milestone",
        "param_scheduler = [dict(type='MultiStepLR', milestones=[2], end=2)]\n",
        [0.1] * 12,
        id="milestone at the scheduler's end",
    ),
    pytest.param(
        "stale-end",
        BY_ITERATION + SAVING + "param_scheduler = [dict(type='PolyLR', by_epoch=False, end=5)]\n",
        [0.1, 0.075, 0.05, 0.025] + [0.0] * 8,
        id="poly that ends early",
    ),
    pytest.param(
        "rising-cosine",
        "param_scheduler = [dict(type='CosineAnnealingLR', by_epoch=True, T_max=1)]\n",
        [0.1] * 4 + [0.0] * 4 + [0.1] * 4,
        id="cosine and back",
    ),
]


@pytest.mark.parametrize(("check", "text", "rates"), CURVES)
def test_rate_is_what_the_finding_says(toys: None, tmp_path: Path, check: str, text: str, rates: list[float]) -> None:
    path, ids = found(tmp_path, text)
    _, used = trained(path)

    assert [check] == ids
    assert pytest.approx(rates, rel=1e-9, abs=1e-12) == used[: len(rates)]  # a product of a few factors


def test_dead_key_changes_nothing(toys: None, tmp_path: Path) -> None:
    path, ids = found(tmp_path, "runner = dict(type='EpochBasedRunner', max_epochs=1)\noptimizer = dict(lr=9.)\n")
    runner, rates = trained(path)

    assert ["dead-key"] == ids
    assert 3 == runner.max_epochs
    assert [0.1] * 12 == rates


def test_without_sampler_the_data_comes_in_order(toys: None, tmp_path: Path) -> None:
    path, ids = found(tmp_path, "train_dataloader = dict(_delete_=True, dataset=dict(type='CheckedData'))\n")
    runner, _ = trained(path)

    assert ["no-sampler"] == ids
    assert [0, 1, 2, 3] == list(runner.train_dataloader.sampler)
    assert "SequentialSampler" == type(runner.train_dataloader.sampler).__name__


def test_length_without_a_loop_is_one_in_iterations(toys: None, tmp_path: Path) -> None:
    path, ids = found(tmp_path, SAVING + "train_cfg = dict(_delete_=True, max_iters=5, val_interval=5)\n")
    _, rates = trained(path)

    assert [] == ids
    assert 5 == len(rates)


def test_interval_that_nobody_wrote_is_1000(toys: None, tmp_path: Path) -> None:
    path, ids = found(tmp_path, SAVING + "train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=12)\n")
    runner, _ = trained(path)

    assert ["implicit-val-interval"] == ids
    assert 1000 == runner.val_interval


def test_checkpoint_by_epoch_in_a_loop_by_iteration_comes_at_the_end(toys: None, tmp_path: Path) -> None:
    path, ids = found(tmp_path, BY_ITERATION)
    trained(path)

    assert ["epoch-checkpoint"] == ids
    assert ["epoch_1.pth"] == [file.name for file in (tmp_path / "work").glob("*.pth")]
