"""Checkpoints of a run: written whole, read without running what they hold, and gone on from."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmbridge.compat.config import Config
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.registry import MissingKey
from mmbridge.runners.blame import blaming
from mmbridge.runners.checkpoint import Checkpoint, load_checkpoint, write_file
from mmbridge.runners.dist import master_only
from mmbridge.runners.loop.runner.environment import get_device
from mmbridge.runners.loop.runner.hook_registration import HookRegistration
from mmbridge.runners.loop.runner.state import RunnerState
from mmbridge.runners.state_dict import weights_to_cpu

LAYOUT_VERSION = "0.10.7"
"""The release of MMEngine whose layout the files have; written as ``meta['mmengine_version']``."""


def find_latest_checkpoint(path: str) -> str | None:
    """The checkpoint that ``last_checkpoint`` in the folder ``path`` names, None without that file."""
    pointer = Path(path, "last_checkpoint")
    return pointer.read_text("utf-8").strip() if pointer.is_file() else None


class Checkpointing(HookRegistration, RunnerState):
    """The part of a Runner that saves, loads and resumes."""

    _load_from: str | None
    _resume: bool
    _has_loaded = False

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        """See :class:`~mmbridge.runners.loop.runner.building.Building`."""
        raise NotImplementedError

    build_param_scheduler = build_optim_wrapper

    def load_or_resume(self) -> None:
        """Load or resume what the run was told to, once; ``resume`` alone means the last of the work directory."""
        if self._has_loaded:
            return
        found = self._load_from
        if self._resume and found is None:
            found = find_latest_checkpoint(self.work_dir)
            if found is None:
                self.logger.info("Did not find a checkpoint in %s to resume from; training starts anew", self.work_dir)
                self._has_loaded = True
                return
        if found is not None:
            with blaming("resume" if self._resume else "load_from"):
                (self.resume if self._resume else self.load_checkpoint)(found)
        self._has_loaded = True

    def load_checkpoint(
        self,
        filename: str,
        map_location: Any = "cpu",
        strict: bool = False,
        revise_keys: Sequence[tuple[str, str]] = ((r"^module.", ""),),
    ) -> Checkpoint:
        """Load the weights of ``filename`` into the model and return all that the file holds."""
        return load_checkpoint(
            self.bare_model, filename, map_location, strict, self.logger, revise_keys, self._after_read
        )

    def _after_read(self, checkpoint: Checkpoint) -> None:
        self.call_hook("after_load_checkpoint", checkpoint=checkpoint)

    def resume(
        self,
        filename: str,
        resume_optimizer: bool = True,
        resume_param_scheduler: bool = True,
        map_location: Any = "default",
    ) -> None:
        """Go on where ``filename`` was saved: weights, counters, seed, logged values, optimizer and schedulers.

        Schedulers take over everything they had, ``end`` included, whatever the config says now. Raises MissingKey for
        a file that has only weights, and for one of MMCV 1.x where there is a schedule, as these hold none.
        """
        device = get_device() if map_location == "default" else map_location
        loaded = self.load_checkpoint(filename, map_location=device)
        meta = loaded.get("meta", {})
        for key in ("epoch", "iter"):
            if key not in meta:
                raise MissingKey(
                    f"{filename}: has no meta[{key!r}], so it cannot be resumed from; load_from alone can use it"
                )
        if resume_optimizer and resume_param_scheduler:
            self._check_schedule(filename, loaded)
        self.train_loop._epoch, self.train_loop._iter = meta["epoch"], meta["iter"]
        self.train_loop.first_batch = meta.get("inner_iter", 0)
        self._check_gpus(meta)
        self._resume_seed(meta.get("seed"))
        self._compare_dataset(meta.get("dataset_meta"))
        if "message_hub" in loaded:
            self.message_hub.load_state_dict(loaded["message_hub"])
        if "optimizer" in loaded and resume_optimizer:
            self.optim_wrapper = self.build_optim_wrapper(self.optim_wrapper)
            self.optim_wrapper.load_state_dict(loaded["optimizer"])
        if resume_param_scheduler:
            self._resume_schedulers(loaded.get("param_schedulers"))
        self._has_loaded = True
        self.logger.info("resumed epoch: %d, iter: %d", self.epoch, self.iter)

    def _check_schedule(self, filename: str, loaded: Checkpoint) -> None:
        """A schedule that begins on the rates which another has changed already would be neither of the two."""
        if self.param_schedulers is None or "optimizer" not in loaded or "param_schedulers" in loaded:
            return
        if "mmcv_version" in loaded["meta"]:
            raise MissingKey(
                f"{filename}: was saved by MMCV 1.x, without the state of a schedule, so it cannot be resumed from; "
                "finish that run with its old config, or take the weights alone by load_from"
            )
        self.logger.warning(
            "the checkpoint has no param_schedulers: the schedule begins anew, on the rates that its optimizer had"
        )

    def _check_gpus(self, meta: Mapping[str, Any]) -> None:
        """Refuse a checkpoint of MMCV 1.x trained by another number of GPUs, unless the rate is scaled to that."""
        if not isinstance(meta.get("config"), str):
            return
        before = len(Config.fromstring(meta["config"], ".py").get("gpu_ids") or ())
        if before and before != self.world_size and not (self.auto_scale_lr or {}).get("enable"):
            raise ConfigError(
                f"resume: the checkpoint was trained by {before} processes, this run has {self.world_size}; start as "
                "many, or set auto_scale_lr=dict(enable=True, base_batch_size=...)"
            )

    def _resume_seed(self, seed: int | None) -> None:
        given = self._randomness_cfg.get("given")
        if seed is None or seed == given:
            return
        if given is not None:
            self.logger.warning("the checkpoint's seed %d is used, not the config's %d", seed, given)
        self.set_randomness(seed, self.diff_rank_seed, self.deterministic)

    def set_randomness(self, seed: int | None, diff_rank_seed: bool = False, deterministic: bool = False) -> None:
        """See :class:`~mmbridge.runners.loop.runner.runner.Runner`."""
        raise NotImplementedError

    def _compare_dataset(self, saved: Any) -> None:
        now = getattr(self.train_dataloader.dataset, "metainfo", None)
        if pickle.dumps(saved) != pickle.dumps(_plain(now)):  # arrays cannot be compared with ==
            self.logger.warning("the training data's metainfo is not that of the checkpoint; are they the right data?")

    def _resume_schedulers(self, saved: Any) -> None:
        if self.param_schedulers is None or saved is None:
            return
        self.param_schedulers = self.build_param_scheduler(self.param_schedulers)
        now = self.param_schedulers if isinstance(self.param_schedulers, dict) else {None: self.param_schedulers}
        for name, schedulers in now.items():
            states = saved if name is None else saved.get(name, [])
            if len(states) != len(schedulers):
                self.logger.warning(
                    "the checkpoint has the state of %d schedulers, the config has %d: they are matched in order",
                    len(states),
                    len(schedulers),
                )
            for scheduler, state in zip(schedulers, states, strict=False):
                scheduler.load_state_dict(state)

    @master_only
    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        file_client_args: Mapping[str, Any] | None = None,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        meta: Mapping[str, Any] | None = None,
        by_epoch: bool = True,
        backend_args: Mapping[str, Any] | None = None,
    ) -> None:
        """Write ``out_dir/filename``, in the process of rank 0: the file appears only when it is complete.

        ``by_epoch``: the present epoch is counted as finished, as CheckpointHook is called before it is; else the
        present iteration is. ``file_client_args`` and ``backend_args`` may only name the local disk. Raises TypeError
        where ``meta`` is no dict.
        """
        local_only(file_client_args, backend_args)
        if meta is not None and not isinstance(meta, Mapping):
            raise TypeError(f"meta should be a dict or None, but got {type(meta)}")
        checkpoint = self._state({**self._counters(by_epoch), **(meta or {})})
        if save_optimizer:
            checkpoint["optimizer"] = on_cpu(self.optim_wrapper.state_dict())
        if save_param_scheduler and self.param_schedulers is not None:
            checkpoint["param_schedulers"] = _states(self.param_schedulers)
        self.call_hook("before_save_checkpoint", checkpoint=checkpoint)
        write_file(checkpoint, os.path.join(out_dir, filename))

    def _counters(self, by_epoch: bool) -> dict[str, int]:
        if by_epoch:
            return {"epoch": self.epoch + 1, "iter": self.iter}
        return {"epoch": self.epoch, "iter": self.iter + 1}

    def _state(self, meta: dict[str, Any]) -> Checkpoint:
        meta.update(
            cfg=self.cfg.pretty_text,
            seed=self.seed,
            experiment_name=self.experiment_name,
            time=time.strftime("%Y%m%d_%H%M%S", time.localtime()),
            mmengine_version=LAYOUT_VERSION,
        )
        metainfo = getattr(self.train_dataloader.dataset, "metainfo", None)
        if metainfo is not None:
            meta["dataset_meta"] = _plain(metainfo)
        return {
            "meta": meta,
            "state_dict": weights_to_cpu(self.bare_model.state_dict()),
            "message_hub": on_cpu(self.message_hub.state_dict()),
        }


def _states(schedulers: Any) -> Any:
    if isinstance(schedulers, dict):
        return {name: _states(each) for name, each in schedulers.items()}
    return [scheduler.state_dict() for scheduler in schedulers]


def on_cpu(value: Any) -> Any:
    """``value`` with every tensor in its dicts, lists and tuples on the CPU."""
    if isinstance(value, torch.Tensor):
        return value.cpu()
    if isinstance(value, Mapping):
        return {key: on_cpu(entry) for key, entry in value.items()}
    return type(value)(map(on_cpu, value)) if type(value) in (list, tuple) else value


def _plain(value: Any) -> Any:
    """``value`` with every kind of dict made a plain one, so that reading it back needs no class of ours."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value


def local_only(file_client_args: Mapping[str, Any] | None, backend_args: Mapping[str, Any] | None) -> None:
    """Raise ConfigError for settings of MMEngine's file clients that name anything but the local disk."""
    if file_client_args is not None and backend_args is not None:
        raise ConfigError("file_client_args and backend_args: say the same; keep backend_args")
    backend = (file_client_args or backend_args or {}).get("backend", "local")
    if backend not in ("local", "disk"):
        raise ConfigError(
            f"backend_args: checkpoints are written to the local disk, there is no backend {backend!r} here; "
            "write locally and copy the files"
        )
