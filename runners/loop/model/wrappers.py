"""Many processes, one model: the wrappers whose steps the loops call.

MMEngine 0.10.7, mmengine/model/wrappers/.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import torch
from mmbridge.runners.loop.model.losses import detect_anomalous_params
from mmbridge.runners.loop.model.model import BaseModel, check_loss, run_forward
from mmbridge.runners.loop.model.wrapping import is_model_wrapper
from mmbridge.runners.loop.registry import MODEL_WRAPPERS
from mmbridge.runners.parallel.distributed import choosing_broadcast_buffers
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

__all__ = ["MMDistributedDataParallel", "MMSeparateDistributedDataParallel", "is_model_wrapper"]


@MODEL_WRAPPERS.register_module()
class MMDistributedDataParallel(DistributedDataParallel):
    """``DistributedDataParallel`` with the steps of the loops; gradients are averaged over the processes.

    ``detect_anomalous_params`` logs, after every update, the parameters that the loss does not depend on. Other
    arguments are torch's. For a model on the CPU ``device_ids`` and ``output_device`` mean nothing.
    """

    def __init__(self, module: nn.Module, detect_anomalous_params: bool = False, **kwargs: Any) -> None:
        if all(param.device.type == "cpu" for param in module.parameters()):
            kwargs.update(device_ids=None, output_device=None)
        with choosing_broadcast_buffers():
            super().__init__(module, **kwargs)
        self.detect_anomalous_params = detect_anomalous_params

    def train_step(self, data: Any, optim_wrapper: Any) -> dict[str, Tensor]:
        """Update the parameters by this process's batch; returns what is to be logged.

        As the model's own ``train_step``, but through torch's forward, so that gradients are averaged.
        """
        model = cast("BaseModel", self.module)
        with optim_wrapper.optim_context(self):
            data = model.data_preprocessor(data, True)
            losses = self._run_forward(data, mode="loss")
        loss, log_vars = model.parse_losses(losses)
        check_loss(loss, losses, model)
        optim_wrapper.update_params(loss)
        if self.detect_anomalous_params:
            detect_anomalous_params(loss, self)
        return log_vars

    def val_step(self, data: Any) -> Any:
        """The model's predictions for one batch."""
        return cast("BaseModel", self.module).val_step(data)

    def test_step(self, data: Any) -> Any:
        """The model's predictions for one batch."""
        return cast("BaseModel", self.module).test_step(data)

    _run_forward = run_forward


@MODEL_WRAPPERS.register_module()
class MMSeparateDistributedDataParallel(DistributedDataParallel):
    """Wraps every child of the model that has trainable parameters by itself; for models with several optimizers.

    All children are moved to this process's device. The model's own steps run, so its ``train_step`` must call the
    children. Other arguments are those of :class:`MMDistributedDataParallel`.
    """

    def __init__(
        self,
        module: nn.Module,
        broadcast_buffers: bool = False,
        find_unused_parameters: bool = False,
        **kwargs: Any,
    ) -> None:
        nn.Module.__init__(self)  # of torch's wrapper only the type is wanted
        self.module = module
        device = torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else "cpu"
        wrapped: dict[nn.Module, nn.Module] = {}  # a child of two names gets one wrapper
        for name, child in [*module.named_modules(remove_duplicate=False)]:
            if not name or "." in name:
                continue
            child.to(device)
            if child not in wrapped and any(param.requires_grad for param in child.parameters()):
                wrapped[child] = MMDistributedDataParallel(
                    child,
                    broadcast_buffers=broadcast_buffers,
                    find_unused_parameters=find_unused_parameters,
                    **kwargs,
                )
            module.add_module(name, wrapped.get(child, child))

    def train_step(self, data: Any, optim_wrapper: Any) -> dict[str, Tensor]:
        """The model's ``train_step``."""
        return cast("BaseModel", self.module).train_step(data, optim_wrapper)

    def val_step(self, data: Any) -> Any:
        """The model's predictions for one batch."""
        return cast("BaseModel", self.module).val_step(data)

    def test_step(self, data: Any) -> Any:
        """The model's predictions for one batch."""
        return cast("BaseModel", self.module).test_step(data)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Within the block gradients stay this process's own."""
        with ExitStack() as stack:
            for child in self.module.children():
                if isinstance(child, DistributedDataParallel):
                    stack.enter_context(child.no_sync())
            yield

    def train(self, mode: bool = True) -> MMSeparateDistributedDataParallel:
        """Set training mode, or evaluation."""
        self.training = mode
        self.module.train(mode)
        return self
