"""Normalisation layers: what counts as one, and batch normalisation over processes and back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from torch import Tensor, nn


def common_base(first: type, *others: type) -> type[Any]:
    """The nearest class that all the given ones descend from."""
    return next(base for base in first.__mro__ if all(issubclass(other, base) for other in others))


BATCH_NORM: Any = common_base(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
"""The base of all batch normalisations. Torch's name for it is private, and other people's layers descend from it."""
INSTANCE_NORM: Any = common_base(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
"""The base of all instance normalisations."""
NORMS: tuple[type[nn.Module], ...] = (BATCH_NORM, INSTANCE_NORM, nn.GroupNorm, nn.LayerNorm)
"""What MMCV 1.7.2 takes for a normalisation layer."""


class BatchNormXd(BATCH_NORM):  # type: ignore[misc] # found, not named
    """Batch normalisation of input with any number of dimensions."""

    def _check_input_dim(self, input: Tensor) -> None:
        """Accept it."""


def convert_sync_batchnorm(module: nn.Module, implementation: str = "torch") -> nn.Module:
    """``module`` with every batch normalisation in it replaced by one over all processes.

    ``implementation``: ``torch``, or ``mmcv`` for the one of ``mmcv.ops``, which needs MMCV with its compiled
    operators. Raises ValueError for another. MMEngine 0.10.7, mmengine/model/utils.py.
    """
    if implementation == "torch":
        kind: Any = nn.SyncBatchNorm
    elif implementation == "mmcv":
        kind = import_module("mmcv.ops").SyncBatchNorm
    else:
        raise ValueError(f"implementation of sync_bn must be 'torch' or 'mmcv', found {implementation!r}")
    return _replaced(module, BATCH_NORM, kind)


def revert_sync_batchnorm(module: nn.Module) -> nn.Module:
    """``module`` with every batch normalisation over processes replaced by one of this process alone."""
    ops: Any = sys.modules.get("mmcv.ops")  # no layer of it exists where it has not been imported
    foreign = getattr(ops, "SyncBatchNorm", nn.SyncBatchNorm)
    return _replaced(module, (nn.SyncBatchNorm, foreign), BatchNormXd)


def _replaced(module: nn.Module, kinds: Any, make: Callable[..., nn.Module]) -> nn.Module:
    """``module`` with the modules of ``kinds`` remade; one that stands in several places is remade once."""
    found = [(name, old) for name, old in module.named_modules(remove_duplicate=False) if isinstance(old, kinds)]
    remade: dict[nn.Module, nn.Module] = {old: _like(old, make) for _, old in found}
    for name, old in found:
        parent, _, leaf = name.rpartition(".")
        if name:
            module.get_submodule(parent).add_module(leaf, remade[old])
    return remade.get(module, module)


def _like(old: Any, make: Callable[..., Any]) -> Any:
    new = make(old.num_features, old.eps, old.momentum, old.affine, old.track_running_stats)
    if old.affine:
        new.weight, new.bias = old.weight, old.bias
    new.running_mean, new.running_var = old.running_mean, old.running_var
    new.num_batches_tracked = old.num_batches_tracked
    if hasattr(old, "qconfig"):
        new.qconfig = old.qconfig  # of quantised models
    new.train(old.training)
    return new
