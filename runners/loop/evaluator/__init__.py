"""Metrics, and the evaluators that gather them: what ``mmengine.evaluator`` holds, and 1.x's way."""

from mmbridge.runners.loop.evaluator.dataset_evaluator import DatasetEvaluator
from mmbridge.runners.loop.evaluator.evaluator import Evaluator
from mmbridge.runners.loop.evaluator.metric import BaseMetric, DumpResults, get_metric_value

__all__ = ["BaseMetric", "DatasetEvaluator", "DumpResults", "Evaluator", "get_metric_value"]
