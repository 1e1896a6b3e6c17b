"""One optimizer per part of a model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from mmbridge.compat.errors import ConfigError
from mmbridge.runners.loop.optim import OptimWrapperDict, build_optim_wrapper
from mmbridge.runners.loop.runner import Runner
from torch import nn

TOYS = Path(__file__).parents[3] / "fixtures" / "toys"
PARTS = {
    "constructor": "MultiOptimWrapperConstructor",
    "generator": {"optimizer": {"type": "Adam", "lr": 0.01, "betas": (0.5, 0.999)}},
    "discriminator": {"optimizer": {"type": "SGD", "lr": 0.02}, "clip_grad": {"max_norm": 1.0}},
}


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        self.discriminator = nn.Linear(2, 1)


def test_every_part_has_its_optimizer() -> None:
    model = Pair()
    wrappers: Any = build_optim_wrapper(model, PARTS)

    assert isinstance(wrappers, OptimWrapperDict)
    assert {"generator": "Adam", "discriminator": "SGD"} == {
        name: type(each.optimizer).__name__ for name, each in wrappers.items()
    }
    assert {"max_norm": 1.0} == wrappers["discriminator"].clip_grad_kwargs
    held = [param for group in wrappers["generator"].optimizer.param_groups for param in group["params"]]
    assert list(map(id, model.generator.parameters())) == list(map(id, held))


def test_a_part_of_a_part_and_common_rules() -> None:
    cfg = {"constructor": "MultiOptimWrapperConstructor", "paramwise_cfg": {"bias_lr_mult": 2.0}}
    wrappers: Any = build_optim_wrapper(Pair(), {**cfg, "generator.0": {"optimizer": {"type": "SGD", "lr": 0.1}}})

    assert [0.1, 0.2] == [group["lr"] for group in wrappers["generator.0"].optimizer.param_groups]


def test_a_part_that_is_not_there_is_told() -> None:
    wrong = {"constructor": "MultiOptimWrapperConstructor", "generatr": {"optimizer": {"type": "SGD", "lr": 0.1}}}

    with pytest.raises(ConfigError, match=r"generatr: the model has no part .* did you mean 'generator'"):
        build_optim_wrapper(Pair(), wrong)


def test_rivals_of_mmcv_train_in_the_loop_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(TOYS), *sys.path])
    import toy_library  # noqa: F401

    runner = Runner(
        {"type": "SmallRivals"},
        tmp_path,
        train_dataloader={"dataset": {"type": "BrightPixels", "size": 8}, "batch_size": 4, "sampler": None},
        train_cfg={"by_epoch": False, "max_iters": 4},
        optim_wrapper=PARTS,
        param_scheduler={"type": "MultiStepLR", "milestones": [2], "by_epoch": False},
        log_level="ERROR",
    )
    before = [param.clone() for param in runner.bare_model.parameters()]
    runner.train()

    assert {"generator": [0.001], "discriminator": [0.002]} == {
        name: [pytest.approx(lr) for lr in rates] for name, rates in runner.current_lr().items()
    }
    assert all(not a.equal(b) for a, b in zip(before, runner.bare_model.parameters(), strict=True))
