"""``log_config`` becomes ``default_hooks.logger``, ``log_processor`` and the visualizer's backends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmbridge.compat.config.merge import DELETE_KEY
from mmbridge.migrate.backends import BACKENDS
from mmbridge.migrate.edit import Drop, Edit, Move, Path, Put, Ref, Todo
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.rules.undecided import undecided
from mmbridge.migrate.view import View

_HOOK = ("default_hooks", "logger")
_TEXT = ("TextLoggerHook", "IterTextLoggerHook")
_TEXT_KEPT = {
    **{key: key for key in ("ignore_last", "interval_exp_name", "out_dir", "out_suffix", "keep_local")},
    "file_client_args": "backend_args",
}


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
            "        dict(type='TensorboardVisBackend')\n"
            "    ])\n",
        ),
        Example(old="log_level = 'INFO'\n", new="log_level = 'INFO'\n"),
    ],
)
def logs(view: View) -> Iterator[Edit]:
    """The log interval moves into `default_hooks.logger`; trackers become backends of the visualizer.

    Runs by iteration also count their log lines by iteration (`log_metric_by_epoch`, `log_processor`).
    """
    unknown = [*undecided(view, ("log_config",), ("log_config", "hooks"))]
    if unknown:
        yield from unknown
        return
    config = view.get("log_config")
    if isinstance(config, dict):
        hooks = config.get("hooks") or []
        yield Put((*_HOOK, "type"), "LoggerHook")
        if "interval" in config:
            yield Move(("log_config", "interval"), (*_HOOK, "interval"))
        if view.run.unit == "iter" or any(_by_iteration(hook) for hook in hooks):
            yield Put((*_HOOK, "log_metric_by_epoch"), False)
            yield Put(("log_processor",), {"by_epoch": False})
        yield from _trackers(hooks)
        if not hooks and "hooks" in config:
            yield Drop(("log_config", "hooks"), "an empty list")
        for key in config:
            if key not in ("interval", "hooks", DELETE_KEY):
                yield Todo(("log_config", key), f"LoggerHook takes no such argument ({config[key]!r}); it is left out.")
    yield Drop(("log_config",), "its settings moved into default_hooks.logger")


def _by_iteration(hook: Any) -> bool:
    if not isinstance(hook, dict):
        return False
    kind = hook.get("type")
    return kind == "IterTextLoggerHook" or (kind == "TextLoggerHook" and hook.get("by_epoch") is False)


def _trackers(hooks: list[Any]) -> Iterator[Edit]:
    backends: list[dict[str, Any]] = []
    text = False
    for i, hook in enumerate(hooks):
        at: Path = ("log_config", "hooks", i)
        kind = hook.get("type") if isinstance(hook, dict) else None
        if kind in _TEXT and text:
            yield Drop(at, "one LoggerHook writes the lines", warn=True)
        elif kind in _TEXT:
            text = True
            yield from _text_hook(at, hook)
        elif kind in BACKENDS:
            name, taken = BACKENDS[kind]
            backends.append({"type": name, **{taken[key]: Ref((*at, key)) for key in hook if key in taken}})
            yield from _leftovers(at, hook, taken, name)
        else:
            yield Todo(at, f"MMEngine has no counterpart of '{kind}'; write a visualizer backend, or log elsewhere.")
    if backends:
        yield Put(("visualizer",), {"type": "Visualizer", "vis_backends": [{"type": "LocalVisBackend"}, *backends]})


def _text_hook(at: Path, hook: dict[str, Any]) -> Iterator[Edit]:
    for key in hook:
        if key in _TEXT_KEPT:
            yield Move((*at, key), (*_HOOK, _TEXT_KEPT[key]))
    yield from _leftovers(at, hook, _TEXT_KEPT, "LoggerHook")


def _leftovers(at: Path, hook: dict[str, Any], taken: Mapping[str, str], name: str) -> Iterator[Edit]:
    for key, value in hook.items():
        if key == "type":
            yield Drop((*at, key), f"{name} takes its place")
        elif key == "by_epoch":
            yield Drop((*at, key), "the loop and the log processor decide the unit")
        elif key == "reset_flag":
            yield Drop((*at, key), "MMEngine averages over a window of its own")
        elif key not in taken and key != DELETE_KEY:
            yield Todo((*at, key), f"{name} takes no such argument ({value!r}); it is left out.")
