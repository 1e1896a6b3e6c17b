"""The values that the real engines set: MMCV's updater hooks and MMEngine's schedulers, stepped without training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from mmbridge.compat.schedules import Loop


def stepped_by_mmcv(
    config: Mapping[str, Any], loop: Loop, epoch_length: int, bases: Sequence[float], parameter: str = "lr"
) -> list[list[float]]:
    """The value of every group at every iteration, set by the real hook on a real optimizer."""
    torch = pytest.importorskip("torch")
    base_runner = pytest.importorskip("mmcv.runner").BaseRunner
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], parameter: base} for base in bases]
    hooks: list[Any] = []
    runner = SimpleNamespace(
        optimizer=torch.optim.SGD(groups, lr=0.1),
        data_loader=range(epoch_length),
        max_epochs=loop.length if loop.unit == "epoch" else None,
        max_iters=loop.iterations(epoch_length),
        epoch=0,
        iter=0,
        register_hook=lambda hook, priority: hooks.append(hook),
    )
    if loop.unit == "iter" and parameter == "lr":
        config = {"by_epoch": False, **config}  # IterBasedRunner.register_training_hooks
    getattr(base_runner, f"register_{parameter}_hook")(runner, dict(config))
    hook = hooks[0]
    hook.before_run(runner)
    values: list[list[float]] = [[] for _ in bases]
    for iteration in range(runner.max_iters):
        runner.iter = iteration
        if loop.unit == "epoch" and iteration % epoch_length == 0:
            runner.epoch = iteration // epoch_length
            hook.before_train_epoch(runner)
        hook.before_train_iter(runner)
        for group, column in zip(runner.optimizer.param_groups, values, strict=True):
            column.append(group[parameter])
    return values


def stepped_by_mmengine(
    schedulers: Any, loop: Loop, epoch_length: int, bases: Sequence[float], parameter: str = "lr"
) -> list[list[float]]:
    """The value of every group at every iteration, set by real schedulers on a real optimizer."""
    torch = pytest.importorskip("torch")
    engine = pytest.importorskip("mmengine.runner")
    hook = pytest.importorskip("mmengine.hooks").ParamSchedulerHook()
    wrapper = pytest.importorskip("mmengine.optim").OptimWrapper

    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], parameter: base} for base in bases]
    optim_wrapper = wrapper(torch.optim.SGD(groups, lr=0.1))
    param_groups = optim_wrapper.optimizer.param_groups
    iterations = loop.iterations(epoch_length)
    runner = SimpleNamespace(
        _train_loop=object.__new__(engine.EpochBasedTrainLoop),
        max_epochs=loop.length if loop.unit == "epoch" else 1,
        max_iters=iterations,
        logger=SimpleNamespace(debug=lambda text: None),
        train_dataloader=range(epoch_length),
    )
    build = engine.Runner._build_param_scheduler
    runner.param_schedulers = build(runner, list(map(dict, schedulers)), optim_wrapper)
    values: list[list[float]] = [[] for _ in bases]
    for iteration in range(iterations):
        for group, column in zip(param_groups, values, strict=True):
            column.append(group[parameter])
        if iteration == 0:
            optim_wrapper.step()  # else the schedulers warn that they step before the optimizer
        hook.after_train_iter(runner, iteration)
        if loop.unit == "epoch" and (iteration + 1) % epoch_length == 0:
            hook.after_train_epoch(runner)
    return values
