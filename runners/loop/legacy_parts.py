"""Models of MMCV 1.x in the loop runtime: the steps it asks for, made of the steps they have."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any

import torch.distributed
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.dist import get_dist_info
from mmbridge.runners.loop.model.losses import parse_losses
from mmbridge.runners.loop.optim import OptimWrapperDict
from mmbridge.runners.loop.registry import MODEL_WRAPPERS
from mmbridge.runners.parallel import DataContainer, MMDistributedDataParallel, is_module_wrapper, scatter
from torch import Tensor, nn


class WrongOutputs(BridgeError, TypeError):
    """A model of MMCV 1.x returned what its kind of step must not return."""


class StepLog(dict[str, Any]):
    """The values that a training step logs; ``returned`` is all that the model of MMCV 1.x gave."""

    def __init__(self, returned: Mapping[str, Any]) -> None:
        super().__init__(returned.get("log_vars", {}))
        self.returned = returned


def legacy_outputs(outputs: Any, data_batch: Any) -> Any:
    """What a training step returned as MMCV 1.x's runners hold it: with ``loss``, ``log_vars`` and ``num_samples``.

    ``outputs`` are those of this runtime: the values to log. What is no mapping stays as it is.
    """
    if isinstance(outputs, StepLog):
        return outputs.returned
    if not isinstance(outputs, Mapping) or "log_vars" in outputs:
        return outputs
    return {**outputs, "log_vars": outputs, "num_samples": _samples(data_batch)}


def adapt_model(model: nn.Module) -> nn.Module:
    """The model itself if this runtime can run it, or else in a :class:`LegacyModel`, where MMCV 1.x could.

    A ``train_step`` that can be called as ``train_step(data, optim_wrapper=...)`` and has no parameter
    ``optimizer`` is MMEngine's; any other is MMCV 1.x's, and so is a model without ``train_step`` whose ``forward``
    has a parameter ``return_loss``. Wrappers, and models that are of neither kind, stay as they are.
    """
    if is_module_wrapper(model):
        return model
    step = getattr(model, "train_step", None)
    if step is None:
        legacy = "return_loss" in inspect.signature(model.forward).parameters
    else:
        legacy = not _takes_optim_wrapper(inspect.signature(step))
    return LegacyModel(model) if legacy else model


def _takes_optim_wrapper(signature: inspect.Signature) -> bool:
    if "optimizer" in signature.parameters:
        return False
    try:
        signature.bind(None, optim_wrapper=None)
    except TypeError:
        return False
    return True


@MODEL_WRAPPERS.register_module()
class LegacyModel(nn.Module):
    """A model of MMCV 1.x with MMEngine's ``train_step``, ``val_step`` and ``test_step``.

    ``module`` is the model: one with ``train_step(data, optimizer)`` and ``val_step(data, optimizer)``, which return a
    dict of ``loss``, ``log_vars`` and ``num_samples``, or one whose ``forward(return_loss=True, **data)`` returns
    losses. ``forward(return_loss=False, **data)`` returns results. Batches reach it as MMDataParallel hands them
    out: DataContainers unpacked, tensors on the device of its parameters. In several processes its gradients are the
    mean over all of them; :meth:`distribute`, called before the first step, says how.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self._parallel: tuple[MMDistributedDataParallel, ...] = ()  # a tuple hides it: parameters are registered once
        self._first: tuple[nn.Parameter, ...] | None = None  # tells the device; None: look again

    def train(self, mode: bool = True) -> LegacyModel:
        """Switch the model between training and evaluation."""
        self._first = None
        return super().train(mode)

    def distribute(self, **options: Any) -> None:
        """Average the gradients of all processes from now on; options as for MMDistributedDataParallel.

        The model must be on its device already. ``broadcast_buffers`` is False unless given, as in 1.x train scripts,
        ``device_ids`` the device of the model's parameters.
        """
        target = self._target()
        ids = {} if target == -1 else {"device_ids": [target]}
        self._parallel = (MMDistributedDataParallel(self.module, **{"broadcast_buffers": False, **ids, **options}),)

    def no_sync(self) -> AbstractContextManager[Any]:
        """Within it, gradients are summed up in each process alone."""
        return self._parallel[0].no_sync() if self._parallel else nullcontext()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the model with its arguments unpacked and on its device."""
        return self.module(*map(self._unpacked, args), **self._unpacked(kwargs))

    def train_step(self, data: Any, optim_wrapper: Any) -> dict[str, Any]:
        """One step of the optimizer by the loss of ``data``; returns the values to log.

        A model with several optimizers steps them itself and gets the dict of them, as in MMCV 1.x.
        """
        if not self._parallel and get_dist_info()[1] > 1:
            self.distribute()
        if isinstance(optim_wrapper, OptimWrapperDict):
            outputs = self._outputs("train_step", data, {name: each.optimizer for name, each in optim_wrapper.items()})
            return StepLog(outputs)
        with optim_wrapper.optim_context(self):
            outputs = self._outputs("train_step", data, optim_wrapper.optimizer)
        loss, log_vars = outputs.get("loss"), StepLog(outputs)
        if not isinstance(loss, Tensor):
            raise WrongOutputs(
                f"the train step of {type(self.module).__name__} gave no tensor 'loss' to go backward from; "
                f"found {sorted(map(str, {**outputs, **log_vars}))}"
            )
        optim_wrapper.update_params(loss)
        return log_vars

    def loss_step(self, data: Any) -> tuple[dict[str, Any], int]:
        """The values that MMCV 1.x logged for a batch of a 'val' flow, and its number of samples.

        From the model's ``val_step(data, optimizer)``; without one, from ``forward(return_loss=True, **data)``.
        """
        outputs = self._outputs("val_step", data, None)
        return dict(outputs.get("log_vars", {})), outputs.get("num_samples", 1)

    def val_step(self, data: Any) -> list[Any]:
        """The results of ``model(return_loss=False, **data)``, one per sample; a dict of them counts as one."""
        if not isinstance(data, Mapping):
            raise WrongOutputs(
                f"a batch for {type(self.module).__name__} must be a mapping, which its forward takes as keyword "
                f"arguments, found {type(data).__name__}; the dataset's samples must be dicts"
            )
        results = self(return_loss=False, **data)
        return [results] if isinstance(results, Mapping) else list(results)

    test_step = val_step

    def _outputs(self, name: str, data: Any, optimizer: Any) -> Mapping[str, Any]:
        """What the model's own step returns, or what it would return if it had one."""
        running: Any = self._parallel[0] if self._parallel else self.module
        data = _for_one_device(data) if self._parallel else self._unpacked(data)
        if not hasattr(self.module, name):
            return {**parsed_losses(running(return_loss=True, **data)), "num_samples": _samples(data)}
        outputs = getattr(running, name)(data, optimizer)
        if not isinstance(outputs, Mapping):
            raise WrongOutputs(
                f"{type(self.module).__name__}.{name} must return a dict with loss, log_vars and num_samples, "
                f"found {type(outputs).__name__}"
            )
        return outputs

    def _unpacked(self, data: Any) -> Any:
        """``data`` without containers, its tensors on the model's device."""
        return scatter(_for_one_device(data), (self._target(),))[0]

    def _target(self) -> int:
        """Where tensors go: the CUDA device of the model, or -1 for nowhere."""
        if self._first is None:
            self._first = tuple(islice(self.module.parameters(), 1))
        device = self._first[0].device if self._first else None
        return device.index if device is not None and device.type == "cuda" else -1


