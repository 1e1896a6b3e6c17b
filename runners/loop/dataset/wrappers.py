"""Datasets made of datasets: one after the other, over and over, rare classes more often."""

from __future__ import annotations

import bisect
import copy
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, NoReturn

from mmbridge.compat.errors import ConfigError
from mmbridge.runners.loop.dataset.dataset import force_full_init, initialize_late
from mmbridge.runners.loop.registry import DATASETS
from torch.utils.data import ConcatDataset as TorchConcatDataset


class _Wrapper:
    """What the wrappers have in common. A dataset in one may be of MMCV 1.x, without metainfo and ``full_init``."""

    _metainfo: dict[str, Any]
    _fully_initialized = False

    @property
    def metainfo(self) -> dict[str, Any]:
        """What holds for all samples; a copy."""
        return copy.deepcopy(self._metainfo)

    def get_subset_(self, indices: int | Sequence[int]) -> NoReturn:
        """Not supported: NotImplementedError."""
        raise NotImplementedError(
            f"{type(self).__name__} has no subsets, since the samples of which dataset would be meant is not clear; "
            "take the subset of the dataset in it"
        )

    get_subset = get_subset_


@DATASETS.register_module()
class ConcatDataset(_Wrapper, TorchConcatDataset[Any]):
    """The samples of ``datasets``, datasets or dicts of them, one after the other.

    Their metainfo must be equal, except for ``ignore_keys``. Raises ValueError or TypeError where it is not. MMEngine
    0.10.7, mmengine/dataset/dataset_wrapper.py.
    """

    def __init__(
        self, datasets: Sequence[Any], lazy_init: bool = False, ignore_keys: str | list[str] | None = None
    ) -> None:
        self.datasets: list[Any] = [_built(dataset, f"datasets[{number}]") for number, dataset in enumerate(datasets)]
        if not self.datasets:
            raise ConfigError("ConcatDataset.datasets: is empty; name at least one dataset")
        if not isinstance(ignore_keys, (str, list, type(None))):
            raise TypeError(f"ignore_keys must be a str or a list of str, found {type(ignore_keys).__name__}")
        self.ignore_keys = [ignore_keys] if isinstance(ignore_keys, str) else ignore_keys or []
        metainfos = [_metainfo(dataset) for dataset in self.datasets]
        self._metainfo = metainfos[0]
        _check_equal(metainfos, self.ignore_keys)
        if not lazy_init:
            self.full_init()

    def full_init(self) -> None:
        """Make the datasets ready; once."""
        if self._fully_initialized:
            return
        for dataset in self.datasets:
            _make_ready(dataset)
        self.cumulative_sizes = list(accumulate(len(dataset) for dataset in self.datasets))
        self._fully_initialized = True

    @force_full_init
    def _get_ori_dataset_idx(self, idx: int) -> tuple[int, int]:
        place = idx + len(self) if idx < 0 else idx
        if place < 0:
            raise ValueError(f"index {idx} is not in a ConcatDataset of {len(self)} samples")
        number = bisect.bisect_right(self.cumulative_sizes, place)
        return number, place - (self.cumulative_sizes[number - 1] if number else 0)

    @force_full_init
    def get_data_info(self, idx: int) -> Any:
        """The annotation of the sample at ``idx``."""
        number, place = self._get_ori_dataset_idx(idx)
        return self.datasets[number].get_data_info(place)

    @force_full_init
    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: int) -> Any:
        if not self._fully_initialized:
            initialize_late(self)
        number, place = self._get_ori_dataset_idx(idx)
        return self.datasets[number][place]


@DATASETS.register_module()
class RepeatDataset(_Wrapper):
    """``dataset``, a dataset or the dict of one, ``times`` times over. MMEngine 0.10.7, as ConcatDataset."""

    def __init__(self, dataset: Any, times: int, lazy_init: bool = False) -> None:
        self.dataset = _built(dataset, "dataset")
        self.times = times
        self._metainfo = _metainfo(self.dataset)
        if not lazy_init:
            self.full_init()

    def full_init(self) -> None:
        """Make the dataset ready; once."""
        if not self._fully_initialized:
            _make_ready(self.dataset)
            self._ori_len = len(self.dataset)
            self._fully_initialized = True

    @force_full_init
    def _get_ori_dataset_idx(self, idx: int) -> int:
        return idx % self._ori_len

    @force_full_init
    def get_data_info(self, idx: int) -> Any:
        """The annotation of the sample at ``idx``."""
        return self.dataset.get_data_info(self._get_ori_dataset_idx(idx))

    @force_full_init
    def __len__(self) -> int:
        return self.times * self._ori_len

    def __getitem__(self, idx: int) -> Any:
        if not self._fully_initialized:
            initialize_late(self)
        return self.dataset[self._get_ori_dataset_idx(idx)]


