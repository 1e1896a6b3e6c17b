"""The 1.x train entry: from a config to a trained model, in the order of MMDetection's ``tools/train.py``."""

from __future__ import annotations

import copy
import inspect
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmbridge.compat.config import Config
from mmbridge.compat.errors import BridgeError, ConfigError
from mmbridge.compat.registry import nearest
from mmbridge.runners.blame import naming, settings_fault, told
from mmbridge.runners.checkpoint import find_latest_checkpoint
from mmbridge.runners.dist import get_dist_info, get_local_rank, init_dist
from mmbridge.runners.hooks import DistEvalHook, DistSamplerSeedHook, EvalHook
from mmbridge.runners.legacy.build import build_runner
from mmbridge.runners.legacy.environment import environment_info, setup_multi_processes
from mmbridge.runners.legacy.loaders import build_dataloader, loader_settings
from mmbridge.runners.legacy.preparation import (
    closing_handlers,
    moved_data_root,
    replace_references,
    run_logger,
    runner_section,
    scaled_lr,
)
from mmbridge.runners.legacy.runner import check_workflow
from mmbridge.runners.legacy.train_scripts import SCRIPTS, TrainScript, told_script
from mmbridge.runners.misspelt import misspelt, warn_of_misspelt, warn_of_new_options
from mmbridge.runners.norms import revert_sync_batchnorm
from mmbridge.runners.optim import build_optimizer
from mmbridge.runners.parallel import MMDataParallel, MMDistributedDataParallel
from mmbridge.runners.registries import DATASETS, MODELS
from mmbridge.runners.seed import init_random_seed, set_random_seed
from torch import nn

KNOWN_KEYS = (
    *("auto_resume", "auto_scale_lr", "checkpoint_config", "cudnn_benchmark", "custom_hooks", "custom_imports", "data"),
    *("dist_params", "evaluation", "find_unused_parameters", "fp16", "gpu_ids", "load_from", "log_config", "log_level"),
    *("lr_config", "model", "momentum_config", "mp_start_method", "opencv_num_threads", "optimizer", "optimizers"),
    *("optimizer_config", "resume_from", "runner", "seed", "test_cfg", "total_epochs", "total_iters", "train_cfg"),
    *("work_dir", "workflow"),
)
"""Every top-level key that this entry reads; all others are a config's own variables, or its library's."""


class UnknownScript(BridgeError, ValueError):
    """No library of that name has a train script here."""


def train_file(
    path: str | Path,
    *,
    work_dir: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    resume_from: str | None = None,
    auto_resume: bool = False,
    seed: int | None = None,
    diff_seed: bool = False,
    deterministic: bool = False,
    launcher: str = "none",
    validate: bool = True,
    script: str | None = None,
    hooks: Sequence[Any] = (),
) -> Any:
    """Train as the config at ``path`` says (.py, .json, .yaml); returns the runner when it is done.

    ``options`` are merged into the config (dotted keys). ``work_dir`` comes before the config's, then
    ``work_dirs/<name>``; the config is written there. ``diff_seed`` adds the rank to the seed. ``script`` names the
    library whose train script is followed; None: the one that the config's imports or its model come from, else mmdet.
    ``hooks`` are registered after those of the config.
    """
    cfg = read_config(path, options)
    script = script or script_of(cfg)
    _script(script)  # if there is none, that is told before anything is set up
    setup_multi_processes(cfg)
    init_dist(launcher, **cfg.get("dist_params", {}))
    rank, world_size = get_dist_info()
    cfg.gpu_ids = list(range(world_size)) if world_size > 1 else list(cfg.get("gpu_ids", [0]))[:1]
    cfg.work_dir = os.path.abspath(work_dir or cfg.get("work_dir") or Path("work_dirs", Path(path).stem))
    if resume_from is not None:
        cfg.resume_from = resume_from
    cfg.auto_resume = auto_resume
    cfg.seed = init_random_seed(seed if seed is not None else cfg.get("seed")) + (rank if diff_seed else 0)
    set_random_seed(cfg.seed, deterministic)
    timestamp = time.strftime("%Y%m%d_%H%M%S", time.localtime())
    if rank == 0:
        with blaming(cfg, "work_dir"):
            os.makedirs(cfg.work_dir, exist_ok=True)
            cfg.dump(os.path.join(cfg.work_dir, Path(path).name))
    logger = run_logger(script, Path(cfg.work_dir, f"{timestamp}.log"), cfg.get("log_level", "INFO"))
    meta = {"env_info": environment_info(), "config": cfg.pretty_text, "seed": cfg.seed, "exp_name": Path(path).name}
    logger.info("Environment info:\n%s", meta["env_info"])
    logger.info("Distributed training: %s, seed: %d, deterministic: %s", world_size > 1, cfg.seed, deterministic)
    logger.info("Config, trained as by %s:\n%s", script, cfg.pretty_text)
    with naming(path, cfg.filename), closing_handlers(logger):
        return train(cfg, logger=logger, meta=meta, timestamp=timestamp, validate=validate, script=script, hooks=hooks)


