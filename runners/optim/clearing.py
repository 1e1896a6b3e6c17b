"""Gradients are cleared at every step; torch's own way there spends most of its time on an entry in a profile."""

from __future__ import annotations

from typing import Any

from torch.optim import Optimizer


def clear_grads(optimizer: Any) -> None:
    """As ``optimizer.zero_grad()``: every gradient is None afterwards.

    For an optimizer that leaves :meth:`torch.optim.Optimizer.zero_grad` as it is, the gradients are cleared here,
    without the ``record_function`` around it in torch 2.13, torch/optim/optimizer.py: that takes longer than to clear
    a small model. So a profile shows no entry of ``zero_grad``.
    """
    if getattr(type(optimizer), "zero_grad", None) is not Optimizer.zero_grad or "zero_grad" in vars(optimizer):
        optimizer.zero_grad()
        return
    for group in optimizer.param_groups:
        for param in group["params"]:
            param.grad = None
