"""What a run tells about itself: its settings, counters, rates, losses and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.compat.hook import EngineHook, takes
from mmbridge.runners.hooks.logger import LoggerHook
from mmbridge.runners.loop.hooks.appending import Appending
from mmbridge.runners.loop.registry import HOOKS
from torch import Tensor


@HOOKS.register_module()
class RuntimeInfoHook(EngineHook):
    """Writes to the message hub what others read there.

    Facts: ``cfg``, ``seed``, ``experiment_name``, ``mmengine_version``; while training ``epoch``, ``iter``,
    ``max_epochs``, ``max_iters``, ``dataset_meta``; ``loop_stage``. Histories: ``train/lr`` and every other rate of
    the first group, by the names of the optimizer wrapper; ``train/<name>`` of each output of a step; ``val/<name>``
    and ``test/<name>`` of each metric that is a number, as a fact where it is none. MMEngine 0.10.7,
    mmengine/hooks/runtime_info_hook.py.
    """

    priority = "VERY_HIGH"

    def __init__(self) -> None:
        self.last_loop_stage: str | None = None
        self._training: Any = None

    def before_run(self, runner: Any) -> None:
        """The facts of the whole run."""
        from mmbridge.runners.loop.runner.checkpointing import LAYOUT_VERSION  # which builds on the hooks

        facts = {
            "cfg": runner.cfg.pretty_text,
            "seed": runner.seed,
            "experiment_name": runner.experiment_name,
            "mmengine_version": LAYOUT_VERSION,
        }
        runner.message_hub.update_info_dict(facts)
        self.last_loop_stage = None
        self._training = Appending(runner.message_hub, "train/")

    def before_train(self, runner: Any) -> None:
        """The facts of training.

        Raises TypeError for an optimizer wrapper whose ``get_lr`` gives no dict."""
        hub = runner.message_hub
        hub.update_info("loop_stage", "train")
        for name in ("epoch", "iter", "max_epochs", "max_iters"):
            hub.update_info(name, getattr(runner, name))
        metainfo = getattr(runner.train_dataloader.dataset, "metainfo", None)
        if metainfo is not None:
            hub.update_info("dataset_meta", metainfo)
        rates = runner.optim_wrapper.get_lr()
        if not isinstance(rates, Mapping):
            raise TypeError(
                f"optim_wrapper.get_lr() must give a dict of lists of learning rates, found {type(rates).__name__}; "
                "the constructor of the optimizer wrapper should return an OptimWrapper or an OptimWrapperDict"
            )

    def after_train(self, runner: Any) -> None:
        """Training is over."""
        runner.message_hub.pop_info("loop_stage")

    def before_train_epoch(self, runner: Any) -> None:
        """The epoch that begins."""
        runner.message_hub.update_info("epoch", runner.epoch)
        self._training = Appending(runner.message_hub, "train/")

    @takes()
    def before_train_iter(self, runner: Any, batch_idx: int = 0, data_batch: Any = None) -> None:
        """The iteration that begins, and the rates it is trained with."""
        hub = runner.message_hub
        hub.update_info("iter", runner.iter)
        for name, rates in runner.optim_wrapper.get_lr().items():
            rate = rates[0]
            # A rate that is a tensor is changed in place, so it is read now.
            self._training[name](rate if type(rate) is float else float(rate))

    @takes("outputs")
    def after_train_iter(self, runner: Any, batch_idx: int = 0, data_batch: Any = None, outputs: Any = None) -> None:
        """What the step has reported."""
        if outputs is not None:
            for name, value in outputs.items():
                if type(value) is Tensor and not value.ndim and value.is_cpu:
                    value = value.item()
                if type(value) is float:
                    self._training[name](value)
                else:
                    runner.message_hub.update_scalar(f"train/{name}", value)

    def before_val(self, runner: Any) -> None:
        """The stage, the one before remembered."""
        self.last_loop_stage = runner.message_hub.get_info("loop_stage")
        runner.message_hub.update_info("loop_stage", "val")

    def after_val_epoch(self, runner: Any, metrics: Mapping[str, Any] | None = None) -> None:
        """The metrics."""
        _report(runner.message_hub, "val", metrics)

    def after_val(self, runner: Any) -> None:
        """Back to training, if that was the stage before."""
        if self.last_loop_stage == "train":
            runner.message_hub.update_info("loop_stage", "train")
        else:
            runner.message_hub.pop_info("loop_stage")
        self.last_loop_stage = None

    def before_test(self, runner: Any) -> None:
        """The stage."""
        runner.message_hub.update_info("loop_stage", "test")

    def after_test(self, runner: Any) -> None:
        """The test is over."""
        runner.message_hub.pop_info("loop_stage")

    def after_test_epoch(self, runner: Any, metrics: Mapping[str, Any] | None = None) -> None:
        """The metrics."""
        _report(runner.message_hub, "test", metrics)


def _report(hub: Any, mode: str, metrics: Mapping[str, Any] | None) -> None:
    for name, value in (metrics or {}).items():
        update = hub.update_scalar if LoggerHook.is_scalar(value) else hub.update_info
        update(f"{mode}/{name}", value)
