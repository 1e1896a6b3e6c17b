"""``checkpoint_config`` and ``evaluation.save_best`` become ``default_hooks.checkpoint``."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.edit import Drop, Edit, Move, Put
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.rules.undecided import undecided
from mmbridge.migrate.view import View

_HOOK = ("default_hooks", "checkpoint")
_BEST = {
    "save_best": "save_best",
    "rule": "rule",
    "greater_keys": "greater_keys",
    "less_keys": "less_keys",
    "out_dir": "out_dir",
    "file_client_args": "backend_args",
}
_VANISHED = {
    "create_symlink": "MMEngine writes last_checkpoint instead of a link",
    "meta": "MMEngine collects the meta data itself",
}


@rule(
    reads=("checkpoint_config", "evaluation"),
    writes=("default_hooks",),
    examples=[
        Example(
            old="runner = dict(type='IterBasedRunner', max_iters=80000)\n"
            "checkpoint_config = dict(interval=8000, create_symlink=False)\n",
            new="train_cfg = dict(type='IterBasedTrainLoop', max_iters=80000, val_interval=1)\n"
            "val_cfg = dict(type='ValLoop')\n"
            "test_cfg = dict(type='TestLoop')\n"
            "default_hooks = dict(\n"
            "    checkpoint=dict(type='CheckpointHook', interval=8000, by_epoch=False))\n",
        ),
        Example(old="work_dir = 'out'\n", new="work_dir = 'out'\n"),
    ],
)
def checkpoint(view: View) -> Iterator[Edit]:
    """Saving moves into `default_hooks.checkpoint`, with the unit written where the run is by iteration.

    The type is always written: MMEngine replaces its default entry by the user's, it does not merge them.
    """
    unknown = [*undecided(view, ("checkpoint_config",))]
    if unknown:
        yield from unknown
        return
    config, evaluation = view.get("checkpoint_config"), view.get("evaluation")
    best = {key: evaluation[key] for key in _BEST if key in evaluation} if isinstance(evaluation, dict) else {}
    if isinstance(config, dict):
        yield Move(("checkpoint_config",), _HOOK, note=_unit_note(config, view.run.unit))
        yield from _adapt(config)
    elif view.has("checkpoint_config"):
        yield Drop(("checkpoint_config",), "None saves nothing but the last checkpoint, MMEngine's own default")
    settings = config if isinstance(config, dict) else {}
    kept = [key for key, value in best.items() if value not in (None, "") and settings.get(key) in (None, "")]
    if (isinstance(config, dict) or kept) and "type" not in settings:
        yield Put((*_HOOK, "type"), "CheckpointHook")
    if (settings or kept) and view.run.unit == "iter" and "by_epoch" not in settings:
        yield Put((*_HOOK, "by_epoch"), False)
    for key, value in best.items():
        if key in kept:
            yield Move(("evaluation", key), (*_HOOK, _BEST[key]), note=_metric_name(key, value))
        elif value in (None, ""):
            yield Drop(("evaluation", key), "empty means not set")
        else:
            yield Drop(("evaluation", key), f"checkpoint_config.{key} is set as well and wins", warn=True)


def _adapt(config: dict[str, object]) -> Iterator[Edit]:
    for key in config:
        if key in _VANISHED:
            yield Drop(("checkpoint_config", key), _VANISHED[key])
    if "sync_buffer" in config:
        reason = "SyncBuffersHook does it" if config["sync_buffer"] else "MMEngine does not do it by itself"
        yield Drop(("checkpoint_config", "sync_buffer"), reason)
    for key in ("out_dir", "file_client_args"):
        if key in config and config[key] in (None, ""):
            yield Drop(("checkpoint_config", key), "MMCV takes None and '' as not set, MMEngine does not")
    if config.get("file_client_args") not in (None, ""):
        yield Move(("checkpoint_config", "file_client_args"), (*_HOOK, "backend_args"))


def _unit_note(config: dict[str, object], unit: str) -> str:
    late = unit == "iter" and config.get("by_epoch") is True
    return "by_epoch=True in a run by iteration saves only once, at the very end, in both engines" if late else ""


def _metric_name(key: str, value: object) -> str:
    named = key == "save_best" and value != "auto"
    return "the metric's name may differ in the new evaluator ('AP' became 'coco/AP')" if named else ""
