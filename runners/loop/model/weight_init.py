"""What an ``init_cfg`` can name in the loop runtime, and the functions behind it.

The ways to fill a module are those of the legacy runtime; an initializer that a project registered there is found
here. MMEngine 0.10.7, mmengine/model/weight_init.py.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from mmbridge.runners import modules as legacy
from mmbridge.runners.loop.model.run_log import run_logger
from mmbridge.runners.loop.registry import WEIGHT_INITIALIZERS
from mmbridge.runners.modules import (
    INITIALIZERS,
    BaseInit,
    Caffe2XavierInit,
    ConstantInit,
    KaimingInit,
    NormalInit,
    TruncNormalInit,
    UniformInit,
    XavierInit,
    bias_init_with_prob,
    caffe2_xavier_init,
    constant_init,
    kaiming_init,
    normal_init,
    trunc_normal_,
    trunc_normal_init,
    uniform_init,
    update_init_info,
    xavier_init,
)
from torch import nn

__all__ = [
    "BaseInit",
    "Caffe2XavierInit",
    "ConstantInit",
    "KaimingInit",
    "NormalInit",
    "PretrainedInit",
    "TruncNormalInit",
    "UniformInit",
    "XavierInit",
    "bias_init_with_prob",
    "caffe2_xavier_init",
    "constant_init",
    "initialize",
    "kaiming_init",
    "normal_init",
    "trunc_normal_",
    "trunc_normal_init",
    "uniform_init",
    "update_init_info",
    "xavier_init",
]


@WEIGHT_INITIALIZERS.register_module(name="Pretrained")
class PretrainedInit(legacy.PretrainedInit):
    """Loads weights from a file as in the legacy runtime, but by default onto the CPU first."""

    def __init__(self, checkpoint: str, prefix: str | None = None, map_location: Any = "cpu") -> None:
        super().__init__(checkpoint, prefix, map_location)

    def _logger(self) -> logging.Logger:
        return run_logger()


for _name, _kind in INITIALIZERS.module_dict.items():
    if _name not in WEIGHT_INITIALIZERS.module_dict:
        WEIGHT_INITIALIZERS.register_module(name=_name, module=_kind)
WEIGHT_INITIALIZERS.share(INITIALIZERS)


def initialize(module: nn.Module, init_cfg: Mapping[str, Any] | list[Any]) -> None:
    """Fill ``module`` as ``init_cfg`` says, a dict or a list of them, by the initializers of WEIGHT_INITIALIZERS.

    Raises TypeError for wrong types, ValueError for an override without ``name`` or ``type``, RuntimeError where
    ``module`` has no attribute of that name.
    """
    legacy.initialize(module, init_cfg, WEIGHT_INITIALIZERS)
