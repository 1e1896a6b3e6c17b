"""What a 1.x config means before anything is built: references, the run's length, logs."""

from __future__ import annotations

import copy
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmbridge.compat.errors import ConfigError
from mmbridge.runners.console import ConsoleHandler
from mmbridge.runners.dist import get_dist_info
from mmbridge.runners.legacy.train_scripts import TrainScript

_REFERENCE = re.compile(r"\$\{([a-zA-Z\d_.]+)\}")


def replace_references(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of ``config`` in which ``${a.b}`` inside strings is the value found there.

    A string that is one reference becomes the value itself; inside a longer string the value must be no dict, list or
    tuple. One pass: what a reference stands for is not searched again. MMDetection 2.28.2,
    mmdet/utils/replace_cfg_vals.py.
    """

    def look_up(path: str) -> Any:
        value: Any = config
        for part in path.split("."):
            if not isinstance(value, Mapping) or part not in value:
                raise ConfigError(f"${{{path}}}: the config has no {part!r} there")
            value = value[part]
        return value

    def replaced(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: replaced(entry) for key, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(replaced(entry) for entry in value)
        if not isinstance(value, str):
            return value
        whole = _REFERENCE.fullmatch(value)
        return copy.deepcopy(look_up(whole[1])) if whole else _REFERENCE.sub(lambda match: text(match[1]), value)

    def text(path: str) -> str:
        value = look_up(path)
        if isinstance(value, (dict, list, tuple)):
            raise ConfigError(f"${{{path}}}: is a {type(value).__name__}, which cannot stand inside a longer string")
        return str(value)

    result: dict[str, Any] = replaced(config)
    if "model_wrapper" in result:
        result["model"] = result.pop("model_wrapper")
    return result


def moved_data_root(config: Mapping[str, Any], data_root: str | None) -> dict[str, Any]:
    """A copy of ``config`` in which ``data_root`` stands for ``config['data_root']`` in all texts under ``data``.

    The train entry passes the environment variable MMDET_DATASETS; None changes nothing. MMDetection 2.28.2,
    mmdet/utils/misc.py.
    """
    result = copy.deepcopy(dict(config))
    if data_root is None or "data_root" not in result:
        return result
    old = result["data_root"]

    def moved(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: moved(entry) for key, entry in value.items()}
        return value.replace(old, data_root) if isinstance(value, str) else value

    return {**result, "data": moved(result.get("data", {})), "data_root": data_root}


def runner_section(config: Mapping[str, Any], script: TrainScript) -> dict[str, Any]:
    """The config of the runner: ``runner``, its length filled in from ``total_epochs`` or ``total_iters``.

    Raises ConfigError where no length is given, or two different ones.
    """
    default = "EpochBasedRunner" if script.counts == "epochs" else "IterBasedRunner"
    runner = dict(config.get("runner") or {})
    runner.setdefault("type", "IterBasedRunner" if "max_iters" in runner else default)
    for limit in ("epochs", "iters"):
        total = config.get(f"total_{limit}")
        if total is None:
            continue
        if runner.get(f"max_{limit}", total) != total:
            raise ConfigError(f"total_{limit} is {total}, runner.max_{limit} is {runner[f'max_{limit}']}: keep one")
        if "max_epochs" not in runner and "max_iters" not in runner:
            runner[f"max_{limit}"] = total
            if limit == "iters" and "runner" not in config:
                runner["type"] = "IterBasedRunner"
    if "max_epochs" not in runner and "max_iters" not in runner:
        raise ConfigError("runner: says nothing about how long to train; set max_epochs or max_iters")
    return runner


def scaled_lr(config: Mapping[str, Any], world_size: int, samples_per_gpu: int) -> float | None:
    """The learning rate for this batch size by ``auto_scale_lr``, None where it is not enabled."""
    scale = config.get("auto_scale_lr") or {}
    if not scale.get("enable") or not scale.get("base_batch_size"):
        return None
    return float(config["optimizer"]["lr"] * (world_size * samples_per_gpu / scale["base_batch_size"]))


def run_logger(name: str, log_file: Path | None, level: str = "INFO") -> logging.Logger:
    """A logger of this run's own, to the console and to ``log_file``; other processes log errors only."""
    logger = logging.Logger(name, getattr(logging, level) if get_dist_info()[0] == 0 else logging.ERROR)
    handlers: list[logging.Handler] = [ConsoleHandler()]
    if log_file is not None and get_dist_info()[0] == 0:
        os.makedirs(log_file.parent, exist_ok=True)
        handlers.append(logging.FileHandler(log_file, "w"))
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
        logger.addHandler(handler)
    return logger


@contextmanager
def closing_handlers(logger: logging.Logger) -> Iterator[None]:
    """After the block the logger's files are closed."""
    try:
        yield
    finally:
        for handler in logger.handlers:
            handler.close()