@DATASETS.register_module()
class ClassBalancedDataset(_Wrapper):
    """``dataset`` with every sample as often as the rarest of its categories asks for.

    A category in the share f of the samples asks for max(1, sqrt(``oversample_thr`` / f)), rounded up. The dataset
    must have ``get_cat_ids(idx)``. LVIS (Gupta, Dollar, Girshick, 2019); MMEngine 0.10.7, as ConcatDataset.
    """

    def __init__(self, dataset: Any, oversample_thr: float, lazy_init: bool = False) -> None:
        self.dataset = _built(dataset, "dataset")
        self.oversample_thr = oversample_thr
        self._metainfo = _metainfo(self.dataset)
        if not lazy_init:
            self.full_init()

    def full_init(self) -> None:
        """Make the dataset ready and count its categories; once."""
        if self._fully_initialized:
            return
        _make_ready(self.dataset)
        factors = self._get_repeat_factors(self.dataset, self.oversample_thr)
        self.repeat_indices = [index for index, factor in enumerate(factors) for _ in range(math.ceil(factor))]
        self._fully_initialized = True

    def _get_repeat_factors(self, dataset: Any, repeat_thr: float) -> list[float]:
        categories = [set(dataset.get_cat_ids(index)) for index in range(len(dataset))]
        counts = Counter(category for found in categories for category in found)
        wanted = {
            category: max(1.0, math.sqrt(repeat_thr / (count / len(dataset)))) for category, count in counts.items()
        }
        return [max((wanted[category] for category in found), default=1.0) for found in categories]

    @force_full_init
    def _get_ori_dataset_idx(self, idx: int) -> int:
        return self.repeat_indices[idx]

    @force_full_init
    def get_cat_ids(self, idx: int) -> Any:
        """The categories in the sample at ``idx``."""
        return self.dataset.get_cat_ids(self._get_ori_dataset_idx(idx))

    @force_full_init
    def get_data_info(self, idx: int) -> Any:
        """The annotation of the sample at ``idx``."""
        return self.dataset.get_data_info(self._get_ori_dataset_idx(idx))

    @force_full_init
    def __len__(self) -> int:
        return len(self.repeat_indices)

    def __getitem__(self, idx: int) -> Any:
        if not self._fully_initialized:
            initialize_late(self)
        return self.dataset[self._get_ori_dataset_idx(idx)]


def _built(dataset: Any, where: str) -> Any:
    """The dataset that a dict describes; TypeError for what is neither that nor a dataset."""
    if isinstance(dataset, Mapping):
        return DATASETS.build(dataset)
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__") or isinstance(dataset, (str, Sequence)):
        raise TypeError(f"{where}: must be a dataset or the dict of one, found {type(dataset).__name__}")
    return dataset


def _metainfo(dataset: Any) -> dict[str, Any]:
    return copy.deepcopy(dict(getattr(dataset, "metainfo", {})))


def _make_ready(dataset: Any) -> None:
    if hasattr(dataset, "full_init"):
        dataset.full_init()


def _check_equal(metainfos: Sequence[dict[str, Any]], ignored: Sequence[str]) -> None:
    """Raise ValueError or TypeError where a metainfo differs from the first one."""
    keys = [key for key in dict.fromkeys(key for each in metainfos for key in each) if key not in ignored]
    first = metainfos[0]
    for number, other in enumerate(metainfos):
        for key in keys:
            if key not in other or key not in first:
                lacking = number if key not in other else 0
                raise ValueError(f"datasets[{lacking}]: its metainfo lacks {key!r}; name it in ignore_keys to allow it")
            if type(first[key]) is not type(other[key]):
                raise TypeError(
                    f"datasets[{number}]: metainfo[{key!r}] must be of the type it has in the first dataset, "
                    f"{type(first[key]).__name__}, found {type(other[key]).__name__}"
                )
            if not _equal(first[key], other[key]):
                raise ValueError(
                    f"datasets[{number}]: metainfo[{key!r}] is {other[key]!r}, in the first dataset {first[key]!r}; "
                    "name it in ignore_keys to allow it"
                )


def _equal(one: Any, other: Any) -> bool:
    """Whether both are the same; arrays are compared as a whole."""
    if hasattr(one, "tolist") and hasattr(one, "shape"):
        return bool(one.shape == other.shape) and bool((one == other).all())
    return bool(one == other)
