"""The initializer that reads a checkpoint."""

from __future__ import annotations

import logging
from typing import Any

from mmbridge.runners.checkpoint import load_checkpoint, load_part
from mmbridge.runners.modules.initializers import INITIALIZERS
from mmbridge.runners.modules.provenance import ATTRIBUTE, update_init_info
from mmbridge.runners.state_dict import load_state_dict
from torch import nn


@INITIALIZERS.register_module(name="Pretrained")
class PretrainedInit:
    """Loads the weights of the file ``checkpoint`` into a module, or those below ``prefix`` in it.

    What does not fit is left alone and told by a warning in the log. ``map_location`` as in ``torch.load``.
    Raises FileNotFoundError without the file, BridgeError where nothing is below ``prefix``.
    MMCV 1.7.2, mmcv/cnn/utils/weight_init.py.
    """

    def __init__(self, checkpoint: str, prefix: str | None = None, map_location: Any = None) -> None:
        self.checkpoint = checkpoint
        self.prefix = prefix
        self.map_location = map_location

    def __call__(self, module: nn.Module) -> None:
        """Load into ``module``."""
        if self.prefix is None:
            load_checkpoint(module, self.checkpoint, map_location=self.map_location, logger=self._logger())
        else:
            part = load_part(self.prefix, self.checkpoint, self.map_location, self._logger())
            load_state_dict(module, part, logger=self._logger())
        if hasattr(module, ATTRIBUTE):
            update_init_info(module, init_info=f"{type(self).__name__}: load from {self.checkpoint}")

    def _logger(self) -> logging.Logger | None:
        """Where to tell what does not fit; None: to this package's logger."""
        return None
