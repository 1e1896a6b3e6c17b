"""A model's weights: taken out with every buffer, put back with every difference told."""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from mmbridge.compat.errors import BridgeError
from mmbridge.runners.dist import get_dist_info
from mmbridge.runners.parallel import is_module_wrapper
from torch import Tensor, nn

StateDict = OrderedDict[str, Any]


class WeightsMismatch(BridgeError, RuntimeError):
    """A strict load found keys or shapes that differ."""


def unwrapped(module: nn.Module) -> nn.Module:
    """The model inside data-parallel wrappers; ``module`` itself where it is not wrapped."""
    while is_module_wrapper(module):
        inner = module.module
        assert isinstance(inner, nn.Module)
        module = inner
    return module


def weights_to_cpu(state_dict: Mapping[str, Any]) -> StateDict:
    """The same state dict with its tensors on the CPU, its metadata kept."""
    moved = OrderedDict((key, value.cpu() if isinstance(value, Tensor) else value) for key, value in state_dict.items())
    moved._metadata = getattr(state_dict, "_metadata", OrderedDict())  # type: ignore[attr-defined]
    return moved


def get_state_dict(module: nn.Module) -> StateDict:
    """The weights of ``module``, detached: parameters and all buffers, non-persistent ones too, no wrappers.

    Keys are in the order of MMCV 1.7.2 (mmcv/runner/checkpoint.py): of each module its parameters, its
    buffers, then its children. Hooks that a module registered on its state dict are called.
    """
    found: StateDict = OrderedDict()
    found._metadata = OrderedDict()  # type: ignore[attr-defined]
    _collect(module, found, "")
    return found


def _collect(module: nn.Module, found: StateDict, prefix: str) -> None:
    module = unwrapped(module)
    local = {"version": getattr(module, "_version", 1)}
    found._metadata[prefix[:-1]] = local  # type: ignore[attr-defined]
    own = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
    for name, tensor in own:
        found[prefix + name] = tensor.detach()
    for name, child in module.named_children():
        _collect(child, found, f"{prefix}{name}.")
    for hook in module._state_dict_hooks.values():
        hook(module, found, prefix, local)


def load_state_dict(
    module: nn.Module,
    state_dict: Mapping[str, Any],
    strict: bool = False,
    logger: logging.Logger | None = None,
) -> None:
    """Copy ``state_dict`` into ``module``; what does not fit is left, and told by a warning of ``logger``.

    ``strict`` raises :class:`WeightsMismatch` instead, after copying what fits. A missing
    ``num_batches_tracked`` is not worth telling.
    """
    problems = [*_copy(module, state_dict)]
    if not problems:
        return
    message = "The model and loaded state dict do not match exactly\n\n" + "\n".join(problems)
    if strict:
        raise WeightsMismatch(message)
    if get_dist_info()[0] == 0:
        (logger or logging.getLogger("mmbridge")).warning(message)


def _copy(module: nn.Module, state_dict: Mapping[str, Any]) -> list[str]:
    """Copy what fits; returns a line for each kind of difference, in torch's own words."""
    missing: list[str] = []
    unexpected: list[str] = []
    errors: list[str] = []
    metadata = getattr(state_dict, "_metadata", {})
    _load_into(module, dict(state_dict), "", metadata, (missing, unexpected, errors))
    missing = [key for key in missing if "num_batches_tracked" not in key]
    if unexpected:
        errors.append(f"unexpected key in source state_dict: {', '.join(unexpected)}\n")
    if missing:
        errors.append(f"missing keys in source state_dict: {', '.join(missing)}\n")
    return errors


def _load_into(
    module: nn.Module,
    state_dict: dict[str, Any],
    prefix: str,
    metadata: Mapping[str, Any],
    told: tuple[list[str], list[str], list[str]],
) -> None:
    module = unwrapped(module)
    # The method torch gives modules to override for their own old formats; it takes their prefix only.
    module._load_from_state_dict(state_dict, prefix, metadata.get(prefix[:-1], {}), True, *told)
    for name, _ in module.named_buffers(recurse=False):
        if prefix + name in told[1]:  # not persistent: it was saved, but it is this model's own to compute
            told[1].remove(prefix + name)
    for name, child in module.named_children():
        _load_into(child, state_dict, f"{prefix}{name}.", metadata, told)


def revised(state_dict: Mapping[str, Any], revise_keys: Sequence[tuple[str, str]]) -> StateDict:
    """``state_dict`` with every key rewritten by each (pattern, replacement) in turn; metadata kept."""
    result: StateDict = OrderedDict(state_dict)
    for pattern, replacement in revise_keys:
        result = OrderedDict((re.sub(pattern, replacement, key), value) for key, value in result.items())
    result._metadata = getattr(state_dict, "_metadata", OrderedDict())  # type: ignore[attr-defined]
    return result
