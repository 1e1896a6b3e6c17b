"""Many samples into one batch, as MMEngine does it and as MMCV 1.x did; and the seeds of the workers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmbridge.compat.registry import LegacyRegistry
from mmbridge.runners import seed as seeds
from mmbridge.runners.loop.dataset.dataset import BaseDataset
from mmbridge.runners.loop.registry import DATASETS, FUNCTIONS
from mmbridge.runners.loop.structures import BaseDataElement
from mmbridge.runners.parallel import DataContainer
from mmbridge.runners.parallel import collate as stack_containers
from torch.utils.data import default_collate as stack

COLLATE_FUNCTIONS = FUNCTIONS
"""MMEngine's other name for the registry that collate functions are in."""


@FUNCTIONS.register_module()  # type: ignore[untyped-decorator]
def pseudo_collate(data_batch: Sequence[Any]) -> Any:
    """The batch with its samples transposed: dicts and sequences of lists, in which tensors stay apart.

    The kind of the first sample decides. Tuples become lists, named tuples and dicts keep their type. Raises
    RuntimeError where samples that are sequences differ in length. MMEngine 0.10.7, mmengine/dataset/utils.py.
    """
    return _transposed(data_batch, lambda values: values)


@FUNCTIONS.register_module()  # type: ignore[untyped-decorator]
def default_collate(data_batch: Sequence[Any]) -> Any:
    """As :func:`pseudo_collate`, and tensors, arrays and numbers are stacked by torch's ``default_collate``.

    Data elements and texts stay in a list.
    """
    return _transposed(data_batch, _stacked)


@FUNCTIONS.register_module(name="collate")  # type: ignore[untyped-decorator]
def legacy_collate(data_batch: Sequence[Any], samples_per_gpu: int | None = None) -> Any:
    """MMCV 1.x's ``collate``, in a config ``collate_fn=dict(type='collate')``: DataContainers know how to be stacked.

    ``samples_per_gpu`` defaults to the whole batch, which is what a process with one device needs.
    """
    return stack_containers(data_batch, len(data_batch) if samples_per_gpu is None else samples_per_gpu)


def collate_by_kind(data_batch: Sequence[Any]) -> Any:
    """:func:`legacy_collate` where the first sample holds a DataContainer, :func:`pseudo_collate` elsewhere."""
    return legacy_collate(data_batch) if _holds_container(data_batch[0]) else pseudo_collate(data_batch)


def default_collate_for(dataset: Any) -> Callable[[Sequence[Any]], Any]:
    """What collates the samples of ``dataset`` where a config names no ``collate_fn``; no sample is looked at.

    MMCV 1.x's ``collate`` for a dataset, inside whatever wraps it, whose class is registered in a registry of MMCV
    1.x's kind and is no BaseDataset. For others ``pseudo_collate``, as in MMEngine, except that batches of samples
    that hold DataContainers go to ``collate``.
    """
    while not isinstance(dataset, BaseDataset) and (parts := _wrapped(dataset)):
        dataset = parts[0]
    legacy = (registry for registry in DATASETS.walk(shared=True) if isinstance(registry, LegacyRegistry))
    registered = any(type(dataset) in registry.module_dict.values() for registry in legacy)
    return legacy_collate if registered and not isinstance(dataset, BaseDataset) else collate_by_kind


def _wrapped(dataset: Any) -> Sequence[Any]:
    """The datasets in a wrapper of either generation, or in one of torch's."""
    inner = getattr(dataset, "datasets", None)
    if isinstance(inner, (list, tuple)):
        return inner
    inner = getattr(dataset, "dataset", None)
    return [inner] if hasattr(inner, "__getitem__") and not isinstance(inner, (str, Mapping)) else []


def worker_init_fn(
    worker_id: int, num_workers: int, rank: int, seed: int, disable_subprocess_warning: bool = False
) -> None:
    """Give each data worker of each process a seed of its own: ``num_workers * rank + worker_id + seed``.

    ``disable_subprocess_warning`` leaves the warnings to the first worker.
    """
    seeds.worker_init_fn(worker_id, num_workers, rank, seed)
    if disable_subprocess_warning and worker_id != 0:
        warnings.simplefilter("ignore")


def _transposed(batch: Sequence[Any], collected: Callable[[Sequence[Any]], Any]) -> Any:
    """``batch`` with dicts and sequences transposed down to their leaves, each a ``collected`` sequence of values."""
    first = batch[0]
    kind: Any = type(first)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Sequence):
        return _transposed_sequences(batch, collected)
    if isinstance(first, Mapping):
        fields = {key: _transposed([sample[key] for sample in batch], collected) for key in first}
        return fields if kind is dict else _rebuilt(kind, fields)
    return collected(batch)


def _transposed_sequences(batch: Sequence[Any], collected: Callable[[Sequence[Any]], Any]) -> Any:
    first = batch[0]
    kind: Any = type(first)
    named = isinstance(first, tuple) and hasattr(first, "_fields")
    if not named and any(len(sample) != len(first) for sample in batch):
        raise RuntimeError(
            f"samples that are sequences must have one length within a batch, found {sorted(set(map(len, batch)))}"
        )
    fields = [_transposed(values, collected) for values in zip(*batch, strict=False)]
    if named:
        return kind(*fields)
    return fields if kind is list or isinstance(first, tuple) else _rebuilt(kind, fields)


def _rebuilt(kind: Callable[[Any], Any], fields: Any) -> Any:
    """``fields`` as a container of that kind if it can be made of them."""
    try:
        return kind(fields)
    except TypeError:
        return fields


def _stacked(values: Sequence[Any]) -> Any:
    return values if isinstance(values[0], BaseDataElement) else stack(values)  # type: ignore[arg-type]


def _holds_container(sample: Any) -> bool:
    if isinstance(sample, DataContainer):
        return True
    if isinstance(sample, Mapping):
        return any(_holds_container(value) for value in sample.values())
    return isinstance(sample, (list, tuple)) and len(sample) > 0 and _holds_container(sample[0])
