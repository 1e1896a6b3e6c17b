"""What a model returns for training: the one number to optimise, and what is logged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.runners.loop.model.run_log import run_logger
from torch import Tensor, nn


def parse_losses(losses: Mapping[str, Tensor | list[Tensor]]) -> tuple[Tensor, dict[str, Tensor]]:
    """The sum of all entries whose name contains ``loss``, and everything to log, ``loss`` (that sum) first.

    A tensor stands for its mean, a list of tensors for the sum of their means. A model's own entry ``loss`` is
    logged in place of the sum. Without any loss the sum is the integer 0. Raises TypeError for other values.
    A tensor of no dimensions is its own mean, so one such loss is the sum itself: no operation is recorded for
    autograd. MMEngine 0.10.7, mmengine/model/base_model/base_model.py.
    """
    log_vars: dict[str, Any] = {"loss": 0}
    total: Any = None
    for name, value in losses.items():
        number = _mean(value) if isinstance(value, Tensor) else _sum_of_means(name, value)
        log_vars[name] = number
        if "loss" in name:
            total = number if total is None else total + number
    if total is None:
        total = 0
    if "loss" not in losses:
        log_vars["loss"] = total
    return total, log_vars


def _sum_of_means(name: str, values: Any) -> Any:
    if not isinstance(values, list) or not all(isinstance(value, Tensor) for value in values):
        raise TypeError(
            f"{name!r} that the model returned for training is not a tensor or list of tensors, found "
            f"{type(values).__name__}: {values!r}"
        )
    if not values:
        return 0
    first, *others = map(_mean, values)
    return sum(others, first)


def _mean(value: Tensor) -> Tensor:
    return value.mean() if value.ndim else value


def merge_dict(*args: dict[str, Any]) -> dict[str, Any]:
    """One dict of all; of a key that several have, the last counts. Raises TypeError for what is not a dict."""
    merged: dict[str, Any] = {}
    for each in args:
        if not isinstance(each, dict):
            raise TypeError(f"merge_dict takes dicts, found {type(each).__name__}: {each!r}")
        merged.update(each)
    return merged


def detect_anomalous_params(loss: Tensor, model: nn.Module) -> None:
    """Log an error for every trainable parameter of ``model`` that ``loss`` does not depend on."""
    reached: set[Tensor] = set()
    seen: set[Any] = set()
    waiting = [loss.grad_fn]
    while waiting:
        node: Any = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            reached.add(node.variable)
        waiting.extend(parent for parent, _ in node.next_functions)
    for name, param in model.named_parameters():
        if param.requires_grad and param not in reached:
            run_logger().error("%s with shape %s is not in the computational graph of the loss", name, param.shape)
