"""What hooks of MMCV 1.x read from their runner, offered by this one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mmbridge.compat.log_buffer import LogBuffer
from mmbridge.runners.loop.legacy_parts import legacy_outputs
from mmbridge.runners.loop.logging import MessageHub
from mmbridge.runners.loop.optim import OptimWrapperDict
from mmbridge.runners.loop.runner.hook_registration import HookRegistration
from mmbridge.runners.loop.runner.state import RunnerState


class HubOutput(OrderedDict[str, Any]):
    """``log_buffer.output``: an entry is logged as ``train/<name>``, a number as it is at the next log line."""

    def __init__(self, hub: MessageHub) -> None:
        super().__init__()
        self._hub = hub

    def __setitem__(self, name: str, value: Any) -> None:
        """Log ``value``."""
        super().__setitem__(name, value)
        try:
            self._hub.update_scalar(f"train/{name}", value)
        except (TypeError, ValueError):  # no number
            self._hub.update_info(f"train/{name}", value)


class HubLogBuffer(LogBuffer):
    """MMCV 1.x's log buffer; what is written to it is logged with the rest of the run."""

    def __init__(self, hub: MessageHub) -> None:
        super().__init__()
        self._hub = hub
        self.output = HubOutput(hub)

    def update(self, vars: Mapping[str, Any], count: float = 1) -> None:
        """Log each value as ``train/<name>``."""
        for name, value in vars.items():
            self._hub.update_scalar(f"train/{name}", value, int(count))


class LegacyView(HookRegistration, RunnerState):
    """Names of MMCV 1.x's runners: ``optimizer``, ``data_loader``, ``outputs``, ``inner_iter``, ``log_buffer``, ...

    ``mode`` is 'train', 'val' or 'test'; ``data_batch``, ``outputs`` and ``inner_iter`` (from 0) are those of the
    present iteration; ``meta`` is written to checkpoints. A loop of the user's own need not set them.
    """

    data_batch: Any = None
    _outputs: Any = None
    inner_iter: int = 0
    meta: dict[str, Any]
    _log_buffer: HubLogBuffer | None = None

    @contextmanager
    def at_work(self, mode: str, data_loader: Any) -> Iterator[None]:
        """Within the block the run is in ``mode`` and goes through ``data_loader``; then it is as before."""
        before = self.mode, self.data_loader
        self.mode, self.data_loader = mode, data_loader
        try:
            yield
        finally:
            self.mode, self.data_loader = before

    @property
    def outputs(self) -> Any:
        """What the present step returned, of a training step as hooks of MMCV 1.x know it (``legacy_outputs``)."""
        return legacy_outputs(self._outputs, self.data_batch) if self.mode == "train" else self._outputs

    @outputs.setter
    def outputs(self, outputs: Any) -> None:
        self._outputs = outputs

    @property
    def optimizer(self) -> Any:
        """The torch optimizer without its wrapper; a dict of them by name where there are several."""
        if isinstance(self.optim_wrapper, OptimWrapperDict):
            return {name: each.optimizer for name, each in self.optim_wrapper.items()}
        return self.optim_wrapper.optimizer

    @property
    def log_buffer(self) -> HubLogBuffer:
        """Where hooks of MMCV 1.x log; it ends in the message hub."""
        if self._log_buffer is None:
            self._log_buffer = HubLogBuffer(self.message_hub)
        return self._log_buffer

    def current_lr(self) -> Any:
        """The learning rate of each parameter group: a list, or a dict of lists for several optimizers."""
        return self._of_groups(lambda group: group["lr"])

    def current_momentum(self) -> Any:
        """The momentum of each parameter group, else ``betas[0]``, else 0; as :meth:`current_lr`."""
        return self._of_groups(lambda group: group.get("momentum", group.get("betas", (0,))[0]))

    def _of_groups(self, read: Any) -> Any:
        optimizer = self.optimizer
        if isinstance(optimizer, dict):
            return {name: [read(group) for group in each.param_groups] for name, each in optimizer.items()}
        return [read(group) for group in optimizer.param_groups]

    def get_hook_info(self) -> str:
        """See :meth:`get_hooks_info`, its name in MMEngine."""
        return self.get_hooks_info()
