"""BaseOptimWrapper: what the runtime asks of anything that holds an optimizer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class BaseOptimWrapper(ABC):
    """Holds ``optimizer``; with several parameter groups also ``base_param_settings``, a group of no parameters.

    That extra group starts from the optimizer's defaults and is the last of ``param_groups``, so that schedulers change
    it as they change the others: it tells the learning rate that no group multiplies.
    MMEngine 0.10.7, mmengine/optim/optimizer/base.py.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.base_param_settings: dict[str, Any] | None = None
        if len(optimizer.param_groups) > 1:
            self.base_param_settings = {"params": torch.tensor([0.0]), **optimizer.defaults}

    @abstractmethod
    def update_params(self, *args: Any, **kwargs: Any) -> None:
        """Change the parameters by a loss."""

    @abstractmethod
    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Compute gradients."""

    @abstractmethod
    def zero_grad(self, **kwargs: Any) -> None:
        """Clear gradients."""

    @abstractmethod
    def step(self, **kwargs: Any) -> None:
        """Change the parameters by their gradients."""

    def state_dict(self) -> dict[str, Any]:
        """The optimizer's state, and ``base_param_settings`` where they are."""
        state_dict = self.optimizer.state_dict()
        if self.base_param_settings is not None:
            state_dict["base_param_settings"] = dict(self.base_param_settings)
        return state_dict

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a saved state, which is not changed; without ``base_param_settings`` in it, they stay."""
        state = dict(state_dict)
        base = state.pop("base_param_settings", None)
        self.optimizer.load_state_dict(state)
        if base is not None:
            self.base_param_settings = dict(base)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """What schedulers change: the optimizer's groups, and ``base_param_settings`` where they are."""
        groups = self.optimizer.param_groups
        return groups if self.base_param_settings is None else [*groups, self.base_param_settings]

    @property
    def defaults(self) -> dict[str, Any]:
        """The optimizer's own."""
        return self.optimizer.defaults

    def get_lr(self) -> dict[str, list[float]]:
        """``lr``: the rate of each group, absolute, per step; before it ``base_lr``, where several groups make one."""
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self.base_param_settings is None:
            return {"lr": rates}
        return {"base_lr": [self.base_param_settings["lr"]], "lr": rates}

    def get_momentum(self) -> dict[str, list[float]]:
        """``momentum`` of each group: its momentum, else the first of its betas, else 0."""
        return {"momentum": [_momentum(group) for group in self.optimizer.param_groups]}


def _momentum(group: dict[str, Any]) -> float:
    momentum: float = group["momentum"] if "momentum" in group else group.get("betas", (0,))[0]
    return momentum
