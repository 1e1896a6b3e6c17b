"""A model on its device, and in a wrapper where several processes train it together."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from mmbridge.compat.errors import ConfigError
from mmbridge.runners.loop.legacy_parts import LegacyModel
from mmbridge.runners.loop.model import (
    MMDistributedDataParallel,
    convert_sync_batchnorm,
    is_model_wrapper,
    revert_sync_batchnorm,
)
from mmbridge.runners.loop.registry import MODEL_WRAPPERS
from mmbridge.runners.loop.runner.environment import get_device
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def wrap_model(
    model: nn.Module,
    wrapper: Mapping[str, Any] | None,
    cfg: Any,
    distributed: bool,
    logger: logging.Logger,
) -> nn.Module:
    """The model to train: alone with plain batch normalisation, among processes in a ``wrapper``.

    ``cfg.sync_bn`` ('torch') makes batch normalisation span the processes; ``cfg.find_unused_parameters`` is the
    default wrapper's. A wrapped model is returned as it is, unless there is a ``wrapper`` for it, too: ConfigError.
    """
    if is_model_wrapper(model) and not isinstance(model, LegacyModel):
        if wrapper is not None:
            raise ConfigError(f"model_wrapper_cfg: the model is wrapped already, in {type(model).__name__}; remove one")
        return model
    device = get_device()
    model = model.to(device)
    if not distributed:
        logger.info("one process trains: SyncBatchNorm layers, where there are any, are plain BatchNorm layers")
        return revert_sync_batchnorm(model)
    if cfg.get("sync_bn") is not None:
        model = convert_sync_batchnorm(model, cfg["sync_bn"])
    if isinstance(model, LegacyModel):
        model.distribute(find_unused_parameters=cfg.get("find_unused_parameters", False))
        return model
    ids: dict[str, Any] = {"device_ids": [device.index]} if device.type == "cuda" else {}
    if wrapper is None:
        unused = cfg.get("find_unused_parameters", False)
        return MMDistributedDataParallel(module=model, broadcast_buffers=False, find_unused_parameters=unused, **ids)
    settings = {"type": "MMDistributedDataParallel", **wrapper}
    kind = settings["type"]
    kind = MODEL_WRAPPERS.get(kind) if isinstance(kind, str) else kind
    defaults = ids if isinstance(kind, type) and issubclass(kind, DistributedDataParallel) else {}
    return MODEL_WRAPPERS.build(settings, default_args={"module": model, **defaults})  # type: ignore[no-any-return]