def read_config(path: str | Path, options: Mapping[str, Any] | None = None) -> Config:
    """The config at ``path`` as MMDetection's script reads it: run, references put in, the data moved, options merged.

    ``${a.b}`` in ``options`` stays as it is. The environment variable MMDET_DATASETS says where the data lies.
    """
    cfg = Config.fromfile(path, execute=True)
    try:
        values = moved_data_root(replace_references(cfg.to_dict()), os.environ.get("MMDET_DATASETS"))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    cfg = Config(values, filename=str(path))
    if options:
        warn_of_new_options(path, values, options)
        cfg.merge_from_dict(options)
    warn_of_misspelt(path, cfg, KNOWN_KEYS)
    return cfg


def train(
    cfg: Any,
    *,
    model: nn.Module | None = None,
    datasets: Sequence[Any] | None = None,
    logger: logging.Logger | None = None,
    meta: dict[str, Any] | None = None,
    timestamp: str | None = None,
    validate: bool = True,
    script: str = "mmdet",
    hooks: Sequence[Any] = (),
) -> Any:
    """Train as ``cfg`` says and return the runner; ``model`` and ``datasets`` are built from it unless given.

    The order: loaders, model, optimizer, runner, training hooks, evaluation, ``hooks``, resuming, run. Raises
    ConfigError naming the key for what a config lacks, UnknownScript for a ``script`` that is none.
    """
    ways = _script(script)
    cfg = cfg if isinstance(cfg, Config) else Config(dict(cfg))
    _check_keys(cfg)
    workflow = [tuple(flow) for flow in cfg.get("workflow", [("train", 1)])]
    with blaming(cfg, "runner"):
        runner_cfg = runner_section(cfg, ways)
    with blaming(cfg, "data"):
        datasets = datasets or build_datasets(cfg, workflow)
    with blaming(cfg, "model"):
        model = model or build_model(cfg)
    endless = runner_cfg["type"] == "IterBasedRunner"
    loaders = [_loader(cfg, dataset, "train", ways, endless) for dataset in datasets]
    _name_classes(cfg, model, datasets[0])
    logger = logger or run_logger(script, None, cfg.get("log_level", "INFO"))
    model = without_sync_norms(model, logger)
    parts = {"work_dir": cfg.get("work_dir"), "logger": logger, "meta": {} if meta is None else meta}
    parts |= _model_and_optimizer(model, cfg, ways)
    with blaming(cfg, "runner"):
        runner = build_runner(runner_cfg, parts)
    runner.cfg = cfg
    runner.timestamp = timestamp or runner.timestamp
    with blaming(cfg, "workflow"):
        check_workflow(runner, loaders, workflow)
    with blaming(cfg, "hooks"):
        register_hooks(runner, cfg, ways, validate)
    for hook in hooks:
        runner.register_hook(hook)
    _load(runner, cfg, ways)
    runner.run(loaders, workflow)
    return runner


def _check_keys(cfg: Any) -> None:
    for key in ("data", "optimizers" if "optimizers" in cfg else "optimizer", "lr_config"):
        if key not in cfg:
            close = [wrong for wrong, meant in misspelt(cfg, KNOWN_KEYS).items() if meant == key]
            hint = f"; did you mean it by {close[0]!r}?" if close else ""
            raise ConfigError(f"{cfg.filename or 'config'}: has no {key!r}, which training needs{hint}")


