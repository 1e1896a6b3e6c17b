"""BaseDataset: annotations from a file, and a pipeline that makes samples of them."""

from __future__ import annotations

import copy
import functools
import logging
import os
import random
from array import array
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, ClassVar, TypeVar

from mmbridge.compat.config import Config
from mmbridge.compat.errors import BridgeError
from mmbridge.compat.registry import MissingKey
from mmbridge.runners.loop.dataset import packed
from mmbridge.runners.loop.dataset.annotations import data_and_metainfo, file_lines, is_absolute
from mmbridge.runners.loop.dataset.compose import Compose
from mmbridge.runners.loop.logging import print_log
from torch.utils.data import Dataset

Method = TypeVar("Method", bound=Callable[..., Any])
Indices = int | Sequence[int]
_ANNOTATIONS = ("data_list", "data_address", "data_bytes")


class NoSample(BridgeError):
    """The pipeline gave None where a sample is needed."""


def force_full_init(old_func: Method) -> Method:
    """Make the method call ``full_init`` first, with a warning, where it has not been called yet.

    Raises AttributeError for an object without ``full_init``.
    """

    @functools.wraps(old_func)
    def call(obj: Any, *args: Any, **kwargs: Any) -> Any:
        if not getattr(obj, "_fully_initialized", False):
            initialize_late(obj)
        return old_func(obj, *args, **kwargs)

    return call  # type: ignore[return-value]


def initialize_late(dataset: Any) -> None:
    """Call ``full_init`` of a dataset that is in use already, and say so: each worker would do it again."""
    name = type(dataset).__name__
    if not hasattr(dataset, "full_init"):
        raise AttributeError(f"{name} has no full_init method, which force_full_init needs")
    print_log(
        f"{name} is used before full_init() was called; it is called now. Call it before the data loader starts, "
        "so that the workers need not do it each",
        logger="current",
        level=logging.WARNING,
    )
    dataset.full_init()
    dataset._fully_initialized = True


