"""What both runners of MMCV 1.x have in common: state, properties, checkpoints, resuming."""

from __future__ import annotations

import logging
import os
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import torch
from mmbridge.compat.log_buffer import LogBuffer
from mmbridge.compat.registry import MissingKey
from mmbridge.runners.checkpoint import (
    Checkpoint,
    load_checkpoint,
    point_latest,
    save_checkpoint,
)
from mmbridge.runners.dist import get_dist_info
from mmbridge.runners.legacy.offered import OfferedToHooks
from mmbridge.runners.legacy.registration import HookRegistration
from mmbridge.runners.legacy.resuming import trained_gpus
from mmbridge.runners.state_dict import unwrapped
from torch import nn
from torch.optim import Optimizer

Optimizers: TypeAlias = Optimizer | dict[str, Optimizer] | None


class BaseRunner(HookRegistration, OfferedToHooks, ABC):
    """Holds model, optimizer, counters and hooks of one training run; subclasses say how it goes.

    ``batch_processor`` (deprecated) computes the loss for models without ``train_step``. ``optimizer`` may
    be a dict of optimizers. ``meta`` is kept as it is and written to checkpoints. Only one of
    ``max_epochs`` and ``max_iters`` may be given. Raises TypeError for wrong types, ValueError for
    contradictions. MMCV 1.7.2, mmcv/runner/base_runner.py.
    """

    def __init__(
        self,
        model: nn.Module,
        batch_processor: Callable[..., Any] | None = None,
        optimizer: Optimizers = None,
        work_dir: str | os.PathLike[str] | None = None,
        logger: logging.Logger | None = None,
        meta: dict[str, Any] | None = None,
        max_iters: int | None = None,
        max_epochs: int | None = None,
    ) -> None:
        super().__init__()
        _check_model(model, batch_processor)
        _check_optimizer(optimizer)
        if not isinstance(logger, logging.Logger):
            raise TypeError(f"logger must be a logging.Logger object, but got {type(logger)}")
        if meta is not None and not isinstance(meta, dict):
            raise TypeError(f"meta must be a dict or None, but got {type(meta)}")
        if max_epochs is not None and max_iters is not None:
            raise ValueError("Only one of `max_epochs` or `max_iters` can be set.")
        self.model = model
        self.batch_processor = batch_processor
        self.optimizer = optimizer
        self.logger = logger
        self.meta = meta
        self.work_dir = _made_directory(work_dir)
        self._rank, self._world_size = get_dist_info()
        self.timestamp = time.strftime("%Y%m%d_%H%M%S", time.localtime())
        self.mode: str | None = None
        self.log_buffer = LogBuffer()
        self._epoch = self._iter = self._inner_iter = 0
        self._max_epochs, self._max_iters = max_epochs, max_iters
        self.resumed_within_epoch = False
        """Whether the checkpoint that was resumed from was saved between two iterations of an epoch, by Ctrl-C."""
        self.data_loader: Any
        self.data_batch: Any
        self.outputs: dict[str, Any]

    @property
    def model_name(self) -> str:
        """The class name of the model inside any wrapper."""
        return type(getattr(self.model, "module", self.model)).__name__

    @property
    def rank(self) -> int:
        """The number of this process."""
        return self._rank

    @property
    def world_size(self) -> int:
        """The number of processes that train together."""
        return self._world_size

    @property
    def epoch(self) -> int:
        """How many epochs are finished."""
        return self._epoch

    @property
    def iter(self) -> int:
        """How many training iterations are finished."""
        return self._iter

    @property
    def inner_iter(self) -> int:
        """The iteration in the current epoch, from 0."""
        return self._inner_iter

    @property
    def max_epochs(self) -> int | None:
        """How many epochs to train; None in a run counted in iterations."""
        return self._max_epochs

    @property
    def max_iters(self) -> int | None:
        """How many iterations to train; in a run counted in epochs, known once it has begun."""
        return self._max_iters

    @abstractmethod
    def train(self, data_loader: Any, **kwargs: Any) -> None:
        """One training epoch, or one iteration, depending on the runner."""

    @abstractmethod
    def val(self, data_loader: Any, **kwargs: Any) -> None:
        """One validation epoch, or one iteration, depending on the runner."""

    @abstractmethod
    def run(self, data_loaders: list[Any], workflow: Sequence[tuple[str, int]], **kwargs: Any) -> None:
        """The whole run."""

    @abstractmethod
    def save_checkpoint(self, out_dir: str, *args: Any, **kwargs: Any) -> None:
        """Write a checkpoint of this moment."""

    def current_lr(self) -> Any:
        """The learning rate of each parameter group: a list, or a dict of lists for a dict of optimizers."""
        return self._of_groups("lr", lambda group: group["lr"])

    def current_momentum(self) -> Any:
        """The momentum of each parameter group, else ``betas[0]``, else 0; as :meth:`current_lr`."""
        return self._of_groups("momentum", _momentum)

    def _of_groups(self, what: str, read: Callable[[dict[str, Any]], Any]) -> Any:
        if self.optimizer is None:
            raise RuntimeError(f"{what} is not applicable because optimizer does not exist.")
        if isinstance(self.optimizer, dict):
            return {name: [read(g) for g in each.param_groups] for name, each in self.optimizer.items()}
        return [read(group) for group in self.optimizer.param_groups]

    def load_checkpoint(
        self,
        filename: str,
        map_location: Any = "cpu",
        strict: bool = False,
        revise_keys: Sequence[tuple[str, str]] = ((r"^module.", ""),),
    ) -> Checkpoint:
        """Load the weights of ``filename`` into the model and return all that the file holds."""
        announce = partial(self._announce, "after_load_checkpoint")
        return load_checkpoint(self.model, filename, map_location, strict, self.logger, revise_keys, announce)

    def _announce(self, point: str, checkpoint: Checkpoint) -> None:
        self.call_hook(point, checkpoint=checkpoint)

    def resume(self, checkpoint: str, resume_optimizer: bool = True, map_location: Any = "default") -> None:
        """Go on where ``checkpoint`` was saved: weights, counters, ``meta`` and the optimizer's state.

        ``meta`` becomes the checkpoint's. The iteration is scaled where the number of GPUs has changed.
        """
        loaded = self._read_resumed(checkpoint, map_location)
        before = trained_gpus(loaded["meta"])
        if before and before != self.world_size:
            self._iter = int(self._iter * before / self.world_size)
            self.logger.info("the iteration number is changed due to change of GPU number")
        self.meta = loaded["meta"]
        self.resumed_within_epoch = self.meta.pop("within_epoch", False)
        self._resume_optimizer(loaded, resume_optimizer)
        self.logger.info("resumed epoch %d, iter %d", self.epoch, self.iter)

    def _read_resumed(self, checkpoint: str, map_location: Any) -> Checkpoint:
        if map_location == "default":
            on_gpu = torch.cuda.is_available()
            map_location = torch.device("cuda", torch.cuda.current_device()) if on_gpu else "cpu"
        loaded = self.load_checkpoint(checkpoint, map_location=map_location)
        for key in ("epoch", "iter"):
            if key not in loaded.get("meta", {}):
                raise MissingKey(
                    f"{checkpoint}: has no meta[{key!r}], so it cannot be resumed from; load_from can use it"
                )
        self._epoch, self._iter = loaded["meta"]["epoch"], loaded["meta"]["iter"]
        return loaded

    def _resume_optimizer(self, loaded: Checkpoint, wanted: bool) -> None:
        if not wanted or "optimizer" not in loaded:
            return
        if self.optimizer is None:
            raise TypeError("Optimizer should be dict or torch.optim.Optimizer but got None: nothing to resume into")
        if isinstance(self.optimizer, dict):
            for name, optimizer in self.optimizer.items():
                optimizer.load_state_dict(loaded["optimizer"][name])
        else:
            self.optimizer.load_state_dict(loaded["optimizer"])

    def _save(self, out_dir: str, filename: str, save_optimizer: bool, meta: Any, create_symlink: bool) -> None:
        if meta is None:
            meta = {}
        if not isinstance(meta, dict):
            raise TypeError(f"meta should be a dict or None, but got {type(meta)}")
        meta.update({**(self.meta or {}), "epoch": self.epoch + 1, "iter": self.iter})
        optimizer = self.optimizer if save_optimizer else None
        announce = partial(self._announce, "before_save_checkpoint")
        save_checkpoint(self.model, os.path.join(out_dir, filename), optimizer, meta, announce)
        if create_symlink:
            point_latest(out_dir, filename)

    def _reported(self, outputs: Any, source: str) -> dict[str, Any]:
        if not isinstance(outputs, dict):
            raise TypeError(f"{source} must return a dict, found {type(outputs).__name__}")
        if "log_vars" in outputs:
            if "num_samples" not in outputs:
                raise KeyError(f"{source} returned 'log_vars' without 'num_samples', how many samples they stand for")
            self.log_buffer.update(outputs["log_vars"], outputs["num_samples"])
            if self._hub is not None:
                self._tell_hub(self._hub, outputs["log_vars"])
        return outputs

    def _log_start(self, workflow: Any, limit: str) -> None:
        self.logger.info("Start running, host: %s, work_dir: %s", host_info(), self.work_dir or "NONE")
        self.logger.info("Hooks will be executed in the following order:\n%s", self.get_hook_info())
        self.logger.info("workflow: %s, max: %s", workflow, limit)


