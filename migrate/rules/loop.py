"""``runner``, ``total_epochs``, ``total_iters`` and the timing in ``evaluation`` become the three loops."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.compat.config import Undecided
from mmbridge.compat.config.merge import DELETE_KEY
from mmbridge.migrate.edit import Drop, Edit, Move, Put, Ref, Todo, dotted
from mmbridge.migrate.layout import LOOP_KEYS
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.rules.data import evaluated, names_data
from mmbridge.migrate.rules.undecided import beside, undecided
from mmbridge.migrate.view import View

_LOOPS = {"epoch": ("EpochBasedTrainLoop", "max_epochs"), "iter": ("IterBasedTrainLoop", "max_iters")}
_RUNNERS = ("EpochBasedRunner", "IterBasedRunner")


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
    unknown = [*undecided(view, ("runner",), ("runner", "type"))]
    yield from [*unknown, *beside(view, unknown, LOOP_KEYS)] if unknown else _train_loop(view)
    yield from _validation_times(view)
    if names_data(view) or any(view.has(key) for key in (*LOOP_KEYS, "evaluation")):
        for mode in evaluated(view):
            yield Put((f"{mode}_cfg",), {"type": f"{mode.capitalize()}Loop"})


def _train_loop(view: View) -> Iterator[Edit]:
    runner = view.get("runner")
    if runner is None and view.has("runner"):
        yield Drop(("runner",), "None is the default")
    settings = runner if isinstance(runner, dict) else {}
    kind = str(settings.get("type", "EpochBasedRunner"))
    if not kind.endswith(_RUNNERS):
        yield Todo(("runner",), f"'{kind}' is a runner of your own: write the train_cfg that has its loop.")
        for key in ("total_epochs", "total_iters"):
            if view.has(key):
                yield Drop((key,), "the runner says how long it trains, as in MMCV's train scripts", warn=True)
        return
    loop, length = _LOOPS[view.run.unit]
    if view.run.path is not None:
        yield Put(("train_cfg", "type"), loop)
        yield Move(view.run.path, ("train_cfg", length))
    for key in ("total_epochs", "total_iters"):
        if view.has(key) and view.run.path != (key,):
            winner = dotted(view.run.path or ("runner",))
            yield Drop((key,), f"{winner} wins over it, as in MMCV's train scripts", warn=True)
    if settings:
        yield from _runner(view, settings, kind)


def _runner(view: View, settings: dict[str, object], kind: str) -> Iterator[Edit]:
    for key in settings:
        path = ("runner", key)
        if path == view.run.path or key == DELETE_KEY:
            continue
        if key == "type" and kind in _RUNNERS:
            yield Drop(path, "train_cfg.type says it")
        elif key == "type":
            yield Todo(path, f"'{kind}' is a runner of your own; train_cfg names the loop of its MMCV parent.")
        elif key in ("max_epochs", "max_iters"):
            yield Drop(path, f"{dotted(view.run.path or path)} wins; MMCV refuses both", warn=settings[key] is not None)
        else:
            yield Todo(path, "no loop of MMEngine takes this runner argument; it is left out.")
    yield Drop(("runner",), "the loops say it")


def _validation_times(view: View) -> Iterator[Edit]:
    evaluation = view.get("evaluation")
    timing = evaluation if isinstance(evaluation, dict) else {}
    if "interval" in timing:
        yield Move(("evaluation", "interval"), ("train_cfg", "val_interval"))
    elif view.run.path is not None and not isinstance(evaluation, Undecided):
        yield Put(("train_cfg", "val_interval"), 1)  # EvalHook's default; IterBasedTrainLoop's is 1000
    if isinstance(timing.get("start"), Undecided):
        yield from undecided(view, ("evaluation", "start"))
    elif timing.get("start") is not None:
        yield Move(("evaluation", "start"), ("train_cfg", "val_begin"), note=_phase(timing))
    elif "start" in timing:
        yield Drop(("evaluation", "start"), "None is the default")
    if "dynamic_intervals" in timing:
        yield from _dynamic(timing["dynamic_intervals"])
    if "by_epoch" in timing:
        yield Drop(("evaluation", "by_epoch"), "the loop decides the unit")


def _dynamic(intervals: object) -> Iterator[Edit]:
    """The loops take a list of tuples and nothing else (MMEngine 0.10.7, mmengine/runner/utils.py)."""
    src, dst = ("evaluation", "dynamic_intervals"), ("train_cfg", "dynamic_intervals")
    if not isinstance(intervals, list) or all(isinstance(pair, tuple) for pair in intervals):
        yield Move(src, dst)
        return
    pairs = [
        tuple(Ref((*src, i, j)) for j in range(len(pair))) if isinstance(pair, (list, tuple)) else Ref((*src, i))
        for i, pair in enumerate(intervals)
    ]
    yield Put(dst, pairs)


def _phase(evaluation: dict[str, object]) -> str:
    start, interval = evaluation["start"], evaluation.get("interval", 1)
    if not (isinstance(start, int) and isinstance(interval, int)) or interval < 2 or start % interval == 0:
        return ""
    first = -(-start // interval) * interval
    return f"validations move: from {start}, {start + interval}, ... to {first}, {first + interval}, ..."