class BaseDataset(Dataset[Any]):
    """Samples from an annotation file, a dict of ``metainfo`` and ``data_list``; subclasses may read anything else.

    ``data_root`` stands before ``ann_file`` and the values of ``data_prefix``, whose keys are those of the
    annotations that it completes. ``metainfo`` comes before the class's ``METAINFO``, and both before the file's; of
    its values a text that is a file's name stands for the lines of the file. ``indices`` takes the first n samples,
    for -n the last, or the samples listed. ``serialize_data`` keeps the annotations as one block of bytes.
    ``pipeline`` makes the sample of an annotation; where it gives None a random other one is taken, up to
    ``max_refetch`` times, in ``test_mode`` it must not. ``lazy_init`` leaves :meth:`full_init` for later. MMEngine
    0.10.7, mmengine/dataset/base_dataset.py.
    """

    METAINFO: ClassVar[dict[str, Any]] = {}
    _fully_initialized: bool = False

    def __init__(
        self,
        ann_file: str | None = "",
        metainfo: Mapping[str, Any] | Config | None = None,
        data_root: str | None = "",
        data_prefix: Mapping[str, str] = {"img_path": ""},
        filter_cfg: Mapping[str, Any] | None = None,
        indices: Indices | None = None,
        serialize_data: bool = True,
        pipeline: Sequence[Mapping[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 1000,
    ) -> None:
        self.ann_file = ann_file
        self._metainfo = self._load_metainfo(copy.deepcopy(metainfo))
        self.data_root = data_root
        self.data_prefix: Any = copy.copy(data_prefix)
        self.filter_cfg = copy.deepcopy(filter_cfg)
        self._indices = indices
        self.serialize_data = serialize_data
        self.test_mode = test_mode
        self.max_refetch = max_refetch
        self.data_list: list[dict[str, Any]] = []
        self.data_bytes = b""
        self.data_address: array[int] = array("q")
        self._join_prefix()
        self.pipeline = Compose(pipeline)
        if not lazy_init:
            self.full_init()

    @property
    def metainfo(self) -> dict[str, Any]:
        """What holds for all samples, such as the names of the classes; a copy."""
        return copy.deepcopy(self._metainfo)

    def full_init(self) -> None:
        """Read, filter, cut and pack the annotations; once."""
        if self._fully_initialized:
            return
        self.data_list = self.load_data_list()
        self.data_list = self.filter_data()
        if self._indices is not None:
            self.data_list = self._get_unserialized_subset(self._indices)
        if self.serialize_data:
            self.data_bytes, self.data_address = self._serialize_data()
        self._fully_initialized = True

    def load_data_list(self) -> list[dict[str, Any]]:
        """The annotations of ``ann_file``, each as :meth:`parse_data_info` returns it; metainfo is completed.

        Raises TypeError or ValueError for a file of another form.
        """
        raw_data_list, metainfo = data_and_metainfo(self.ann_file or "")
        for key, value in metainfo.items():
            self._metainfo.setdefault(key, value)
        data_list: list[dict[str, Any]] = []
        for raw in raw_data_list:
            parsed = self.parse_data_info(raw)
            entries = parsed if isinstance(parsed, list) else [parsed]
            for entry in entries:
                if not isinstance(entry, dict):
                    raise TypeError(
                        f"{type(self).__name__}.parse_data_info must return a dict or a list of dicts, "
                        f"found {type(entry).__name__}"
                    )
            data_list.extend(entries)
        return data_list

    def parse_data_info(self, raw_data_info: dict[str, Any]) -> dict[str, Any] | list[dict[str, Any]]:
        """The annotation of a sample, or of several: here with the prefixes put before its paths. May be overridden.

        Raises KeyError where a key of ``data_prefix`` is missing.
        """
        for key, prefix in self.data_prefix.items():
            if key not in raw_data_info:
                raise MissingKey(
                    f"an annotation of {self.ann_file!r} has no {key!r}, which data_prefix names; found the keys "
                    f"{sorted(map(str, raw_data_info))}"
                )
            raw_data_info[key] = os.path.join(prefix, raw_data_info[key])
        return raw_data_info

    def filter_data(self) -> list[dict[str, Any]]:
        """The annotations to keep: here all. May be overridden, to do what ``filter_cfg`` says."""
        return self.data_list

    def get_cat_ids(self, idx: int) -> list[int]:
        """The categories in a sample, which ClassBalancedDataset asks for. Must be overridden for that."""
        raise NotImplementedError(f"{type(self).__name__} must have get_cat_ids(idx) to be balanced by class")

    @force_full_init
    def get_data_info(self, idx: int) -> dict[str, Any]:
        """A copy of the annotation at ``idx``, with ``sample_idx``, its place from the beginning."""
        if self.serialize_data:
            info: dict[str, Any] = packed.unpack(self.data_bytes, self.data_address, idx)
        else:
            info = copy.deepcopy(self.data_list[idx])
        info["sample_idx"] = idx if idx >= 0 else len(self) + idx
        return info

    def prepare_data(self, idx: int) -> Any:
        """The sample at ``idx``, or None where the pipeline gave it up."""
        return self.pipeline(self.get_data_info(idx))

    def __getitem__(self, idx: int) -> Any:
        """The sample at ``idx``, or a random other one. Raises NoSample where the pipeline gives None too often."""
        if not self._fully_initialized:
            initialize_late(self)
        if self.test_mode:
            data = self.prepare_data(idx)
            if data is None:
                raise NoSample(f"sample {idx}: the pipeline returned None, which it must not with test_mode=True")
            return data
        for _ in range(self.max_refetch + 1):
            data = self.prepare_data(idx)
            if data is not None:
                return data
            idx = self._rand_another()
        raise NoSample(
            f"the pipeline returned None for {self.max_refetch + 1} samples in a row; look at the paths and at it"
        )

    @force_full_init
    def __len__(self) -> int:
        return len(self.data_address if self.serialize_data else self.data_list)

    @force_full_init
    def get_subset_(self, indices: Indices) -> None:
        """Keep only the samples at ``indices``; the first n for a number n, the last n for -n."""
        if self.serialize_data:
            self.data_bytes, self.data_address = self._get_serialized_subset(indices)
        else:
            self.data_list = self._get_unserialized_subset(indices)

    @force_full_init
    def get_subset(self, indices: Indices) -> BaseDataset:
        """A dataset of the samples at ``indices``, which shares nothing with this one; as :meth:`get_subset_`."""
        other = self._copy_without_annotation()
        if self.serialize_data:
            other.data_list = []
            other.data_bytes, other.data_address = self._get_serialized_subset(indices)
        else:
            other.data_bytes, other.data_address = packed.pack(())
            other.data_list = copy.deepcopy(self._get_unserialized_subset(indices))
        return other

    # The methods below are called or overridden by datasets written for MMEngine.

    @classmethod
    def _load_metainfo(cls, metainfo: Mapping[str, Any] | Config | None = None) -> dict[str, Any]:
        merged = copy.deepcopy(cls.METAINFO)
        if metainfo is None:
            return merged
        if not isinstance(metainfo, (Mapping, Config)):
            raise TypeError(f"metainfo must be a mapping, found {type(metainfo).__name__}")
        for key, value in metainfo.items():
            merged[key] = file_lines(value) if isinstance(value, str) and os.path.isfile(value) else value
        return merged

    def _join_prefix(self) -> None:
        if self.ann_file and self.data_root and not is_absolute(self.ann_file):
            self.ann_file = os.path.join(self.data_root, self.ann_file)
        for key, prefix in self.data_prefix.items():
            if not isinstance(prefix, str):
                raise TypeError(f"data_prefix[{key!r}] must be a str, found {type(prefix).__name__}")
            if self.data_root and not is_absolute(prefix):
                self.data_prefix[key] = os.path.join(self.data_root, prefix)

    def _get_unserialized_subset(self, indices: Indices) -> list[dict[str, Any]]:
        if isinstance(indices, int):
            return self.data_list[:indices] if indices >= 0 else self.data_list[indices:]
        if isinstance(indices, Sequence):
            return [self.data_list[index] for index in indices]
        raise TypeError(f"indices must be an int or a sequence of int, found {type(indices).__name__}")

    def _get_serialized_subset(self, indices: Indices) -> tuple[bytes, array[int]]:
        return packed.subset(self.data_bytes, self.data_address, indices)

    def _serialize_data(self) -> tuple[bytes, array[int]]:
        data = packed.pack(self.data_list)
        self.data_list.clear()
        return data

    def _rand_another(self) -> int:
        """A place drawn from numpy's global generator, as in MMEngine, or from Python's where there is no numpy."""
        if find_spec("numpy") is None:
            return random.randrange(len(self))
        import numpy

        return int(numpy.random.randint(0, len(self)))

    def _copy_without_annotation(self, memo: dict[int, Any] | None = None) -> BaseDataset:
        memo = {} if memo is None else memo
        other = type(self).__new__(type(self))
        memo[id(self)] = other
        for key, value in self.__dict__.items():
            if key not in _ANNOTATIONS:
                setattr(other, key, copy.deepcopy(value, memo))
        return other