def check_workflow(runner: BaseRunner, data_loaders: Any, workflow: Any) -> None:
    """Raise for data loaders and a workflow that ``runner`` cannot run, before anything has been run."""
    if not isinstance(data_loaders, list):
        raise TypeError(f"data_loaders must be a list, one loader per flow, found {type(data_loaders).__name__}")
    if not isinstance(workflow, (list, tuple)) or not all(
        isinstance(flow, (list, tuple)) and len(flow) == 2 for flow in workflow
    ):
        raise TypeError(f"workflow must be a list of (mode, times), such as [('train', 1)], found {workflow!r}")
    if len(data_loaders) != len(workflow):
        raise ValueError(f"workflow {workflow} has {len(workflow)} flows for {len(data_loaders)} data loaders")
    for mode, times in workflow:
        if not isinstance(mode, str):
            raise TypeError(f"mode in workflow must be a str, but got {type(mode)} in {workflow}")
        if not callable(getattr(runner, mode, None)):
            raise ValueError(
                f"workflow {workflow}: {type(runner).__name__} has no method {mode!r} to run; "
                "the usual ones are 'train' and 'val'"
            )
        if not isinstance(times, int) or times < 1:
            raise ValueError(f"workflow {workflow}: {mode!r} must be run 1 time or more, found {times!r}")
    if all(mode == "val" for mode, _ in workflow):
        raise ValueError(f"workflow {workflow} never trains, so it would never end; add ('train', 1)")


