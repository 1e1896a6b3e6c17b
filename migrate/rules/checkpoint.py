"""``checkpoint_config`` and ``evaluation.save_best`` become ``default_hooks.checkpoint``."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.edit import Drop, Edit, Move, Put
from mmbridge.migrate.rule import Example, rule
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
    "sync_buffer": "SyncBuffersHook does it",
}


@rule(
    reads=("checkpoint_config", "evaluation"),
    writes=("default_hooks",),
    examples=[
        Example(
            old="runner = dict(type='IterBasedRunner', max_iters=80000)\n"
            "checkpoint_config = dict(interval=8000, create_symlink=False)\n",
            new="train_cfg = dict(\n"
            "    type='IterBasedTrainLoop', max_iters=80000, val_interval=1)\n"
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
    config, evaluation = view.get("checkpoint_config"), view.get("evaluation")
    best = [key for key in _BEST if isinstance(evaluation, dict) and key in evaluation]
    if not isinstance(config, dict):
        config = {}
        if view.has("checkpoint_config"):
            yield Drop(("checkpoint_config",), "None saves nothing but the last checkpoint, MMEngine's own default")
    else:
        yield Move(("checkpoint_config",), _HOOK)
        yield from _adapt(config)
    if (config or best) and "type" not in config:
        yield Put((*_HOOK, "type"), "CheckpointHook")
    if config and view.run.unit == "iter" and "by_epoch" not in config:
        yield Put((*_HOOK, "by_epoch"), False)
    for key in best:
        if _BEST[key] in config or (key == "out_dir" and "out_dir" in config):
            yield Drop(("evaluation", key), f"checkpoint_config.{_BEST[key]} is set as well and wins", warn=True)
        elif evaluation[key] is None or evaluation[key] == "":
            yield Drop(("evaluation", key), "empty means not set")
        else:
            yield Move(("evaluation", key), (*_HOOK, _BEST[key]), note=_metric_name(key))


def _adapt(config: dict[str, object]) -> Iterator[Edit]:
    for key in config:
        if key in _VANISHED:
            yield Drop(("checkpoint_config", key), _VANISHED[key])
    if config.get("out_dir") == "":
        yield Drop(("checkpoint_config", "out_dir"), "MMCV takes '' as not set, MMEngine does not")
    if "file_client_args" in config:
        yield Move(("checkpoint_config", "file_client_args"), (*_HOOK, "backend_args"))


def _metric_name(key: str) -> str:
    return "the metric's name may differ in the new evaluator ('AP' became 'coco/AP')" if key == "save_best" else ""
