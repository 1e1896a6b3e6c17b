"""Predictions merged over augmentations of the same images."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from mmbridge.runners.loop.model.model import BaseModel
from mmbridge.runners.loop.registry import MODELS
from torch import nn


@MODELS.register_module()
class BaseTTAModel(BaseModel):
    """Tests ``module`` (a model, or the dict that describes it) once per augmentation and merges the predictions.

    Subclasses define ``merge_preds``. ``data_preprocessor`` replaces the one that the dict names. Raises TypeError
    for another kind of module and for one without ``test_step``.
    MMEngine 0.10.7, mmengine/model/test_time_aug.py.
    """

    def __init__(
        self, module: Mapping[str, Any] | nn.Module, data_preprocessor: Mapping[str, Any] | nn.Module | None = None
    ) -> None:
        super().__init__()
        if isinstance(module, Mapping):
            given = {} if data_preprocessor is None else {"data_preprocessor": data_preprocessor}
            module = MODELS.build({**module, **given})
        if not isinstance(module, nn.Module):
            raise TypeError(f"module of {type(self).__name__} must be a dict or an nn.Module, found {module!r}")
        if not hasattr(module, "test_step"):
            raise TypeError(f"module of {type(self).__name__} must have a test_step; {type(module).__name__} has none")
        self.module: Any = module

    @abstractmethod
    def merge_preds(self, data_samples_list: list[Any]) -> list[Any]:
        """One prediction per sample; the item of a sample holds its predictions, one per augmentation."""

    def test_step(self, data: Any) -> Any:
        """The merged predictions of a batch: a dict or sequence of fields, each a list with an item per augmentation.

        Raises TypeError for anything else.
        """
        if isinstance(data, Mapping):
            columns = list(data.values())
            batches: list[Any] = [dict(zip(data, parts, strict=True)) for parts in zip(*columns, strict=True)]
        elif isinstance(data, (list, tuple)):
            batches = [list(parts) for parts in zip(*data, strict=True)]
        else:
            raise TypeError(f"a batch for test-time augmentation is a dict, list or tuple, found {type(data).__name__}")
        predictions = [self.module.test_step(batch) for batch in batches]
        return self.merge_preds(list(zip(*predictions, strict=True)))

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = "tensor") -> Any:
        """Raise NotImplementedError: there is only ``test_step``."""
        raise NotImplementedError(f"{type(self).__name__} has no forward; call test_step, or define it")
