"""Another shuffle in each epoch for distributed samplers."""

from __future__ import annotations

from typing import Any

from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.hooks.registry import HOOKS


@HOOKS.register_module()
class DistSamplerSeedHook(LegacyHook):
    """Tells the sampler, or the batch sampler's sampler, the epoch that begins, in train and val alike.

    In a run counted in iterations there is nothing to do: IterLoader tells the sampler itself.
    """

    def before_epoch(self, runner: Any) -> None:
        """Call ``set_epoch`` where there is one."""
        loader = getattr(runner, "data_loader", None)
        sampler = getattr(loader, "sampler", None)
        if not hasattr(sampler, "set_epoch"):
            sampler = getattr(getattr(loader, "batch_sampler", None), "sampler", None)
        if sampler is not None and hasattr(sampler, "set_epoch"):
            sampler.set_epoch(runner.epoch)
