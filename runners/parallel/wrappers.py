"""Which modules only wrap the model."""

from __future__ import annotations

from mmbridge.compat.registry import LegacyRegistry, Registry
from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

MODULE_WRAPPERS = LegacyRegistry("module wrapper", scope="mmcv")
"""Classes whose ``module`` attribute is the real model."""

MODULE_WRAPPERS.register_module(module=DataParallel)
MODULE_WRAPPERS.register_module(module=DistributedDataParallel)


def is_module_wrapper(module: nn.Module, registry: Registry = MODULE_WRAPPERS) -> bool:
    """Whether ``module`` is of a class in ``registry``, one below it or one it shares with (the other runtime's)."""
    registries: list[Registry] = list(registry.walk(shared=True))
    classes = tuple(kind for each in registries for kind in each.module_dict.values() if isinstance(kind, type))
    return isinstance(module, classes)
