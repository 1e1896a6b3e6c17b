"""Gradients are cleared as torch's optimizers clear them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from mmbridge.runners.optim.clearing import clear_grads
from torch import nn


def trained(optimizer: type[torch.optim.Optimizer]) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    made = optimizer([{"params": model[0].parameters()}, {"params": model[1].parameters()}], lr=0.1)
    model(torch.ones(1, 2)).sum().backward()
    return model, made


def test_no_gradient_is_left_in_any_group() -> None:
    model, optimizer = trained(torch.optim.SGD)

    clear_grads(optimizer)

    assert [None] * 4 == [param.grad for param in model.parameters()]


def test_a_class_of_ones_own_clears_its_way() -> None:
    class Zeros(torch.optim.SGD):
        def zero_grad(self, set_to_none: bool = False) -> None:
            super().zero_grad(set_to_none)

    model, optimizer = trained(Zeros)

    clear_grads(optimizer)

    assert all(param.grad is not None and not param.grad.any() for param in model.parameters())


def test_a_method_that_an_object_was_given_is_called() -> None:
    _, optimizer = trained(torch.optim.SGD)
    calls: list[str] = []
    method: Callable[[], Any] = lambda: calls.append("cleared")  # noqa: E731
    optimizer.zero_grad = method  # type: ignore[method-assign, assignment]

    clear_grads(optimizer)

    assert ["cleared"] == calls
