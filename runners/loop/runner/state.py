"""RunnerState: what a run knows of itself, for hooks and loops to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mmbridge.compat.config import Config
from mmbridge.runners.dist import get_dist_info
from mmbridge.runners.loop.default_scope import DefaultScope
from mmbridge.runners.loop.logging import MessageHub, MMLogger
from mmbridge.runners.loop.runner.base_loop import BaseLoop
from mmbridge.runners.loop.runner.environment import get_device
from mmbridge.runners.state_dict import unwrapped
from torch import device, nn


class RunnerState:
    """The parts and counters of a run. Loops and their loaders are built when they are first asked for.

    ``epoch`` and ``iter`` count what is finished; they are 0 without a training loop, and reading them builds none.
    """

    cfg: Config
    model: nn.Module
    optim_wrapper: Any
    param_schedulers: Any
    message_hub: MessageHub
    visualizer: Any
    log_processor: Any
    logger: MMLogger
    _timestamp: str
    _work_dir: str
    _log_dir: str
    _experiment_name: str
    auto_scale_lr: Mapping[str, Any] | None
    mode: str | None = None
    data_loader: Any = None
    _train_cfg: Any
    _val_cfg: Any
    _test_cfg: Any
    _train_loop: Any
    _val_loop: BaseLoop | None
    _test_loop: BaseLoop | None
    _train_dataloader: Any
    _val_dataloader: Any
    _test_dataloader: Any
    _val_evaluator: Any
    _test_evaluator: Any
    _randomness_cfg: dict[str, Any]
    _launcher: str
    _scope: str | None

    build_train_loop: Callable[[Any], Any]
    build_val_loop: Callable[[Any], Any]
    build_test_loop: Callable[[Any], Any]

    @property
    def timestamp(self) -> str:
        """When the run was made, ``YYYYmmdd_HHMMSS``."""
        return self._timestamp

    @property
    def experiment_name(self) -> str:
        """The name of the run: what it was given, or the config's, with its time."""
        return self._experiment_name

    @property
    def work_dir(self) -> str:
        """The folder for checkpoints and the config."""
        return self._work_dir

    @property
    def log_dir(self) -> str:
        """The folder for logs, named by the time, in the work directory."""
        return self._log_dir

    @property
    def epoch(self) -> int:
        """How many epochs are finished."""
        return 0 if self._train_loop is None else self._train_loop.epoch

    @property
    def iter(self) -> int:
        """How many training iterations are finished."""
        return 0 if self._train_loop is None else self._train_loop.iter

    @property
    def max_epochs(self) -> int:
        """How many epochs to train; 0 in a run that does not train."""
        return 0 if self.train_loop is None else self.train_loop.max_epochs

    @property
    def max_iters(self) -> int:
        """How many iterations to train; 0 in a run that does not train."""
        return 0 if self.train_loop is None else self.train_loop.max_iters

    @property
    def train_loop(self) -> Any:
        """The training loop, None in a run that does not train."""
        if self._train_loop is None and self._train_cfg is not None:
            self._train_loop = self.build_train_loop(self._train_cfg)
        return self._train_loop

    @property
    def val_loop(self) -> Any:
        """The validation loop, None in a run that does not validate."""
        if self._val_loop is None and self._val_cfg is not None:
            self._val_loop = self.build_val_loop(self._val_cfg)
        return self._val_loop

    @property
    def test_loop(self) -> Any:
        """The test loop, None in a run that does not test."""
        if self._test_loop is None and self._test_cfg is not None:
            self._test_loop = self.build_test_loop(self._test_cfg)
        return self._test_loop

    @property
    def train_dataloader(self) -> Any:
        """The data of the training loop."""
        return self.train_loop.dataloader

    @property
    def val_dataloader(self) -> Any:
        """The data of the validation that goes on, else of the validation loop."""
        return self.data_loader if self.mode == "val" else self.val_loop.dataloader

    @property
    def test_dataloader(self) -> Any:
        """The data of the test loop."""
        return self.test_loop.dataloader

    @property
    def val_evaluator(self) -> Any:
        """The evaluator of the validation loop."""
        return self.val_loop.evaluator

    @property
    def test_evaluator(self) -> Any:
        """The evaluator of the test loop."""
        return self.test_loop.evaluator

    @property
    def val_interval(self) -> int:
        """How many epochs or iterations lie between two validations."""
        return self.train_loop.val_interval  # type: ignore[no-any-return]

    @property
    def val_begin(self) -> int:
        """From which epoch or iteration on the run validates."""
        return self.train_loop.val_begin  # type: ignore[no-any-return]

    @property
    def bare_model(self) -> nn.Module:
        """The model inside of any wrapper."""
        return unwrapped(self.model)

    @property
    def model_name(self) -> str:
        """The class name of the model inside of any wrapper."""
        return type(self.bare_model).__name__

    @property
    def device(self) -> device:
        """Where the model is; the CPU where it has no parameter."""
        return next((each.device for each in self.model.parameters()), get_device())

    @property
    def rank(self) -> int:
        """The number of this process."""
        return get_dist_info()[0]

    @property
    def world_size(self) -> int:
        """The number of processes that train together."""
        return get_dist_info()[1]

    @property
    def distributed(self) -> bool:
        """Whether a launcher started this process beside others."""
        return self._launcher != "none"

    @property
    def launcher(self) -> str:
        """What started this process: ``none``, ``pytorch``, ``slurm`` or ``mpi``."""
        return self._launcher

    @property
    def default_scope(self) -> DefaultScope | None:
        """The scope that names without one are looked up from in this run, None for that of the program."""
        return None if self._scope is None else DefaultScope(self.experiment_name, self._scope)

    @property
    def seed(self) -> int:
        """The seed of all random numbers of this process."""
        return self._randomness_cfg["seed"]  # type: ignore[no-any-return]

    @property
    def deterministic(self) -> bool:
        """Whether torch was asked for deterministic algorithms."""
        return bool(self._randomness_cfg.get("deterministic", False))

    @property
    def diff_rank_seed(self) -> bool:
        """Whether every process has a seed of its own."""
        return bool(self._randomness_cfg.get("diff_rank_seed", False))
