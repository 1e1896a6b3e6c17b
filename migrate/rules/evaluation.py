"""What ``evaluation`` says about metrics becomes ``val_evaluator`` and ``test_evaluator``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mmbridge.compat.config.merge import DELETE_KEY
from mmbridge.migrate.edit import Drop, Edit, Put, Ref, Todo
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.rules.data import evaluated, names_data
from mmbridge.migrate.rules.undecided import undecided
from mmbridge.migrate.view import View

_ELSEWHERE: Final = (
    *("interval", "start", "dynamic_intervals", "by_epoch"),  # the loops
    *("save_best", "rule", "greater_keys", "less_keys", "out_dir", "file_client_args"),  # the checkpoint hook
)
_VANISHED: Final = {
    "gpu_collect": "MMEngine's metrics choose how results are collected (collect_device)",
    "tmpdir": "MMEngine's metrics choose where results are collected (collect_dir)",
    "pre_eval": "MMEngine's metrics always work batch by batch",
    "efficient_test": "MMEngine's metrics always work batch by batch",
    "test_fn": "the val loop runs the model",
    "dataloader": "the val loop has its own",
    "broadcast_bn_buffer": "the val loop shares no batch statistics between processes; SyncBuffersHook does",
}


@rule(
    reads=("evaluation", "data"),
    writes=("val_evaluator", "test_evaluator"),
    examples=[
        Example(
            old="evaluation = dict(metric='bbox')\n",
            new="val_evaluator = dict(type='DatasetEvaluator', metric='bbox')\n"
            "test_evaluator = dict(type='DatasetEvaluator', metric='bbox')\n"
            "val_cfg = dict(type='ValLoop')\n"
            "test_cfg = dict(type='TestLoop')\n",
        ),
        Example(old="metric = 'bbox'\n", new="metric = 'bbox'\n"),
    ],
)
def evaluators(view: View) -> Iterator[Edit]:
    """The arguments of `dataset.evaluate` become an evaluator that hands them to it, until a person names the metric.

    `DatasetEvaluator` stands for the 1.x behaviour; which metric class a library has for it is the library's part.
    Validation data without an `evaluation` was evaluated as well, by the dataset's default metric.
    """
    unknown = [*undecided(view, ("evaluation",))]
    yield from unknown
    evaluation = view.get("evaluation")
    settings = evaluation if isinstance(evaluation, dict) else {}
    elsewhere = (*_ELSEWHERE, *_VANISHED, DELETE_KEY)
    arguments = {key: Ref(("evaluation", key)) for key in settings if key not in elsewhere}
    modes = () if unknown or not (view.has("evaluation") or names_data(view)) else evaluated(view)
    for mode in modes:
        yield Put((f"{mode}_evaluator",), {"type": "DatasetEvaluator", **arguments})
    named: Any = settings.get("metric", settings.get("metrics"))
    asked = f"metric {named!r}" if named is not None else "default metric"
    if modes:
        key = "evaluation" if view.has("evaluation") else "data"
        yield Todo((key,), f"name your library's metric for the dataset's {asked} in {modes[0]}_evaluator.")
    for key in settings:
        if key in _VANISHED:
            yield Drop(("evaluation", key), _VANISHED[key])
        elif key in arguments and not modes:
            yield Drop(("evaluation", key), "there is no data to evaluate", warn=True)
    if view.has("evaluation") and not unknown:
        yield Drop(("evaluation",), "its settings moved into train_cfg, default_hooks.checkpoint and val_evaluator")
