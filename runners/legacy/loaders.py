"""Data loaders from ``cfg.data``."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from functools import partial
from typing import Any

from mmbridge.compat.errors import ConfigError
from mmbridge.runners.dist import get_dist_info
from mmbridge.runners.parallel import collate
from mmbridge.runners.seed import worker_init_fn
from torch.utils.data import DataLoader, DistributedSampler, get_worker_info

_TRAIN_DEFAULTS = {"samples_per_gpu": 2, "workers_per_gpu": 2, "persistent_workers": False}
_VAL_DEFAULTS = {"samples_per_gpu": 1, "workers_per_gpu": 2, "shuffle": False}


def loader_settings(data: Mapping[str, Any], split: str) -> dict[str, Any]:
    """What ``cfg.data`` says about the loader of ``split`` ('train' or 'val'), with the defaults of MMDetection.

    ``samples_per_gpu`` and ``persistent_workers`` of ``data`` itself are the training loader's, ``workers_per_gpu`` is
    everyone's; ``data.val.samples_per_gpu`` is the validation loader's. Raises ConfigError for a setting at two places.
    """
    old = {"samples_per_gpu": data.get("samples_per_gpu", data.get("imgs_per_gpu"))}
    old |= {key: data.get(key) for key in ("workers_per_gpu", "persistent_workers")}
    if split != "train":
        own = data.get(split)
        inner = own.get("samples_per_gpu") if isinstance(own, Mapping) else None
        old = {"workers_per_gpu": old["workers_per_gpu"], "samples_per_gpu": inner}
    outer = {key: value for key, value in old.items() if value is not None}
    new = dict(data.get(f"{split}_dataloader", {}))
    twice = sorted(set(outer) & set(new))
    if twice:
        raise ConfigError(
            f"data.{twice[0]}: is also set in data.{split}_dataloader.{twice[0]}; keep one of them, the latter"
        )
    return {**(_TRAIN_DEFAULTS if split == "train" else _VAL_DEFAULTS), **outer, **new}


def build_dataloader(
    dataset: Any,
    samples_per_gpu: int,
    workers_per_gpu: int,
    seed: int | None = None,
    shuffle: bool = True,
    num_gpus: int = 1,
    **options: Any,
) -> DataLoader[Any]:
    """A loader of batches of ``samples_per_gpu`` for this process's share of ``dataset``.

    In several processes a DistributedSampler deals the samples; in one, a batch serves ``num_gpus``. Other options
    go to ``DataLoader``.
    """
    rank, world_size = get_dist_info()
    sampler: DistributedSampler[Any] | None = None
    if world_size > 1:
        sampler = DistributedSampler(dataset, world_size, rank, shuffle=shuffle, seed=seed or 0)
    size, workers = samples_per_gpu, workers_per_gpu
    if world_size == 1:
        size, workers = size * num_gpus, workers * num_gpus
    options = {key: value for key, value in options.items() if key != "dist"}
    if not workers:
        options.pop("persistent_workers", None)
    return DataLoader(
        dataset,
        batch_size=size,
        sampler=sampler,
        shuffle=shuffle and sampler is None,
        num_workers=workers,
        collate_fn=partial(collate, samples_per_gpu=samples_per_gpu),
        worker_init_fn=partial(_start_worker, num_workers=workers, rank=rank, seed=seed),
        **{"pin_memory": False, **options},
    )


def _start_worker(worker_id: int, num_workers: int, rank: int, seed: int | None) -> None:
    if get_worker_info() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which may still need data
    if seed is not None:
        worker_init_fn(worker_id, num_workers, rank, seed)
