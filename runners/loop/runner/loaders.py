"""A DataLoader from its dict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from functools import partial
from typing import Any

from mmbridge.compat.config import ConfigDict
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.registry import MissingKey
from mmbridge.runners.dist import get_dist_info
from mmbridge.runners.loop.dataset import default_collate_for, worker_init_fn
from mmbridge.runners.loop.registry import DATA_SAMPLERS, DATASETS, FUNCTIONS
from torch.utils.data import DataLoader


class Beginning:
    """The first ``length`` samples of ``dataset``; everything else is the dataset's own."""

    def __init__(self, dataset: Any, length: int) -> None:
        self.dataset = dataset
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Any:
        if index >= self._length:
            raise IndexError(index)
        return self.dataset[index]

    def __getattr__(self, name: str) -> Any:
        if name == "dataset":  # not set yet, while this is being unpickled
            raise AttributeError(name)
        return getattr(self.dataset, name)


def build_dataloader(
    dataloader: DataLoader[Any] | Mapping[str, Any], seed: int | None = None, diff_rank_seed: bool = False
) -> DataLoader[Any]:
    """The loader that the dict describes; a loader is returned as it is, the dict is not changed.

    ``sampler``, which may be None, and ``batch_sampler`` are dicts or objects. ``num_batch_per_epoch`` takes only so
    many batches from the beginning of the dataset. ``worker_init_fn`` and ``collate_fn`` are dicts whose ``type`` is a
    registered function, or callables. Every other key goes to ``DataLoader``. ``seed`` is that of samplers and
    workers; with ``diff_rank_seed`` samplers draw one that all processes share.

    Raises ConfigError for what is no loader, MissingKey without ``dataset``.
    """
    if not isinstance(dataloader, Mapping):
        return dataloader
    cfg = copied(dict(dataloader))
    if "dataset" not in cfg:
        raise MissingKey(f"a dataloader's dict has no key 'dataset', found {sorted(cfg)}")
    dataset = _dataset(cfg)
    sampler = _sampler(cfg.pop("sampler", None), dataset, None if diff_rank_seed else seed)
    batch_sampler = cfg.pop("batch_sampler", None)
    if isinstance(batch_sampler, Mapping):
        defaults = {"sampler": sampler, "batch_size": cfg.pop("batch_size", 1)}
        batch_sampler = DATA_SAMPLERS.build(batch_sampler, default_args=defaults)
    return DataLoader(
        dataset,
        sampler=sampler if batch_sampler is None else None,
        batch_sampler=batch_sampler,
        collate_fn=_collate(cfg.pop("collate_fn", None), dataset),
        worker_init_fn=_worker_init(cfg.pop("worker_init_fn", None), cfg, seed),
        **cfg,
    )


def copied(value: Any) -> Any:
    """A deep copy of dicts, lists and tuples; a ConfigDict stays one, and what else they hold is the same object."""
    if isinstance(value, Mapping):
        plain = {key: copied(entry) for key, entry in value.items()}
        return ConfigDict(plain) if isinstance(value, ConfigDict) else plain
    return type(value)(map(copied, value)) if type(value) in (list, tuple) else value


def _dataset(cfg: dict[str, Any]) -> Any:
    dataset = cfg.pop("dataset")
    if isinstance(dataset, Mapping):
        dataset = DATASETS.build(dataset)
        if hasattr(dataset, "full_init"):
            dataset.full_init()
    elif isinstance(dataset, str):
        raise ConfigError(f"dataset: must be a dataset or a dict with 'type', found {dataset!r}")
    batches = cfg.pop("num_batch_per_epoch", None)
    if batches is None:
        return dataset
    if not isinstance(dataset, Sized):
        raise ConfigError("num_batch_per_epoch: needs a dataset with a length")
    return Beginning(dataset, min(batches * cfg.get("batch_size", 1) * get_dist_info()[1], len(dataset)))


def _sampler(sampler: Any, dataset: Any, seed: int | None) -> Any:
    if not isinstance(sampler, Mapping):
        return sampler
    return DATA_SAMPLERS.build(sampler, default_args={"dataset": dataset, "seed": seed})


def _worker_init(given: Any, cfg: dict[str, Any], seed: int | None) -> Callable[[int], None] | None:
    if given is not None:
        return _function(given, "worker_init_fn")
    quiet = cfg.pop("disable_subprocess_warning", False)
    if seed is None:
        return None
    workers, rank = cfg.get("num_workers", 0), get_dist_info()[0]
    return partial(worker_init_fn, num_workers=workers, rank=rank, seed=seed, disable_subprocess_warning=quiet)


def _collate(given: Any, dataset: Any) -> Callable[..., Any]:
    if given is None:
        return default_collate_for(dataset)
    return _function(given, "collate_fn")


def _function(given: Any, key: str) -> Callable[..., Any]:
    """The function that ``given``, a dict with ``type`` or a callable, stands for, its arguments filled in."""
    if isinstance(given, Mapping):
        options = dict(given)
        kind = options.pop("type", None)
        found = FUNCTIONS.get(kind) if isinstance(kind, str) else kind
        if isinstance(kind, str) and found is None:
            raise FUNCTIONS.unknown(kind)
        if not callable(found):
            raise ConfigError(f"{key}.type: must be a registered function's name or a callable, found {kind!r}")
        return partial(found, **options)
    if callable(given):
        return partial(given)
    raise ConfigError(f"{key}: must be a dict with 'type', such as dict(type='pseudo_collate'), found {given!r}")
