"""The learning rate for another batch size than the config was written for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.compat.errors import ConfigError
from mmbridge.compat.registry import MissingKey
from mmbridge.runners.loop.optim import OptimWrapperDict


def scale_lr(runner: Any, optim_wrapper: Any, settings: Mapping[str, Any]) -> None:
    """Multiply the rate of every parameter group by processes x batch size / ``settings['base_batch_size']``.

    Raises MissingKey without ``base_batch_size``, ConfigError where schedulers have already read the rates.
    """
    if "base_batch_size" not in settings:
        raise MissingKey("auto_scale_lr: has no 'base_batch_size', the batch size that the learning rate is meant for")
    if isinstance(runner.param_schedulers, (list, dict)) and _built(runner.param_schedulers):
        raise ConfigError("auto_scale_lr: the schedulers are built already; scale_lr must be called before")
    batch_size = runner.world_size * runner.train_dataloader.batch_size
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


def _built(schedulers: Any) -> bool:
    each = schedulers.values() if isinstance(schedulers, dict) else schedulers
    return any(not isinstance(one, (Mapping, list, tuple, str, int, float)) for one in each)