def _model_and_optimizer(model: nn.Module, cfg: Any, ways: TrainScript) -> dict[str, Any]:
    """The model in its wrapper, and the optimizer of its parameters on their device, its rate scaled to the batch."""
    wrapped = wrap_model(model, cfg, ways)
    rate = scaled_lr(cfg, get_dist_info()[1], loader_settings(cfg.data, "train", ways)["samples_per_gpu"])
    if rate is not None:
        cfg.optimizer["lr"] = rate
    with blaming(cfg, "optimizer"):
        return {"model": wrapped, "optimizer": build_optimizers(model, cfg)}


@contextmanager
def blaming(cfg: Any, key: str) -> Iterator[None]:
    """Within the block, what is wrong with a config is a ConfigError that names the file and ``key``."""
    try:
        yield
    except (BridgeError, KeyError, TypeError, ValueError, OSError) as error:
        ours = isinstance(error, BridgeError)
        if not ours and not settings_fault(error):
            raise  # raised in somebody's own code: the traceback says more than the config's name
        sentence = f"{key}: {error}" if ours else str(told(key, error))
        raise ConfigError(f"{cfg.filename or 'config'}: {sentence}") from error


def build_model(cfg: Any) -> nn.Module:
    """The model of ``cfg.model``, its weights initialised; top-level ``train_cfg`` and ``test_cfg`` go to it."""
    outer = {key: cfg[key] for key in ("train_cfg", "test_cfg") if cfg.get(key) is not None}
    model: nn.Module = MODELS.build(cfg.model, default_args=outer)
    if hasattr(model, "init_weights"):
        model.init_weights()  # type: ignore[operator]
    return model


def build_datasets(cfg: Any, workflow: Sequence[Any]) -> list[Any]:
    """A dataset per flow of the workflow; that of a val flow uses the training pipeline."""
    datasets = []
    for mode, _ in workflow:
        settings = copy.deepcopy(cfg.data["train" if mode == "train" else "val"])
        if mode != "train" and "pipeline" in cfg.data["train"]:
            settings["pipeline"] = cfg.data["train"]["pipeline"]
        settings.pop("samples_per_gpu", None)
        datasets.append(DATASETS.build(settings))
    return datasets


def without_sync_norms(model: nn.Module, logger: logging.Logger) -> nn.Module:
    """In one process, ``model`` with plain batch normalisation where there is one over processes."""
    if get_dist_info()[1] > 1 or not any(isinstance(each, nn.SyncBatchNorm) for each in model.modules()):
        return model
    logger.info("one process trains: SyncBN layers become plain BN layers")
    return revert_sync_batchnorm(model)


def script_of(cfg: Any) -> str:
    """The library that the config's ``custom_imports``, or else its model's class, come from; mmdet without one."""
    imports = (cfg.get("custom_imports") or {}).get("imports") or []
    kind = (cfg.get("model") or {}).get("type")
    model = MODELS.get(kind) if isinstance(kind, str) else kind
    return told_script([*([imports] if isinstance(imports, str) else imports), getattr(model, "__module__", "")])


def wrap_model(model: nn.Module, cfg: Any, ways: TrainScript) -> nn.Module:
    """The model on its device, in the wrapper for one process or for several."""
    gpu = torch.cuda.is_available()
    if get_dist_info()[1] == 1:
        ids = list(cfg.get("gpu_ids", [0]))[:1] if gpu else None
        return MMDataParallel(model.cuda(ids[0]) if ids else model, device_ids=ids)
    ids = [get_local_rank() or 0] if gpu else None
    unused = cfg.get("find_unused_parameters", ways.find_unused_parameters)
    return MMDistributedDataParallel(
        model.cuda(ids[0]) if ids else model, device_ids=ids, broadcast_buffers=False, find_unused_parameters=unused
    )


def build_optimizers(model: nn.Module, cfg: Any) -> Any:
    """The optimizer of ``cfg.optimizer``; of ``cfg.optimizers``, one per named part of the model, or one for all."""
    settings = cfg.get("optimizers", cfg.get("optimizer"))
    if "type" in settings:
        return build_optimizer(model, settings)
    return {name: build_optimizer(getattr(model, name), each) for name, each in settings.items()}


