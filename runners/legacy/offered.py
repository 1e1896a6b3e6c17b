"""What hooks written for MMEngine read from a runner, offered by the runners of MMCV 1.x."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbridge.runners.loop.logging import MessageHub
from mmbridge.runners.loop.optim import OptimWrapper, OptimWrapperDict
from torch.optim import Optimizer

if TYPE_CHECKING:
    from mmbridge.runners.legacy.runner import BaseRunner


class TrainLoopView:
    """``runner.train_loop``: the training loader and the run's counters; ``stop_training = True`` ends the run.

    The run ends once the flows of the workflow that are being run are over.
    """

    def __init__(self, runner: BaseRunner) -> None:
        self.runner = runner
        self.stop_training = False

    @property
    def dataloader(self) -> Any:
        """The runner's ``train_dataloader``."""
        return self.runner.train_dataloader

    @property
    def epoch(self) -> int:
        """The runner's."""
        return self.runner.epoch

    @property
    def iter(self) -> int:
        """The runner's."""
        return self.runner.iter

    @property
    def max_epochs(self) -> int | None:
        """The runner's."""
        return self.runner.max_epochs

    @property
    def max_iters(self) -> int | None:
        """The runner's."""
        return self.runner.max_iters


class OfferedToHooks:
    """The part of a runner that MMEngine's hooks know; each is made when it is asked for, and costs nothing before."""

    optimizer: Any
    meta: dict[str, Any] | None
    timestamp: str
    cfg: Any = None
    """The config, where the train entry made the runner."""

    _flows: tuple[tuple[str, Any], ...] = ()
    _optim_wrapper: Any = None
    _hub: MessageHub | None = None
    _view: TrainLoopView | None = None

    @property
    def experiment_name(self) -> str:
        """``exp_name`` of ``meta`` without its ending, else the model's name; then the time."""
        name = (self.meta or {}).get("exp_name") or self.model_name  # type: ignore[attr-defined]
        return f"{Path(name).stem}_{self.timestamp}"

    @property
    def seed(self) -> int | None:
        """The one in ``meta``."""
        return (self.meta or {}).get("seed")

    @property
    def message_hub(self) -> MessageHub:
        """Histories and facts of the run, from the first time on that anybody asks for it.

        At each iteration the runner adds what the step logged, as ``train/<name>`` or ``val/<name>``, and of training
        ``train/lr`` (``train/<optimizer>.lr``), the rate of the first group; the facts are ``epoch``, ``iter``,
        ``max_epochs`` and ``max_iters``. Checkpoints of MMCV 1.x do not hold it.
        """
        if self._hub is None:
            self._hub = MessageHub(self.experiment_name)
        return self._hub

    @property
    def optim_wrapper(self) -> OptimWrapper | OptimWrapperDict | None:
        """A wrapper of the runner's optimizer, or a dict of them; None where it has no optimizer."""
        held = self._optim_wrapper
        if held is None or held[0] is not self.optimizer:
            self._optim_wrapper = held = (self.optimizer, _wrapped(self.optimizer))
        wrapper: OptimWrapper | OptimWrapperDict | None = held[1]
        return wrapper

    @property
    def train_loop(self) -> TrainLoopView:
        """What hooks ask a training loop."""
        if self._view is None:
            self._view = TrainLoopView(self)  # type: ignore[arg-type]
        return self._view

    @property
    def train_dataloader(self) -> Any:
        """The loader of the workflow's first train flow; None before the run."""
        return self._loader_of("train")

    @property
    def val_dataloader(self) -> Any:
        """The loader of the evaluation hook, else of the workflow's first val flow; None without either."""
        of_hooks = (getattr(hook, "dataloader", None) for hook in self.hooks)  # type: ignore[attr-defined]
        return next((loader for loader in of_hooks if loader is not None), None) or self._loader_of("val")

    def _loader_of(self, mode: str) -> Any:
        return next((loader for each, loader in self._flows if each == mode), None)

    def _begin_flows(self, workflow: Any, data_loaders: list[Any]) -> None:
        self._flows = tuple((mode, loader) for (mode, _), loader in zip(workflow, data_loaders, strict=True))
        self._view = None

    def _is_stopped(self) -> bool:
        return self._view is not None and self._view.stop_training

    def _tell_hub(self, hub: MessageHub, log_vars: dict[str, Any]) -> None:
        runner: Any = self
        mode = runner.mode
        hub.update_scalars({f"{mode}/{name}": value for name, value in log_vars.items()})
        if mode == "train":
            for name in ("epoch", "iter", "max_epochs", "max_iters"):
                hub.update_info(name, getattr(runner, name))
            wrapper = self.optim_wrapper
            for name, rates in wrapper.get_lr().items() if wrapper is not None else ():
                hub.update_scalar(f"train/{name}", rates[0])


def _wrapped(optimizer: Any) -> OptimWrapper | OptimWrapperDict | None:
    if optimizer is None:
        return None
    if isinstance(optimizer, dict):
        return OptimWrapperDict(**{name: _single(each) for name, each in optimizer.items()})
    return _single(optimizer)


def _single(optimizer: Optimizer) -> OptimWrapper:
    wrapper = OptimWrapper(optimizer)
    wrapper.base_param_settings = None  # the schedules of MMCV 1.x would not change this extra group
    return wrapper
