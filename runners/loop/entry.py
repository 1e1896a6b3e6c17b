"""From a new-style config file to a trained model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmbridge.compat.config import Config
from mmbridge.compat.errors import ConfigError
from mmbridge.runners.blame import blaming, naming
from mmbridge.runners.loop.registry import RUNNERS, build_runner_from_cfg
from mmbridge.runners.loop.runner.runner import ARGUMENTS
from mmbridge.runners.misspelt import misspelt, warn_of_misspelt, warn_of_new_options

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
    with naming(path, cfg.filename):
        if options:
            warn_of_new_options(path, cfg.to_dict(), options)
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


def _check_keys(cfg: Config, path: str | Path) -> None:
    if cfg.get("train_cfg") is None:
        close = [key for key, known in misspelt(cfg, KNOWN_KEYS).items() if known == "train_cfg"]
        hint = f"; did you mean it by {close[0]!r}?" if close else ""
        raise ConfigError(f"{path}: has no train_cfg, so there is nothing to train{hint}")
    warn_of_misspelt(path, cfg, KNOWN_KEYS)
