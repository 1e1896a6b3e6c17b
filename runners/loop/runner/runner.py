"""Runner: a run made of loops."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from mmbridge.compat.chain import HookChain
from mmbridge.compat.config import Config
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.registry import MissingKey
from mmbridge.compat.scope import default_scope
from mmbridge.runners.blame import blaming
from mmbridge.runners.dist import get_dist_info, master_only
from mmbridge.runners.loop.logging import MessageHub, MMLogger
from mmbridge.runners.loop.registry import RUNNERS
from mmbridge.runners.loop.runner.activations import checkpoint_activations
from mmbridge.runners.loop.runner.building import Building
from mmbridge.runners.loop.runner.checkpointing import Checkpointing
from mmbridge.runners.loop.runner.environment import describe, setup_env, shared_timestamp
from mmbridge.runners.loop.runner.legacy_view import LegacyView
from mmbridge.runners.loop.runner.loaders import copied
from mmbridge.runners.loop.runner.randomness import set_random_seed
from mmbridge.runners.loop.runner.scaling import scale_lr
from mmbridge.runners.loop.runner.sections import check_loading, check_schedulers, check_triples
from torch import nn


@RUNNERS.register_module()
class Runner(Building, Checkpointing, LegacyView):
    """Trains, validates and tests one model as its arguments, MMEngine's, say.

    The model, its wrapper, hooks, logger and visualizer are built at once; loops, data, evaluators, the optimizer and
    schedulers when they are needed. Nothing of a run outlives it: two runners share no state. ``cfg`` is the whole
    config, for keys that are no argument (``compile``, ``sync_bn``, ``model_wrapper_cfg``,
    ``find_unused_parameters``). MMEngine 0.10.7, mmengine/runner/runner.py.

    Raises ConfigError for arguments that contradict each other, each naming what to change.
    """

    cfg: Config

    def __init__(
        self,
        model: nn.Module | Mapping[str, Any],
        work_dir: str | os.PathLike[str],
        train_dataloader: Any = None,
        val_dataloader: Any = None,
        test_dataloader: Any = None,
        train_cfg: Any = None,
        val_cfg: Any = None,
        test_cfg: Any = None,
        auto_scale_lr: Mapping[str, Any] | None = None,
        optim_wrapper: Any = None,
        param_scheduler: Any = None,
        val_evaluator: Any = None,
        test_evaluator: Any = None,
        default_hooks: Mapping[str, Any] | None = None,
        custom_hooks: Sequence[Any] | None = None,
        data_preprocessor: Any = None,
        load_from: str | None = None,
        resume: bool = False,
        launcher: str = "none",
        env_cfg: Mapping[str, Any] = {"dist_cfg": {"backend": "nccl"}},
        log_processor: Any = None,
        log_level: str = "INFO",
        visualizer: Any = None,
        default_scope: str = "mmengine",
        randomness: Mapping[str, Any] = {"seed": None},
        experiment_name: str | None = None,
        cfg: Mapping[str, Any] | None = None,
    ) -> None:
        self._take_sections(locals())
        check_schedulers(param_scheduler, optim_wrapper)
        check_loading(load_from, resume)
        self.cfg = cfg if isinstance(cfg, Config) else Config(dict(cfg or {}))
        self.optim_wrapper, self.param_schedulers = optim_wrapper, param_scheduler
        self.auto_scale_lr = auto_scale_lr
        self._load_from, self._resume = load_from, resume
        self._launcher, self._scope = launcher, default_scope
        self._chain = HookChain(lends={})
        self.setup_env(env_cfg)
        self._set_names(work_dir, experiment_name)
        self.set_randomness(**{"seed": None, **randomness})
        self._randomness_cfg["given"] = randomness.get("seed")
        self.meta = {"seed": self.seed, "exp_name": self.experiment_name}
        self._open(log_level, visualizer, log_processor)
        if data_preprocessor is not None and isinstance(model, Mapping):
            model = {"data_preprocessor": data_preprocessor, **model}
        self._assemble(model, default_hooks, custom_hooks)

    def _assemble(self, model: Any, default_hooks: Any, custom_hooks: Any) -> None:
        """Build what is needed in every mode."""
        with self._running():
            self.model = self.wrap_model(self.cfg.get("model_wrapper_cfg"), self.build_model(model))
            self.register_hooks(default_hooks, custom_hooks)
            self.logger.info("Hooks will be executed in the following order:\n%s", self.get_hooks_info())
            self.dump_config()

    def _take_sections(self, given: Mapping[str, Any]) -> None:
        """Keep what each of the three loops will be built from."""
        check_triples(given)
        self._train_dataloader, self._train_cfg = given["train_dataloader"], given["train_cfg"]
        self._val_dataloader, self._val_cfg = given["val_dataloader"], given["val_cfg"]
        self._test_dataloader, self._test_cfg = given["test_dataloader"], given["test_cfg"]
        self._val_evaluator, self._test_evaluator = given["val_evaluator"], given["test_evaluator"]
        self._train_loop = self._val_loop = self._test_loop = None

    @blaming("work_dir")
    def _set_names(self, work_dir: str | os.PathLike[str], experiment_name: str | None) -> None:
        self._work_dir = os.path.abspath(work_dir)
        self._timestamp = shared_timestamp()
        stem = Path(self.cfg.filename).stem if self.cfg.filename else None
        first = experiment_name or stem
        self._experiment_name = f"{first}_{self.timestamp}" if first else self.timestamp
        self._log_dir = os.path.join(self.work_dir, self.timestamp)
        os.makedirs(self.log_dir, exist_ok=True)

    def _open(self, log_level: str, visualizer: Any, log_processor: Any) -> None:
        """Make what the run writes to; the first lines of the log tell the machine and the config."""
        self.log_processor = self.build_log_processor({} if log_processor is None else log_processor)
        with blaming("log_level"):
            self.logger = self.build_logger(log_level)
        self.logger.info("System environment:\n%s", describe(self))
        if self.cfg:
            self.logger.info("Config:\n%s", self.cfg.pretty_text)
        self.message_hub = self.build_message_hub()
        self.visualizer = self.build_visualizer(visualizer)
        if self.cfg:
            self.visualizer.add_config(self.cfg)

    @classmethod
    def from_cfg(cls, cfg: Mapping[str, Any]) -> Runner:
        """The runner that a whole config describes; ``model`` and ``work_dir`` must be there, or MissingKey.

        The constructor gets every argument by its name, so that one of a subclass can rely on them.
        """
        own: Any = Config(cfg.to_dict(), filename=cfg.filename) if isinstance(cfg, Config) else copied(cfg)
        where = f"{own.filename}: " if isinstance(own, Config) and own.filename else "config: "
        for key in ("model", "work_dir"):
            if key not in own:
                raise MissingKey(f"{where}has no {key!r}, which a run needs")
        defaults = inspect.signature(Runner).parameters
        given = {key: copied(defaults[key].default) if own.get(key) is None else own[key] for key in ARGUMENTS}
        return cls(**given, cfg=own)

    def setup_env(self, env_cfg: Mapping[str, Any]) -> None:
        """Set this process up as ``env_cfg`` says, before anything else is made; see :func:`.environment.setup_env`."""
        setup_env(env_cfg, self.launcher)

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Within the block, this run's hub, logger and visualizer are the current ones, its scope the default."""
        with ExitStack() as stack:
            for each in (self.message_hub, self.logger, self.visualizer):
                stack.enter_context(each.current())
            stack.enter_context(default_scope(self._scope))
            yield

    @blaming("randomness")
    def set_randomness(self, seed: int | None, diff_rank_seed: bool = False, deterministic: bool = False) -> None:
        """Seed everything; None draws a seed that all processes share.

        ``diff_rank_seed`` adds the rank; ``deterministic`` asks torch for the same results each time.
        """
        if not isinstance(seed, (int, type(None))):
            raise ConfigError(f"seed: must be a whole number or None, found {seed!r}")
        own = set_random_seed(seed, deterministic, diff_rank_seed)
        self._randomness_cfg = {"seed": own, "diff_rank_seed": diff_rank_seed, "deterministic": deterministic}

    def build_logger(self, log_level: str = "INFO", log_file: str | None = None, **kwargs: Any) -> MMLogger:
        """The run's logger: to the console and to ``log_file``, by default ``<timestamp>.log`` in the log directory."""
        file = log_file or os.path.join(self.log_dir, f"{self.timestamp}.log")
        options = {"name": self.experiment_name, "file_mode": "a", **kwargs}
        return MMLogger(log_file=file, log_level=log_level, **options)

    def build_message_hub(self, message_hub: Mapping[str, Any] | None = None) -> MessageHub:
        """The run's hub of logged values and facts."""
        return MessageHub(**{"name": self.experiment_name, **(message_hub or {})})

    def see_dataset(self, dataloader: Any) -> None:
        """Tell the visualizer what the loops' data are about, where their dataset has a ``metainfo``."""
        metainfo = getattr(getattr(dataloader, "dataset", None), "metainfo", None)
        if metainfo is not None:
            self.visualizer.dataset_meta = metainfo

    def scale_lr(self, optim_wrapper: Any, auto_scale_lr: Mapping[str, Any] | None = None) -> None:
        """Multiply the learning rates by the real over the base batch size, where ``auto_scale_lr`` is enabled."""
        if auto_scale_lr is None:
            return
        if not isinstance(auto_scale_lr, Mapping):
            raise ConfigError(
                f"auto_scale_lr: must be a dict such as dict(enable=True, base_batch_size=16), found {auto_scale_lr!r}"
            )
        if auto_scale_lr.get("enable", False):
            scale_lr(self, optim_wrapper, auto_scale_lr)

    def train(self) -> nn.Module:
        """Train, validating as the training loop says; returns the model."""
        with self._running():
            return self._train()

    def _train(self) -> nn.Module:
        self._need("train", self._train_cfg, ("train_step",) if self._val_cfg is None else ("train_step", "val_step"))
        loop = self.train_loop
        self.optim_wrapper = self.build_optim_wrapper(self.optim_wrapper)
        self.scale_lr(self.optim_wrapper, self.auto_scale_lr)
        if self.param_schedulers is not None:
            self.param_schedulers = self.build_param_scheduler(self.param_schedulers)
        _ = self.val_loop
        with blaming("hooks"):
            self.call_hook("before_run")
        self._init_model_weights()
        if self.cfg.get("activation_checkpointing") is not None:
            checkpoint_activations(self.bare_model, self.cfg["activation_checkpointing"])
        self.load_or_resume()
        self.optim_wrapper.initialize_count_status(self.model, loop.iter, loop.max_iters)
        self._compile("train_step")
        model: nn.Module = loop.run()
        self.call_hook("after_run")
        return model

    def val(self) -> dict[str, Any]:
        """Validate once; returns the metrics."""
        with self._running():
            return self._evaluate("val", self._val_cfg)

    def test(self) -> dict[str, Any]:
        """Test; returns the metrics."""
        with self._running():
            return self._evaluate("test", self._test_cfg)

    def _evaluate(self, mode: str, settings: Any) -> dict[str, Any]:
        self._need(mode, settings, (f"{mode}_step",))
        loop = self.val_loop if mode == "val" else self.test_loop
        self.call_hook("before_run")
        self.load_or_resume()
        self._compile(f"{mode}_step")
        metrics: dict[str, Any] = loop.run()
        self.call_hook("after_run")
        return metrics

    def _need(self, mode: str, settings: Any, methods: Sequence[str]) -> None:
        if settings is None:
            evaluator = "optim_wrapper" if mode == "train" else f"{mode}_evaluator"
            raise ConfigError(
                f"Runner.{mode}: this run was not told how to {mode}; "
                f"give {mode}_dataloader, {mode}_cfg and {evaluator}"
            )
        for method in methods:
            if not hasattr(self.model, method):
                raise ConfigError(f"model: {self.model_name} has no method {method!r}, which Runner.{mode}() calls")

    def _init_model_weights(self) -> None:
        model = self.bare_model
        if hasattr(model, "init_weights"):
            with blaming("model"):
                model.init_weights()  # type: ignore[operator]
            if get_dist_info()[1] > 1:
                for tensor in (*model.parameters(), *model.buffers()):
                    torch.distributed.broadcast(tensor.detach(), 0)

    def _compile(self, method: str) -> None:
        """Compile the model's ``method`` where ``cfg.compile`` is True or torch.compile's options."""
        options = self.cfg.get("compile", False)
        if not options:
            return
        if not isinstance(options, (bool, Mapping)):
            raise ConfigError(f"compile: must be True, False or a dict of torch.compile's options, found {options!r}")
        chosen = options if isinstance(options, Mapping) else {}
        setattr(self.model, method, torch.compile(getattr(self.model, method), **chosen))
        self.logger.info("the model's %s is compiled, which makes the first iterations slow", method)

    @master_only
    def dump_config(self) -> None:
        """Write the whole config into the work directory, under its own name or the run's time."""
        name = Path(self.cfg.filename).stem if self.cfg.filename else self.timestamp
        Path(self.work_dir, f"{name}.py").write_text(self.cfg.pretty_text, "utf-8")


ARGUMENTS = tuple(name for name in Runner.__init__.__annotations__ if name not in ("cfg", "return"))
"""The keys of a config that are the runner's arguments."""
