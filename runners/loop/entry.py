"""From a new-style config file to a trained model."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmbridge.compat.config import Config
from mmbridge.compat.errors import BridgeError, ConfigError
from mmbridge.runners.blame import blaming
from mmbridge.runners.loop.registry import RUNNERS, build_runner_from_cfg
from mmbridge.runners.loop.runner.runner import ARGUMENTS

KNOWN_KEYS = (
    *ARGUMENTS,
    *("activation_checkpointing", "compile", "custom_imports", "find_unused_parameters", "model_wrapper_cfg"),
    *("runner_type", "sync_bn"),
)
"""Every top-level key that something reads; all others are a config's own variables."""


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
    hooks: Sequence[Any] = (),
) -> Any:
    """Train as the new-style config at ``path`` says (.py, .json, .yaml); returns the runner when it is done.

    ``options`` are merged into the config (dotted keys). ``work_dir`` comes before the config's, then
    ``work_dirs/<name>``. ``resume_from`` is a checkpoint; ``auto_resume`` takes the last one of the work directory, if
    there is one. Without ``validate`` the config's validation is left out. ``hooks`` are registered after those of the
    config. Raises ConfigError for what cannot be trained.
    """
    cfg = Config.fromfile(path, execute=True)
    with _naming(cfg, path):
        if options:
            cfg.merge_from_dict(options)
        with blaming("work_dir"):
            cfg.work_dir = os.path.abspath(work_dir or cfg.get("work_dir") or Path("work_dirs", Path(path).stem))
        cfg.launcher = launcher
        if resume_from is not None or auto_resume:
            cfg.resume, cfg.load_from = True, resume_from
        asked = {"seed": seed, "diff_rank_seed": diff_seed or None, "deterministic": deterministic or None}
        if given := {key: value for key, value in asked.items() if value is not None}:
            cfg.randomness = {**cfg.get("randomness", {}), **given}
        if not validate:
            cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
        _check_keys(cfg, path)
        runner: Any = build_runner_from_cfg(cfg, RUNNERS)
        for hook in hooks:
            runner.register_hook(hook)
        runner.train()
    return runner


@contextmanager
def _naming(cfg: Config, path: str | Path) -> Iterator[None]:
    """Within the block, a sentence for a person begins with the config's ``path``."""
    try:
        yield
    except BridgeError as error:
        if str(error).startswith((str(path), str(cfg.filename))):
            raise
        raise ConfigError(f"{path}: {error}") from error


def _check_keys(cfg: Config, path: str | Path) -> None:
    wrong = _misspelt(cfg)
    if cfg.get("train_cfg") is None:
        close = [key for key, known in wrong.items() if known == "train_cfg"]
        hint = f"; did you mean it by {close[0]!r}?" if close else ""
        raise ConfigError(f"{path}: has no train_cfg, so there is nothing to train{hint}")
    for key, known in wrong.items():
        warnings.warn(f"{path}: nothing reads {key!r}; did you mean {known!r}?", stacklevel=2)


def _misspelt(cfg: Any) -> dict[str, str]:
    """The keys of ``cfg`` that nothing reads and that differ by a slip from one that is missing, with that one."""
    missing = [known for known in KNOWN_KEYS if known not in cfg]
    close = {key: get_close_matches(key, missing, 1, 0.85) for key in cfg if key not in KNOWN_KEYS}
    return {key: found[0] for key, found in close.items() if found}
