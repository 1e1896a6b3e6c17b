"""The hooks of MMDetection 2.x that need nothing of MMDetection.

MMDetection 2.28.2, mmdet/core/hook.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from mmbridge.compat.errors import BridgeError
from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.dist import allreduce_params
from mmbridge.runners.hooks.registry import HOOKS
from mmbridge.runners.hooks.tracker import package
from mmbridge.runners.norms import NORMS
from mmbridge.runners.state_dict import unwrapped

_OTHER_CLASSES = ("RPNHead", "VGG", "FusedSemanticHead", "GARPNHead")
"""Modules whose ``num_classes`` does not count the dataset's classes."""


@HOOKS.register_module()
class NumClassCheckHook(LegacyHook):
    """Before each epoch, raises ValueError where a head's ``num_classes`` is not the dataset's number of classes."""

    def before_train_epoch(self, runner: Any) -> None:
        """Check the training data."""
        self._check(runner)

    def before_val_epoch(self, runner: Any) -> None:
        """Check the validation data."""
        self._check(runner)

    def _check(self, runner: Any) -> None:
        dataset = runner.data_loader.dataset
        classes = getattr(dataset, "CLASSES", None)
        if classes is None:
            runner.logger.warning(
                f"Please set `CLASSES` in the {type(dataset).__name__} and check if it is consistent with the "
                "`num_classes` of head"
            )
            return
        if isinstance(classes, str):
            raise ValueError(
                f"CLASSES of {type(dataset).__name__} must be a tuple of str, found a str: write ({classes!r},)"
            )
        for name, module in runner.model.named_modules():
            count = getattr(module, "num_classes", None)
            if count is None or type(module).__name__ in _OTHER_CLASSES:
                continue
            if count != len(classes):
                raise ValueError(
                    f"num_classes ({count}) of {name} ({type(module).__name__}) does not match the "
                    f"{len(classes)} CLASSES of {type(dataset).__name__}"
                )


@HOOKS.register_module()
class CheckInvalidLossHook(LegacyHook):
    """After every ``interval`` iterations, raises BridgeError where the loss is infinite or not a number."""

    def __init__(self, interval: int = 50) -> None:
        self.interval = interval

    def after_train_iter(self, runner: Any) -> None:
        """Check the loss if it is time."""
        if self.every_n_iters(runner, self.interval) and not torch.isfinite(runner.outputs["loss"]).all():
            runner.logger.info("loss become infinite or NaN!")
            raise BridgeError(f"the loss is {runner.outputs['loss'].detach()} at iteration {runner.iter + 1}")


@HOOKS.register_module()
class SetEpochInfoHook(LegacyHook):
    """Before each training epoch, tells the model its number, from 0: ``model.set_epoch(epoch)``."""

    def before_train_epoch(self, runner: Any) -> None:
        """Call ``set_epoch``."""
        unwrapped(runner.model).set_epoch(runner.epoch)  # type: ignore[operator]


@HOOKS.register_module()
class SyncNormHook(LegacyHook):
    """After every ``interval`` epochs, and after each of the last ``num_last_epochs``, averages the norm layers'
    states.

    All processes have equal norm layers then. Nothing to do in a single process.
    """

    def __init__(self, num_last_epochs: int = 15, interval: int = 1) -> None:
        self.num_last_epochs = num_last_epochs
        self.interval = interval

    def before_train_epoch(self, runner: Any) -> None:
        """When the last epochs begin, average after each."""
        if runner.epoch + 1 == runner.max_epochs - self.num_last_epochs:
            self.interval = 1

    def after_train_epoch(self, runner: Any) -> None:
        """Average if it is time."""
        if not self.every_n_epochs(runner, self.interval) or runner.world_size == 1:
            return
        states = [
            tensor
            for module in runner.model.modules()
            if isinstance(module, NORMS)
            for tensor in module.state_dict().values()
            if tensor.is_floating_point()
        ]
        allreduce_params(states)


@HOOKS.register_module()
class YOLOXModeSwitchHook(LegacyHook):
    """When the last ``num_last_epochs`` begin: no more ``skip_type_keys`` in the data, and an L1 loss in the head.

    The dataset's ``update_skip_type_keys`` and the model's ``bbox_head.use_l1`` are set. The switch happens at that
    epoch only, so a run resumed later than it does not switch.
    """

    def __init__(
        self, num_last_epochs: int = 15, skip_type_keys: Sequence[str] = ("Mosaic", "RandomAffine", "MixUp")
    ) -> None:
        self.num_last_epochs = num_last_epochs
        self.skip_type_keys = skip_type_keys

    def before_train_epoch(self, runner: Any) -> None:
        """Switch if it is time."""
        loader = runner.data_loader
        if runner.epoch + 1 == runner.max_epochs - self.num_last_epochs:
            runner.logger.info("No mosaic and mixup aug now!")
            loader.dataset.update_skip_type_keys(self.skip_type_keys)
            if getattr(loader, "persistent_workers", False):
                _end_workers(loader)
            runner.logger.info("Add additional L1 loss now!")
            head: Any = unwrapped(runner.model).bbox_head
            head.use_l1 = True


def _end_workers(loader: Any) -> None:
    """Let the next epoch of ``loader`` start new workers: those that live on hold the dataset as it was.

    Torch has no call for that. Workers end with the iterator that started them, which the loader keeps.
    """
    for name, kept in list(vars(loader).items()):
        if isinstance(kept, Iterator):
            setattr(loader, name, None)


@HOOKS.register_module()
class MemoryProfilerHook(LegacyHook):
    """After every ``interval`` iterations of any mode, logs the memory of the machine and of this process, in MiB."""

    def __init__(self, interval: int = 50) -> None:
        self.interval = interval
        self._psutil = package("psutil", type(self).__name__)

    def after_iter(self, runner: Any) -> None:
        """Log if it is time."""
        if not self.every_n_iters(runner, self.interval):
            return
        machine, swap = self._psutil.virtual_memory(), self._psutil.swap_memory()
        process = self._psutil.Process().memory_info().rss
        runner.logger.info(
            f"Memory information available_memory: {machine.available // 2**20} MB, "
            f"used_memory: {machine.used // 2**20} MB, memory_utilization: {machine.percent} %, "
            f"available_swap_memory: {(swap.total - swap.used) // 2**20} MB, "
            f"used_swap_memory: {swap.used // 2**20} MB, swap_memory_utilization: {swap.percent} %, "
            f"current_process_memory: {process // 2**20} MB"
        )
