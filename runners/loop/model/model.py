"""The model that the loops train: preprocess, forward, losses, update."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from mmbridge.runners.loop.model.losses import parse_losses
from mmbridge.runners.loop.model.module import BaseModule
from mmbridge.runners.loop.model.placement import Placed
from mmbridge.runners.loop.model.preprocessor import BaseDataPreprocessor
from mmbridge.runners.loop.registry import MODELS
from torch import Tensor, nn


def run_forward(model: nn.Module, data: Any, mode: str) -> Any:
    """``model`` called with a preprocessed batch: a dict by name, a list or tuple by position; else TypeError."""
    if isinstance(data, dict):
        return model(**data, mode=mode)
    if isinstance(data, (list, tuple)):
        return model(*data, mode=mode)
    raise TypeError(
        f"a data_preprocessor must return a dict, list or tuple, whose items forward takes, found {type(data).__name__}"
    )


class BaseModel(BaseModule, Placed):
    """A model with a ``data_preprocessor`` (a module, or a dict that describes one) and the steps of the loops.

    Subclasses define ``forward(inputs, data_samples=None, mode="tensor")``. Moving the model to a device tells every
    :class:`BaseDataPreprocessor` inside it. Raises TypeError for a preprocessor of another kind.
    MMEngine 0.10.7, mmengine/model/base_model/base_model.py.
    """

    def __init__(self, data_preprocessor: Mapping[str, Any] | nn.Module | None = None, init_cfg: Any = None) -> None:
        super().__init__(init_cfg)
        if data_preprocessor is None:
            data_preprocessor = BaseDataPreprocessor()
        elif isinstance(data_preprocessor, Mapping):
            data_preprocessor = MODELS.build(data_preprocessor)
        if not isinstance(data_preprocessor, nn.Module):
            raise TypeError(
                f"data_preprocessor of {type(self).__name__} must be a dict or an nn.Module, "
                f"found {type(data_preprocessor).__name__}"
            )
        self.data_preprocessor = data_preprocessor

    @abstractmethod
    def forward(self, inputs: Any, data_samples: Any = None, mode: str = "tensor") -> Any:
        """By ``mode``: ``loss`` a dict of losses, ``predict`` a list of results, ``tensor`` whatever is useful."""

    def train_step(self, data: Any, optim_wrapper: Any) -> dict[str, Tensor]:
        """Update the parameters by one batch, a dict, list or tuple; returns what is to be logged.

        Raises ValueError where ``forward`` returns no loss.
        """
        with optim_wrapper.optim_context(self):
            data = self.data_preprocessor(data, True)
            losses = self._run_forward(data, mode="loss")
        loss, log_vars = self.parse_losses(losses)
        check_loss(loss, losses, self)
        optim_wrapper.update_params(loss)
        return log_vars

    def val_step(self, data: Any) -> Any:
        """The model's predictions for one batch."""
        return self._run_forward(self.data_preprocessor(data, False), mode="predict")

    def test_step(self, data: Any) -> Any:
        """The model's predictions for one batch, made as in validation."""
        return self._run_forward(self.data_preprocessor(data, False), mode="predict")

    # The functions themselves, not calls of them: all of a step is so short that a call shows.
    parse_losses = staticmethod(parse_losses)
    _run_forward = run_forward

    def _set_device(self, device: torch.device) -> None:
        for module in self.modules():
            if isinstance(module, BaseDataPreprocessor):
                module._set_device(device)


def check_loss(loss: Any, losses: Any, model: nn.Module) -> None:
    """Raise ValueError if ``loss`` is the integer 0, the sum of no losses."""
    if type(loss) is int:
        raise ValueError(
            f"{type(model).__name__}.forward(mode='loss') returned no loss: a name must contain 'loss', "
            f"found the names {list(losses)}"
        )
