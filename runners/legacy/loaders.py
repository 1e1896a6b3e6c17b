"""Data loaders from ``cfg.data``."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from mmbridge.compat.errors import ConfigError
from mmbridge.runners.dist import get_dist_info
from mmbridge.runners.legacy.samplers import (
    DistributedGroupSampler,
    GroupSampler,
    InfiniteBatchSampler,
    InfiniteGroupBatchSampler,
)
from mmbridge.runners.legacy.train_scripts import TrainScript
from mmbridge.runners.parallel import collate
from mmbridge.runners.seed import shared_seed, worker_init_fn
from torch.utils.data import DataLoader, DistributedSampler, Sampler, get_worker_info

_TRAIN_DEFAULTS = {"samples_per_gpu": 2, "workers_per_gpu": 2, "persistent_workers": False}
_VAL_DEFAULTS = {"samples_per_gpu": 1, "workers_per_gpu": 2, "shuffle": False}


_SECTIONS = ("train", "val", "test", "train_dataloader", "val_dataloader", "test_dataloader")


def loader_settings(data: Mapping[str, Any], split: str, ways: TrainScript) -> dict[str, Any]:
    """What ``cfg.data`` says about the loader of ``split`` ('train' or 'val'), with the defaults of the library.

    MMDetection's way: ``samples_per_gpu`` and ``persistent_workers`` of ``data`` itself are the training loader's,
    ``workers_per_gpu`` is everyone's; ``data.val.samples_per_gpu`` is the validation loader's; a setting at two places
    is a ConfigError. Where ``ways.loaders`` is 'flat', all of ``data`` but its sections holds for both.
    """
    defaults = _TRAIN_DEFAULTS if split == "train" else _VAL_DEFAULTS
    new = dict(data.get(f"{split}_dataloader", {}))
    if ways.loaders == "flat":
        given = {key: value for key, value in data.items() if key not in _SECTIONS}
        always = {"pin_memory": torch.cuda.is_available(), "persistent_workers": True, **ways.loader_defaults}
        own = {} if split == "train" else {"shuffle": False, "drop_last": False, **ways.val_loader_defaults}
        return {**defaults, **always, **given, **own, **new}
    old = {"samples_per_gpu": data.get("samples_per_gpu", data.get("imgs_per_gpu"))}
    old |= {key: data.get(key) for key in ("workers_per_gpu", "persistent_workers")}
    if split != "train":
        section = data.get(split)
        inner = section.get("samples_per_gpu") if isinstance(section, Mapping) else None
        old = {"workers_per_gpu": old["workers_per_gpu"], "samples_per_gpu": inner}
    outer = {key: value for key, value in old.items() if value is not None}
    twice = sorted(set(outer) & set(new))
    if twice:
        raise ConfigError(
            f"data.{twice[0]}: is also set in data.{split}_dataloader.{twice[0]}; keep one of them, the latter"
        )
    return {**defaults, **outer, **new}


def build_dataloader(
    dataset: Any,
    samples_per_gpu: int,
    workers_per_gpu: int,
    seed: int | None = None,
    shuffle: bool = True,
    num_gpus: int = 1,
    groups: bool = False,
    endless: bool = False,
    **options: Any,
) -> DataLoader[Any]:
    """A loader of batches of ``samples_per_gpu`` for this process's share of ``dataset``.

    In several processes a sampler deals the samples, by the seed of rank 0; in one, a batch serves ``num_gpus``.
    ``groups``: as MMDetection 2.x, a batch holds samples of one group by the dataset's ``flag``, if it has that, and
    with ``endless`` there is no last batch. Other options go to ``DataLoader``.
    """
    rank, world_size = get_dist_info()
    size, workers = samples_per_gpu, workers_per_gpu
    if world_size == 1:
        size, workers = size * num_gpus, workers * num_gpus
    options = {key: value for key, value in options.items() if key != "dist"}
    if not workers:
        options.pop("persistent_workers", None)
    common = shared_seed(seed)
    if groups and endless:
        grouped = shuffle and hasattr(dataset, "flag")
        batches = InfiniteGroupBatchSampler if grouped else InfiniteBatchSampler
        options["batch_sampler"] = batches(dataset, size, world_size, rank, common, shuffle)
    else:
        options["batch_size"] = size
        sampler = _sampler(dataset, samples_per_gpu, shuffle, common, groups and hasattr(dataset, "flag"))
        options |= {"shuffle": shuffle} if sampler is None else {"sampler": sampler}
    return DataLoader(
        dataset,
        num_workers=workers,
        collate_fn=partial(collate, samples_per_gpu=samples_per_gpu),
        worker_init_fn=partial(_start_worker, num_workers=workers, rank=rank, seed=seed),
        **{"pin_memory": False, **options},
    )


def _sampler(dataset: Any, samples_per_gpu: int, shuffle: bool, seed: int, grouped: bool) -> Sampler[int] | None:
    rank, world_size = get_dist_info()
    if grouped and shuffle and world_size > 1:
        return DistributedGroupSampler(dataset, samples_per_gpu, world_size, rank, seed)
    if grouped and shuffle:
        return GroupSampler(dataset, samples_per_gpu)
    return DistributedSampler(dataset, world_size, rank, shuffle=shuffle, seed=seed) if world_size > 1 else None


def _start_worker(worker_id: int, num_workers: int, rank: int, seed: int | None) -> None:
    if get_worker_info() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which may still need data
    if seed is not None:
        worker_init_fn(worker_id, num_workers, rank, seed)
