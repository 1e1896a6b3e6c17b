"""``runner``, ``total_epochs``, ``total_iters`` and the timing in ``evaluation`` become the three loops."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.edit import Drop, Edit, Move, Put, Todo
from mmbridge.migrate.layout import LOOP_KEYS
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.view import View

_LOOPS = {"epoch": ("EpochBasedTrainLoop", "max_epochs"), "iter": ("IterBasedTrainLoop", "max_iters")}
_RUNNERS = ("EpochBasedRunner", "IterBasedRunner", "Runner")


@rule(
    reads=(*LOOP_KEYS, "evaluation", "data"),
    writes=("train_cfg", "val_cfg", "test_cfg"),
    examples=[
        Example(
            old="runner = dict(type='EpochBasedRunner', max_epochs=12)\nevaluation = dict(interval=2)\n",
            new="train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=2)\n"
            "val_cfg = dict(type='ValLoop')\n"
            "test_cfg = dict(type='TestLoop')\n"
            "val_evaluator = dict(type='DatasetEvaluator')\n"
            "test_evaluator = dict(type='DatasetEvaluator')\n",
        ),
        Example(
            old="total_iters = 40000\n",
            new="train_cfg = dict(type='IterBasedTrainLoop', max_iters=40000, val_interval=1)\n"
            "val_cfg = dict(type='ValLoop')\n"
            "test_cfg = dict(type='TestLoop')\n",
        ),
        Example(old="model = dict(type='ToyDetector')\n", new="model = dict(type='ToyDetector')\n"),
    ],
)
def loops(view: View) -> Iterator[Edit]:
    """The run length and the validation interval become `train_cfg`; `val_cfg` and `test_cfg` name their loops.

    The loop is named by `type`: MMEngine refuses `type` together with `by_epoch`, which a child may add.
    `evaluation.start` becomes `val_begin`. MMCV validates at start, start + interval, ...; MMEngine at the
    multiples of the interval from `val_begin` on, and always after the last epoch or iteration.
    """
    runner = view.get("runner")
    kind = runner.get("type", "EpochBasedRunner") if isinstance(runner, dict) else "EpochBasedRunner"
    if kind not in _RUNNERS:
        yield Todo(("runner",), f"'{kind}' is a runner of your own: write the train_cfg that has its loop.")
        return
    loop, length = _LOOPS[view.run.unit]
    if view.run.path is not None:
        yield Put(("train_cfg", "type"), loop)
        yield Move(view.run.path, ("train_cfg", length))
    yield from _other_lengths(view)
    yield from _validation_times(view)
    if view.has("data") and not view.has("data", "val"):
        yield from _test_loop(view)
    elif any(view.has(key) for key in (*LOOP_KEYS, "evaluation")) or view.has("data", "val"):
        yield Put(("val_cfg",), {"type": "ValLoop"})
        yield Put(("test_cfg",), {"type": "TestLoop"})


def _test_loop(view: View) -> Iterator[Edit]:
    if view.has("data", "test"):
        yield Put(("test_cfg",), {"type": "TestLoop"})


def _other_lengths(view: View) -> Iterator[Edit]:
    for key in ("total_epochs", "total_iters"):
        if view.has(key) and view.run.path != (key,):
            yield Drop((key,), f"the runner's own length wins over {key}, as in MMCV's train scripts", warn=True)
    if not view.has("runner"):
        return
    for key in view.get("runner") or {}:
        if ("runner", key) != view.run.path and key not in ("type", "max_epochs", "max_iters"):
            yield Todo(("runner", key), "no loop of MMEngine takes this runner argument; it is left out.")
    yield Drop(("runner",), "the loops say it")


def _validation_times(view: View) -> Iterator[Edit]:
    evaluation = view.get("evaluation")
    if isinstance(evaluation, dict) and "interval" in evaluation:
        yield Move(("evaluation", "interval"), ("train_cfg", "val_interval"))
    elif view.run.path is not None:
        yield Put(("train_cfg", "val_interval"), 1)  # EvalHook's default; IterBasedTrainLoop's is 1000
    if not isinstance(evaluation, dict):
        return
    if evaluation.get("start") is not None:
        yield Move(("evaluation", "start"), ("train_cfg", "val_begin"), note=_phase(evaluation))
    elif "start" in evaluation:
        yield Drop(("evaluation", "start"), "None is the default")
    if "dynamic_intervals" in evaluation:
        yield Move(("evaluation", "dynamic_intervals"), ("train_cfg", "dynamic_intervals"))
    if "by_epoch" in evaluation:
        yield Drop(("evaluation", "by_epoch"), "the loop decides the unit")


def _phase(evaluation: dict[str, object]) -> str:
    start, interval = evaluation["start"], evaluation.get("interval", 1)
    if not (isinstance(start, int) and isinstance(interval, int)) or interval < 2 or start % interval == 0:
        return ""
    first = -(-start // interval) * interval
    return f"validations move: from {start}, {start + interval}, ... to {first}, {first + interval}, ..."