def host_info() -> str:
    """``user@host``, or an empty text, with a warning, where the machine does not tell."""
    from getpass import getuser
    from socket import gethostname

    try:
        return f"{getuser()}@{gethostname()}"
    except (OSError, KeyError, ImportError) as error:
        warnings.warn(f"Host or user not found: {error}", stacklevel=2)
        return ""


def _momentum(group: dict[str, Any]) -> Any:
    if "momentum" in group:
        return group["momentum"]
    return group["betas"][0] if "betas" in group else 0


def _made_directory(work_dir: str | os.PathLike[str] | None) -> str | None:
    if work_dir is None:
        return None
    if not isinstance(work_dir, (str, os.PathLike)):
        raise TypeError(f'"work_dir" must be a str, a path or None, found {type(work_dir).__name__}')
    path = os.path.abspath(work_dir)
    os.makedirs(path, exist_ok=True)
    return path


def _check_model(model: nn.Module, batch_processor: Any) -> None:
    if batch_processor is None:
        if not hasattr(model, "train_step"):
            raise TypeError(
                f"the model {type(model).__name__} has no method train_step, and there is no batch_processor"
            )
        return
    if not callable(batch_processor):
        raise TypeError(f"batch_processor must be callable, but got {type(batch_processor)}")
    warnings.warn(
        "batch_processor is deprecated; give the model train_step() and val_step()",
        DeprecationWarning,
        stacklevel=4,
    )
    if any(hasattr(unwrapped(model), name) for name in ("train_step", "val_step")):
        raise RuntimeError("batch_processor and model.train_step()/model.val_step() cannot be both available.")


def _check_optimizer(optimizer: Any) -> None:
    if isinstance(optimizer, dict):
        for name, each in optimizer.items():
            if not isinstance(each, Optimizer):
                raise TypeError(
                    f'optimizer must be a dict of torch.optim.Optimizers, but optimizer["{name}"] is a {type(each)}'
                )
    elif optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be a torch.optim.Optimizer object or dict or None, but got {type(optimizer)}")