def register_hooks(runner: Any, cfg: Any, ways: TrainScript, validate: bool) -> None:
    """All hooks of a run, in the order of the library's script."""
    custom = cfg.get("custom_hooks")
    runner.register_training_hooks(
        cfg.lr_config,
        optimizer_hook_config(cfg, ways) if ways.optimizer_hook else None,
        cfg.get("checkpoint_config"),
        cfg.get("log_config"),
        cfg.get("momentum_config"),
        custom_hooks_config=None if ways.custom_hooks_last else custom,
    )
    by_epoch = runner.max_iters is None
    distributed = get_dist_info()[1] > 1
    if distributed and (ways.sampler_seed == "always" or (ways.sampler_seed == "epochs" and by_epoch)):
        runner.register_hook(DistSamplerSeedHook())
    if validate and cfg.get("evaluation") is not None and "val" in cfg.data:
        _register_evaluation(runner, cfg, ways, by_epoch, distributed)
    if ways.custom_hooks_last:
        runner.register_custom_hooks(custom)


def _register_evaluation(runner: Any, cfg: Any, ways: TrainScript, by_epoch: bool, distributed: bool) -> None:
    settings = copy.deepcopy(cfg.data["val"])
    settings.pop("samples_per_gpu", None)
    kind = DATASETS.get(settings["type"]) if isinstance(settings.get("type"), str) else settings.get("type")
    if kind is not None and "test_mode" in inspect.signature(kind).parameters:
        settings.setdefault("test_mode", True)
    options = {**ways.evaluation_defaults, **cfg.evaluation}
    if ways.evaluation_unit == "runner":
        options["by_epoch"] = by_epoch
    elif ways.evaluation_unit == "iter":
        options.setdefault("by_epoch", False)
    loader = _loader(cfg, DATASETS.build(settings), "val", ways)
    hook = (DistEvalHook if distributed else EvalHook)(loader, **options)
    runner.register_hook(hook, ways.evaluation_priority)


def optimizer_hook_config(cfg: Any, ways: TrainScript) -> Any:
    """``cfg.optimizer_config``, as the hook for mixed precision where ``cfg.fp16`` asks for it."""
    config, fp16 = cfg.get("optimizer_config"), cfg.get("fp16")
    if fp16 is None or ways.fp16 == "mark":
        return config
    if "type" in (config or {}):
        raise ConfigError(f"optimizer_config.type is {config['type']!r} and there is fp16: keep one of them")
    chosen = fp16 if ways.fp16 == "merge" else {"loss_scale": fp16["loss_scale"]}
    return {"type": "Fp16OptimizerHook", **(config or {}), **chosen, "distributed": get_dist_info()[1] > 1}


def _load(runner: Any, cfg: Any, ways: TrainScript) -> None:
    resume = cfg.get("resume_from")
    if resume is None and cfg.get("auto_resume") and ways.auto_resume and runner.work_dir:
        resume = find_latest_checkpoint(runner.work_dir)
    if resume:
        with blaming(cfg, "resume_from"):
            runner.resume(resume)
    elif cfg.get("load_from"):
        with blaming(cfg, "load_from"):
            runner.load_checkpoint(cfg.load_from)


def _loader(cfg: Any, dataset: Any, split: str, ways: TrainScript, endless: bool = False) -> Any:
    settings = {"seed": cfg.get("seed"), **loader_settings(cfg.data, split, ways)}
    if split == "train":
        settings["num_gpus"] = len(cfg.get("gpu_ids", [0])) or 1
        settings |= {"groups": ways.groups, "endless": endless}
    return build_dataloader(dataset, **settings)


def _name_classes(cfg: Any, model: nn.Module, dataset: Any) -> None:
    classes = getattr(dataset, "CLASSES", None)
    if classes is None:
        return
    model.CLASSES = classes
    if cfg.get("checkpoint_config") is not None:
        cfg.checkpoint_config["meta"] = {**cfg.checkpoint_config.get("meta", {}), "CLASSES": classes}


def _script(name: str) -> TrainScript:
    if name not in SCRIPTS:
        close = nearest(name, list(SCRIPTS))
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(SCRIPTS)}"
        raise UnknownScript(f"no train script {name!r}; {hint}")
    return SCRIPTS[name]
