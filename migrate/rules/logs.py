"""``log_config`` becomes ``default_hooks.logger``, ``log_processor`` and the visualizer's backends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmbridge.migrate.edit import Drop, Edit, Move, Put, Todo
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.view import View

_HOOK = ("default_hooks", "logger")
_TEXT = ("TextLoggerHook", "IterTextLoggerHook")
_BACKENDS = {
    "TensorboardLoggerHook": "TensorboardVisBackend",
    "WandbLoggerHook": "WandbVisBackend",
    "MMDetWandbHook": "WandbVisBackend",
    "MMSegWandbHook": "WandbVisBackend",
    "MMClsWandbHook": "WandbVisBackend",
    "MlflowLoggerHook": "MLflowVisBackend",
    "ClearMLLoggerHook": "ClearMLVisBackend",
    "NeptuneLoggerHook": "NeptuneVisBackend",
    "DvcliveLoggerHook": "DVCLiveVisBackend",
}
_KEPT_ARGUMENTS = {
    "log_dir": "save_dir",
    "init_kwargs": "init_kwargs",
    "exp_name": "exp_name",
    "commit": "commit",
    "tracking_uri": "tracking_uri",
}
_BY_LOOP = ("by_epoch", "type")  # LoggerHook and the log processor take the unit from the loop


@rule(
    reads=("log_config",),
    writes=("default_hooks", "log_processor", "visualizer"),
    examples=[
        Example(
            old="log_config = dict(\n"
            "    interval=50, hooks=[dict(type='TextLoggerHook'), dict(type='TensorboardLoggerHook')])\n",
            new="default_hooks = dict(logger=dict(type='LoggerHook', interval=50))\n"
            "visualizer = dict(\n"
            "    type='Visualizer',\n"
            "    vis_backends=[\n"
            "        dict(type='LocalVisBackend'),\n"
            "        dict(type='TensorboardVisBackend'),\n"
            "    ])\n",
        ),
        Example(old="log_level = 'INFO'\n", new="log_level = 'INFO'\n"),
    ],
)
def logs(view: View) -> Iterator[Edit]:
    """The log interval moves into `default_hooks.logger`; trackers become backends of the visualizer.

    Runs by iteration also count their log lines by iteration (`log_metric_by_epoch`, `log_processor`).
    """
    config = view.get("log_config")
    if isinstance(config, dict):
        yield Put((*_HOOK, "type"), "LoggerHook")
        if "interval" in config:
            yield Move(("log_config", "interval"), (*_HOOK, "interval"))
        if view.run.unit == "iter":
            yield Put((*_HOOK, "log_metric_by_epoch"), False)
            yield Put(("log_processor",), {"by_epoch": False})
        hooks = config.get("hooks")
        yield from _trackers(hooks if isinstance(hooks, list) else [])
    yield Drop(("log_config",), "its settings moved into default_hooks.logger")


def _trackers(hooks: list[Any]) -> Iterator[Edit]:
    backends: list[dict[str, Any]] = []
    for i, hook in enumerate(hooks):
        kind = hook.get("type") if isinstance(hook, dict) else None
        at = ("log_config", "hooks", i)
        if kind in _TEXT:
            yield from _text_hook(i, hook)
        elif kind in _BACKENDS:
            backends.append({"type": _BACKENDS[kind]})
            for key, value in hook.items():
                if key in _KEPT_ARGUMENTS:
                    backends[-1][_KEPT_ARGUMENTS[key]] = value
                elif key not in _BY_LOOP:
                    yield Todo((*at, key), f"{_BACKENDS[kind]} does not take it; it is left out.")
        else:
            yield Todo(at, f"MMEngine has no counterpart of '{kind}'; write a visualizer backend, or log elsewhere.")
    if backends:
        yield Put(("visualizer",), {"type": "Visualizer", "vis_backends": [{"type": "LocalVisBackend"}, *backends]})


def _text_hook(i: int, hook: dict[str, Any]) -> Iterator[Edit]:
    for key in hook:
        if key == "ignore_last":
            yield Move(("log_config", "hooks", i, key), (*_HOOK, key))
        elif key not in _BY_LOOP:
            yield Todo(("log_config", "hooks", i, key), "LoggerHook does not take it; it is left out.")
