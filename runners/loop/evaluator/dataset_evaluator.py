"""DatasetEvaluator: MMCV 1.x's evaluation, by the dataset's own method ``evaluate``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from mmbridge.compat.errors import BridgeError
from mmbridge.runners.dist import broadcast_object
from mmbridge.runners.loop.dist.collect import collect_results
from mmbridge.runners.loop.evaluator.evaluator import Evaluator
from mmbridge.runners.loop.logging import MMLogger
from mmbridge.runners.loop.registry import EVALUATOR


class NoEvaluate(BridgeError, TypeError):
    """The dataset cannot evaluate by itself."""


@EVALUATOR.register_module()
class DatasetEvaluator(Evaluator):
    """Gives the outputs of a whole validation to ``dataset.evaluate(results, logger=..., **kwargs)``.

    What a config of MMCV 1.x said in ``evaluation`` about metrics becomes ``kwargs``. The outputs of several processes
    meet in that of rank 0. Datasets one after the other are evaluated each for itself, the names of the scores with
    ``0_``, ``1_`` before them, as in MMDetection 2.28.2 (mmdet/datasets/dataset_wrappers.py).
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__([])
        self.kwargs = kwargs
        self.results: list[Any] = []
        self._dataset: Any = None

    def use_dataset(self, dataset: Any) -> None:
        """Take the dataset that will evaluate. Raises NoEvaluate where it, or one in it, has no ``evaluate``."""
        super().use_dataset(dataset)
        for part in _parts(dataset):
            if not hasattr(part, "evaluate"):
                raise NoEvaluate(
                    f"DatasetEvaluator: {type(part).__name__} has no method evaluate(results, ...); "
                    "name a metric in val_evaluator and test_evaluator instead"
                )
        self._dataset = dataset

    def process(self, data_samples: Sequence[Any], data_batch: Any = None) -> None:
        """Keep the outputs of a batch as they are."""
        self.results.extend(data_samples)

    def evaluate(self, size: int) -> dict[str, Any]:
        """The dataset's scores of the first ``size`` outputs, in every process; the outputs are forgotten."""
        if self._dataset is None:
            raise NoEvaluate("DatasetEvaluator: has no dataset; the loop that uses it must call use_dataset first")
        results = collect_results(self.results, size, "cpu")
        self.results.clear()
        scores: dict[str, Any] = broadcast_object(None if results is None else self._scores(results))
        return scores

    def _scores(self, results: list[Any]) -> dict[str, Any]:
        parts = _parts(self._dataset)
        if parts[0] is self._dataset:
            return self._scores_of(self._dataset, results)
        scores = {}
        start = 0
        for number, part in enumerate(parts):
            own = self._scores_of(part, results[start : start + len(part)])
            scores.update({f"{number}_{name}": value for name, value in own.items()})
            start += len(part)
        return scores

    def _scores_of(self, dataset: Any, results: list[Any]) -> dict[str, Any]:
        scores = dataset.evaluate(results, **_logger_for(dataset.evaluate), **self.kwargs)
        if not isinstance(scores, Mapping):
            raise NoEvaluate(
                f"{type(dataset).__name__}.evaluate must return a dict of scores, found {type(scores).__name__}"
            )
        return dict(scores)


def _parts(dataset: Any) -> list[Any]:
    """The datasets that a concatenation without an ``evaluate`` of its own consists of; else the dataset alone."""
    inner = getattr(dataset, "datasets", None)
    concatenated = isinstance(inner, (list, tuple)) and not hasattr(dataset, "evaluate")
    return list(inner) if concatenated and inner else [dataset]


def _logger_for(evaluate: Any) -> dict[str, Any]:
    """The run's logger as an argument, if the method takes one; outside of a run None."""
    parameters = inspect.signature(evaluate).parameters.values()
    if not any(each.name == "logger" or each.kind is each.VAR_KEYWORD for each in parameters):
        return {}
    return {"logger": MMLogger.in_progress()}
