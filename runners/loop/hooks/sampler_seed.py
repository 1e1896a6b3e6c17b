"""Another shuffle in each epoch."""

from __future__ import annotations

from typing import Any

from mmbridge.compat.hook import EngineHook
from mmbridge.runners.hooks.sampler_seed import tell_epoch
from mmbridge.runners.loop.registry import HOOKS


@HOOKS.register_module()
class DistSamplerSeedHook(EngineHook):
    """Tells the training data's sampler, else its batch sampler's sampler, the epoch that begins."""

    def before_train_epoch(self, runner: Any) -> None:
        """Call ``set_epoch`` where there is one."""
        tell_epoch(runner.train_loop.dataloader, runner.epoch)
