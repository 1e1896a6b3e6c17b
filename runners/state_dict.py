"""A model's weights: taken out with every buffer, put back with every difference told."""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import torch
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
    return _like(
        state_dict, ((key, value.cpu() if isinstance(value, Tensor) else value) for key, value in state_dict.items())
    )


def _like(original: Mapping[str, Any], items: Iterable[tuple[str, Any]]) -> StateDict:
    """A state dict of ``items``, with what torch has written beside the values of ``original``: versions of modules."""
    made: StateDict = OrderedDict(items)
    vars(made).update(getattr(original, "__dict__", {}))
    return made


def get_state_dict(module: nn.Module) -> StateDict:
    """The weights of ``module``, detached: parameters and all buffers, non-persistent ones too, no wrappers.

    Keys are in the order of MMCV 1.7.2 (mmcv/runner/checkpoint.py): of each module its parameters, its
    buffers, then its children. Hooks that a module registered on its state dict are called.
    """
    model = unwrapped(module)
    found: Any = nn.Module().state_dict()  # torch's own kind of dict, with nothing in it
    handles = [
        each.register_state_dict_pre_hook(partial(_write_down, found))  # type: ignore[no-untyped-call]
        for each in model.modules()
        if not isinstance(each, torch.jit.ScriptModule)  # these take no hooks, and all their buffers are persistent
    ]
    try:
        found = nn.Module.state_dict(model, destination=found)
    finally:
        for handle in handles:
            handle.remove()
    path = _WrapperPaths(model)
    return path.renamed(found, path.without) if path else found


def _write_down(found: StateDict, module: nn.Module, prefix: str, keep_vars: bool) -> None:
    """Put all tensors of ``module`` itself in their places, before torch does so with those it counts as persistent."""
    own: Any = {"recurse": False, "remove_duplicate": False}
    for name, tensor in chain(module.named_parameters(**own), module.named_buffers(**own)):
        found[prefix + name] = tensor.detach()


class _WrapperPaths:
    """Names of tensors inside data-parallel wrappers within a model, without and with the wrappers' ``module``."""

    def __init__(self, model: nn.Module) -> None:
        self.paths = [name for name, each in model.named_modules(remove_duplicate=False) if is_module_wrapper(each)]

    def __bool__(self) -> bool:
        return bool(self.paths)

    def without(self, key: str) -> str:
        """``key`` as it would be without wrappers."""
        for path in reversed(self.paths):  # the inner ones first
            key = key.replace(f"{path}.module.", f"{path}.", 1) if key.startswith(f"{path}.module.") else key
        return key

    def without_in(self, text: str) -> str:
        """``text`` with the names in it as they would be without wrappers."""
        for path in reversed(self.paths):
            text = text.replace(f"{path}.module.", f"{path}.")
        return text

    def within(self, key: str) -> str:
        """``key`` as it is with the wrappers."""
        for path in self.paths:
            key = key.replace(f"{path}.", f"{path}.module.", 1) if key.startswith(f"{path}.") else key
        return key

    def renamed(self, state_dict: Mapping[str, Any], rename: Callable[[str], str]) -> StateDict:
        """``state_dict`` with its keys, and those of its metadata, renamed."""
        result = _like(state_dict, ((rename(key), value) for key, value in state_dict.items()))
        for name, beside in vars(result).items():
            if isinstance(beside, Mapping):
                beside = OrderedDict((rename(f"{key}.")[:-1] if key else key, each) for key, each in beside.items())
                vars(result)[name] = beside
        return result


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
    model = unwrapped(module)
    path = _WrapperPaths(model)
    told: list[Any] = []
    handle = model.register_load_state_dict_post_hook(  # type: ignore[no-untyped-call]
        lambda _, keys: told.append(keys)
    )
    try:
        nn.Module.load_state_dict(model, path.renamed(state_dict, path.within), strict=False)
        errors = []
    except RuntimeError as error:
        if not told:  # not one of torch's, which are raised when all that fits has been copied
            raise
        errors = [path.without_in(line) for line in str(error).split("\n\t")[1:]]
    finally:
        handle.remove()
    buffers = {name for name, _ in model.named_buffers(remove_duplicate=False)}
    # A buffer that is not persistent was saved, but it is this model's own to compute.
    unexpected = [path.without(key) for key in told[0].unexpected_keys if key not in buffers]
    missing = [path.without(key) for key in told[0].missing_keys if "num_batches_tracked" not in key]
    if unexpected:
        errors.append(f"unexpected key in source state_dict: {', '.join(unexpected)}\n")
    if missing:
        errors.append(f"missing keys in source state_dict: {', '.join(missing)}\n")
    return errors


def revised(state_dict: Mapping[str, Any], revise_keys: Sequence[tuple[str, str]]) -> StateDict:
    """``state_dict`` with every key rewritten by each (pattern, replacement) in turn; metadata kept."""
    result: StateDict = OrderedDict(state_dict)
    for pattern, replacement in revise_keys:
        result = OrderedDict((re.sub(pattern, replacement, key), value) for key, value in result.items())
    return _like(state_dict, result.items())