def parsed_losses(losses: Any) -> dict[str, Any]:
    """``loss``, the sum of all means whose name holds 'loss', and ``log_vars``, every mean and the sum.

    ``losses`` is a tensor or a dict of tensors and lists of tensors; logged are means over the processes. MMDetection
    2.28.2, mmdet/models/detectors/base.py. Raises TypeError for anything else.
    """
    losses = {"loss": losses} if isinstance(losses, Tensor) else losses
    if not isinstance(losses, Mapping):
        raise WrongOutputs(f"losses must be a tensor or a dict of tensors, found {type(losses).__name__}")
    loss, means = parse_losses(losses)
    log_vars = {**{name: means[name] for name in losses}, "loss": loss}
    return {"loss": loss, "log_vars": {name: _logged(value) for name, value in log_vars.items()}}


def _logged(value: Any) -> Any:
    """``value`` without its graph, averaged over the processes."""
    if not isinstance(value, Tensor):
        return value
    value = value.detach()
    _, world_size = get_dist_info()
    if world_size > 1:
        value = value.clone() / world_size
        torch.distributed.all_reduce(value)
    return value


def _for_one_device(data: Any) -> Any:
    """``data``; ValueError where its containers hold the parts of several devices, of which only one would be used."""
    values = data.values() if isinstance(data, Mapping) else (data,)
    for value in values:
        if isinstance(value, DataContainer) and isinstance(value.data, list) and len(value.data) > 1:
            raise ValueError(
                f"a batch was collated into {len(value.data)} parts for as many devices, but a process has one; "
                "set samples_per_gpu of collate_fn to the batch size, or leave it out"
            )
    return data


def _samples(data: Mapping[str, Any]) -> int:
    """How many samples a batch has: the length of its first tensor or list, in a container or not."""
    parts = data.values() if isinstance(data, Mapping) else data if isinstance(data, (list, tuple)) else ()
    values = (part.data[0] if isinstance(part, DataContainer) else part for part in parts)
    return next((len(value) for value in values if isinstance(value, (Tensor, list, tuple))), 1)
