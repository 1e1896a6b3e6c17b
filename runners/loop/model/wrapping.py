"""Which modules only wrap the model."""

from __future__ import annotations

from mmbridge.compat.registry import Registry
from mmbridge.runners.loop.registry import MODEL_WRAPPERS
from mmbridge.runners.parallel.wrappers import is_module_wrapper
from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

MODEL_WRAPPERS.register_module(module=DistributedDataParallel)
MODEL_WRAPPERS.register_module(module=DataParallel)


def is_model_wrapper(model: nn.Module, registry: Registry = MODEL_WRAPPERS) -> bool:
    """Whether ``model`` is of a class in ``registry``, in one below it, or in the legacy one that it shares with."""
    return is_module_wrapper(model, registry)
