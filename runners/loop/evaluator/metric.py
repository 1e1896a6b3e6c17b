"""BaseMetric: a score over all samples of a dataset; DumpResults, which only writes them down."""

from __future__ import annotations

import logging
import os
import pickle
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from mmbridge.runners.dist import broadcast_object
from mmbridge.runners.loop.dist.collect import check_place, collect_results
from mmbridge.runners.loop.logging import print_log
from mmbridge.runners.loop.registry import METRICS
from mmbridge.runners.loop.structures import BaseDataElement
from torch import Tensor


class BaseMetric(ABC):
    """A subclass appends to ``self.results`` in :meth:`process` and scores them in :meth:`compute_metrics`.

    ``prefix`` stands before the names of the scores; without one, also for an empty one, the class's
    ``default_prefix`` does. ``collect_device`` is where the results of several processes meet, ``collect_dir`` a
    folder that all share, for their files. MMEngine 0.10.7, mmengine/evaluator/metric.py.
    """

    default_prefix: str | None = None

    def __init__(self, collect_device: str = "cpu", prefix: str | None = None, collect_dir: str | None = None) -> None:
        check_place(collect_device, collect_dir, ("collect_device", "collect_dir"))
        self._dataset_meta: dict[str, Any] | None = None
        self.collect_device = collect_device
        self.collect_dir = collect_dir
        self.results: list[Any] = []
        self.prefix = prefix or self.default_prefix
        if self.prefix is None:
            print_log(
                f"{type(self).__name__} has no prefix, so its scores may be taken for those of another metric",
                logger="current",
                level=logging.WARNING,
            )

    @property
    def dataset_meta(self) -> dict[str, Any] | None:
        """The metainfo of the dataset whose samples are scored."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict[str, Any]) -> None:
        self._dataset_meta = dataset_meta

    @abstractmethod
    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Append to ``self.results`` what a batch and the model's outputs for it contribute."""

    @abstractmethod
    def compute_metrics(self, results: list[Any]) -> dict[str, Any]:
        """The scores of ``results``, those of all processes."""

    def evaluate(self, size: int) -> dict[str, Any]:
        """The scores of the first ``size`` results, in every process; the results are forgotten.

        The results of several processes are taken in turn: the first of each, the second of each.
        """
        if not self.results:
            print_log(
                f"{type(self).__name__} has no results to score; its process method must append to self.results",
                logger="current",
                level=logging.WARNING,
            )
        results = collect_results(self.results, size, self.collect_device, self.collect_dir)
        metrics: dict[str, Any] | None = None
        if results is not None:
            metrics = self.compute_metrics(to_cpu(results))
            if self.prefix:
                metrics = {f"{self.prefix}/{name}": value for name, value in metrics.items()}
        self.results.clear()
        shared: dict[str, Any] = broadcast_object(metrics)
        return shared


@METRICS.register_module()
class DumpResults(BaseMetric):
    """Writes the outputs of all samples, on the CPU, to ``out_file_path``, a .pkl or .pickle file; has no scores."""

    def __init__(self, out_file_path: str, collect_device: str = "cpu", collect_dir: str | None = None) -> None:
        super().__init__(collect_device=collect_device, collect_dir=collect_dir)
        if not out_file_path.endswith((".pkl", ".pickle")):
            raise ValueError(f"out_file_path must end with .pkl or .pickle, found {out_file_path!r}")
        self.out_file_path = out_file_path

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the outputs of a batch."""
        self.results.extend(to_cpu(list(data_samples)))

    def compute_metrics(self, results: list[Any]) -> dict[str, Any]:
        """Write the file; no scores."""
        os.makedirs(os.path.dirname(self.out_file_path) or ".", exist_ok=True)
        with open(self.out_file_path, "wb") as file:
            pickle.dump(results, file)
        print_log(f"the outputs are written to {self.out_file_path}", logger="current")
        return {}


def to_cpu(data: Any) -> Any:
    """``data`` with the tensors and data elements in its lists, tuples and dicts moved to the CPU."""
    if isinstance(data, (Tensor, BaseDataElement)):
        return data.to("cpu")
    if isinstance(data, list):
        return [to_cpu(entry) for entry in data]
    if isinstance(data, tuple):
        return tuple(to_cpu(entry) for entry in data)
    if isinstance(data, dict):
        return {key: to_cpu(entry) for key, entry in data.items()}
    return data


_to_cpu = to_cpu  # libraries written for MMEngine import it by this name


def get_metric_value(indicator: str, metrics: Mapping[str, Any]) -> Any:
    """The score that ``indicator`` names: ``prefix/name``, or the name alone where only one prefix has it.

    Raises ValueError where none or several match. MMEngine 0.10.7, mmengine/evaluator/utils.py.
    """
    if "/" in indicator:
        matching = [indicator] if indicator in metrics else []
    else:
        matching = [name for name in metrics if name.split("/")[-1] == indicator]
    if len(matching) == 1:
        return metrics[matching[0]]
    found = f"several of the metrics match: {matching}" if matching else f"no metric matches, found {list(metrics)}"
    raise ValueError(f"{indicator!r}: {found}")
