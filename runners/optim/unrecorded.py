"""What every iteration asks of its optimizer, without the entries that torch makes for a profile nobody takes.

torch 2.13, torch/optim/optimizer.py, puts a ``record_function`` around ``step`` and another one around ``zero_grad``.
Each takes longer than to step or to clear a small model, whether or not a profiler is there to see it. Whether one is,
torch tells by private names only. Where a release of torch lacks one of them, its own methods are called.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim import optimizer as optimizers

_MAYBE = (None,)
"""Stands for what this torch does not tell; true, as if there were a profiler or a hook."""


def clear_grads(optimizer: Any) -> None:
    """As ``optimizer.zero_grad()``; without an entry in a profile, where no profiler runs.

    An optimizer that has a ``zero_grad`` of its own clears its own way; for others every gradient is None afterwards.
    """
    own = getattr(type(optimizer), "zero_grad", None) is not Optimizer.zero_grad or "zero_grad" in vars(optimizer)
    if own or _profiling():
        optimizer.zero_grad()
        return
    for group in optimizer.param_groups:
        for param in group["params"]:
            param.grad = None


def take_step(optimizer: Any) -> None:
    """As ``optimizer.step()``; without an entry in a profile, where no profiler runs.

    For an optimizer that has hooks around its step, or whose ``step`` somebody has wrapped, it is that call itself.
    """
    step: Any = getattr(type(optimizer), "step", None)
    plain = getattr(step, "__code__", None) is _RECORDING and "step" not in vars(optimizer)
    if plain and not _hooked(optimizer) and not _profiling():
        step.__wrapped__(optimizer)
    else:
        optimizer.step()


def _hooked(optimizer: Any) -> bool:
    return bool(
        _PRE_HOOKS_OF_ALL
        or _POST_HOOKS_OF_ALL
        or getattr(optimizer, "_optimizer_step_pre_hooks", _MAYBE)
        or getattr(optimizer, "_optimizer_step_post_hooks", _MAYBE)
    )


def _recording() -> Any:
    """The code of what torch puts around ``step``, the same in every class; that of anybody else's wrapper differs."""
    wrap = getattr(Optimizer, "profile_hook_step", None)
    return _MAYBE if wrap is None else wrap(lambda: None).__code__


_profiling = getattr(torch.autograd, "_profiler_enabled", lambda: True)
_PRE_HOOKS_OF_ALL = getattr(optimizers, "_global_optimizer_pre_hooks", _MAYBE)
_POST_HOOKS_OF_ALL = getattr(optimizers, "_global_optimizer_post_hooks", _MAYBE)
_RECORDING = _recording()
