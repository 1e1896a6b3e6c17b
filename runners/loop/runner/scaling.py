"""The learning rate for another batch size than the config was written for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.compat.errors import ConfigError
from mmbridge.compat.registry import MissingKey
from mmbridge.runners.loop.optim import OptimWrapperDict


def scale_lr(runner: Any, optim_wrapper: Any, settings: Mapping[str, Any]) -> None:
    """Multiply the rate of every parameter group by processes x batch size / ``settings['base_batch_size']``.

    Raises MissingKey without ``base_batch_size``, ConfigError where schedulers have already read the rates, and where
    nothing tells the batch size.
    """
    if "base_batch_size" not in settings:
        raise MissingKey("auto_scale_lr: has no 'base_batch_size', the batch size that the learning rate is meant for")
    if isinstance(runner.param_schedulers, (list, dict)) and _built(runner.param_schedulers):
        raise ConfigError("auto_scale_lr: the schedulers are built already; scale_lr must be called before")
    batch_size = runner.world_size * _batch_size(runner.train_dataloader, runner._train_dataloader)
    ratio = batch_size / settings["base_batch_size"]
    runner.logger.info(
        "auto_scale_lr: the batch size is %d, the rates are for %s: multiplied by %g",
        batch_size,
        settings["base_batch_size"],
        ratio,
    )
    for wrapper in optim_wrapper.values() if isinstance(optim_wrapper, OptimWrapperDict) else [optim_wrapper]:
        for group in wrapper.optimizer.param_groups:
            group["lr"] = group["lr"] * ratio


def _batch_size(loader: Any, given: Any) -> int:
    """That of ``loader``, else of its batch sampler, else of the dict ``given`` that it was built from."""
    told = given.get("batch_size") if isinstance(given, Mapping) else None
    size: int | None = loader.batch_size or getattr(loader.batch_sampler, "batch_size", None) or told
    if size is None:
        kind = type(loader.batch_sampler).__name__
        raise ConfigError(
            f"auto_scale_lr: nothing tells the batch size of train_dataloader, whose {kind} has no attribute batch_size"
        )
    return size


def _built(schedulers: Any) -> bool:
    each = schedulers.values() if isinstance(schedulers, dict) else schedulers
    return any(not isinstance(one, (Mapping, list, tuple, str, int, float)) for one in each)
