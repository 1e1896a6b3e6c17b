"""Another shuffle in each epoch for distributed samplers."""

from __future__ import annotations

from typing import Any

from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.hooks.registry import HOOKS


def tell_epoch(dataloader: Any, epoch: int) -> None:
    """Call ``set_epoch`` of the sampler of ``dataloader``, else of its batch sampler's, where there is one."""
    for holder in (dataloader, getattr(dataloader, "batch_sampler", None)):
        sampler: Any = getattr(holder, "sampler", None)
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(epoch)
            return


@HOOKS.register_module()
class DistSamplerSeedHook(LegacyHook):
    """Tells the sampler, or the batch sampler's sampler, the epoch that begins, in train and val alike.

    In a run counted in iterations there is nothing to do: IterLoader tells the sampler itself.
    """

    def before_epoch(self, runner: Any) -> None:
        """Call ``set_epoch`` where there is one."""
        tell_epoch(getattr(runner, "data_loader", None), runner.epoch)
