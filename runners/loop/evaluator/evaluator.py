"""Evaluator: several metrics over the same outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from mmbridge.runners.loop.dataset import pseudo_collate
from mmbridge.runners.loop.evaluator.metric import BaseMetric
from mmbridge.runners.loop.registry import EVALUATOR, METRICS
from mmbridge.runners.loop.structures import BaseDataElement


@EVALUATOR.register_module()
class Evaluator:
    """Hands the outputs of a model to ``metrics``: one metric or several, or dicts of them.

    MMEngine 0.10.7, mmengine/evaluator/evaluator.py. Raises TypeError for what is neither dict nor metric.
    """

    def __init__(self, metrics: Mapping[str, Any] | BaseMetric | Sequence[Any]) -> None:
        self._dataset_meta: dict[str, Any] | None = None
        given = metrics if isinstance(metrics, Sequence) else [metrics]
        self.metrics: list[Any] = [
            METRICS.build(metric) if isinstance(metric, Mapping) else _checked(metric) for metric in given
        ]

    @property
    def dataset_meta(self) -> dict[str, Any] | None:
        """The metainfo of the dataset; setting it sets that of every metric."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict[str, Any]) -> None:
        self._dataset_meta = dataset_meta
        for metric in self.metrics:
            metric.dataset_meta = dataset_meta

    def use_dataset(self, dataset: Any) -> None:
        """Learn which dataset the outputs will be for: takes its ``metainfo``, if it has one.

        The validation and test loops call it once, when they are made.
        """
        if hasattr(dataset, "metainfo"):
            self.dataset_meta = dataset.metainfo

    def process(self, data_samples: Sequence[Any], data_batch: Any = None) -> None:
        """Show every metric a batch and the outputs for it, data elements as dicts."""
        samples = [each.to_dict() if isinstance(each, BaseDataElement) else each for each in data_samples]
        for metric in self.metrics:
            metric.process(data_batch, samples)

    def evaluate(self, size: int) -> dict[str, Any]:
        """The scores of all metrics over ``size`` samples. Raises ValueError where two have the same name."""
        found: dict[str, Any] = {}
        for metric in self.metrics:
            scores = metric.evaluate(size)
            twice = [name for name in scores if name in found]
            if twice:
                raise ValueError(
                    f"two metrics have a score {twice[0]!r}, the second is {type(metric).__name__}; give them prefixes"
                )
            found.update(scores)
        return found

    def offline_evaluate(
        self, data_samples: Sequence[Any], data: Sequence[Any] | None = None, chunk_size: int = 1
    ) -> dict[str, Any]:
        """The scores of outputs that are there already, and of their ``data``, ``chunk_size`` at a time.

        Raises ValueError where outputs and data differ in number, and for a ``chunk_size`` below 1.
        """
        if chunk_size < 1:
            raise ValueError(f"chunk_size must be 1 or more, found {chunk_size}")
        if data is not None and len(data) != len(data_samples):
            raise ValueError(f"there must be data for every sample, found {len(data)} for {len(data_samples)}")
        batches = None if data is None else _chunks(data, chunk_size)
        size = 0
        for outputs in _chunks(data_samples, chunk_size):
            self.process(outputs, None if batches is None else pseudo_collate(next(batches)))
            size += len(outputs)
        return self.evaluate(size)


def _chunks(entries: Iterable[Any], length: int) -> Iterator[list[Any]]:
    remaining = iter(entries)
    while chunk := list(islice(remaining, length)):
        yield chunk


def _checked(metric: Any) -> Any:
    if not hasattr(metric, "process") or not hasattr(metric, "evaluate"):
        raise TypeError(
            f"a metric must be a dict or have the methods of BaseMetric, found {type(metric).__name__}: {metric!r}"
        )
    return metric
