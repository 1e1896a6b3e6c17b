"""``custom_hooks`` stay a list; MMCV's own hooks in it are adapted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmbridge.compat.config.merge import DELETE_KEY
from mmbridge.migrate.dialect import LEGACY_KEYS
from mmbridge.migrate.edit import Drop, Edit, Hint, Path, Put, Ref, Todo
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.view import View

_MOMENTUM = 0.0002  # the default in both engines
_WARM_UP = 100  # the default in MMCV 1.7.2, mmcv/runner/hooks/ema.py
_TAKEN = (DELETE_KEY, "momentum", "total_iter", "interval", "priority")
_MANUAL = {
    "LinearMomentumEMAHook": "MMEngine has no average with a linear momentum; write it as an `ema_type` of yours.",
    "ProfilerHook": "MMEngine's ProfilerHook takes other arguments; compare them.",
    "ClosureHook": "MMEngine has no ClosureHook; make it a hook of your own.",
}
_KNOWN = frozenset((
    "CheckpointHook", "ClosureHook", "DistEvalHook", "DistSamplerSeedHook", "EMAHook", "EarlyStoppingHook",
    "EmptyCacheHook", "EvalHook", "ExpMomentumEMAHook", "IterTimerHook", "LinearMomentumEMAHook", "LoggerHook",
    "NPUProfilerHook", "NaiveVisualizationHook", "ParamSchedulerHook", "PrepareTTAHook", "ProfilerHook",
    "RuntimeInfoHook", "SyncBuffersHook", "CheckInvalidLossHook", "MemoryProfilerHook", "NumClassCheckHook",
    "PreciseBNHook", "RFSearchHook", "SetEpochInfoHook", "SyncNormHook", "YOLOXModeSwitchHook",
))  # fmt: skip
"""MMCV's and MMEngine's own, and those that OpenMMLab's libraries have for both (MMEngine 0.10.7, MMCV 2.1.0,
mmdet 3.3.0, mmpretrain 1.2.0)."""
_SIGNATURES = (
    "look at the methods {!r} overrides: to after_train_iter and its like MMEngine passes batch_idx, data_batch and"
    " outputs as well, to before_train_iter the first two, to after_val_epoch metrics;"
    " mmbridge passes what a method names."
)
_EMA = {"EMAHook": "ExponentialMovingAverage", "ExpMomentumEMAHook": "ExpMomentumEMA"}


@rule(
    reads=("custom_hooks", "checkpoint_config"),
    writes=("custom_hooks",),
    examples=[
        Example(
            old="custom_hooks = [dict(type='ExpMomentumEMAHook', momentum=0.0001, resume_from=None, priority=49)]\n",
            new="custom_hooks = [\n"
            "    dict(\n"
            "        type='EMAHook',\n"
            "        ema_type='ExpMomentumEMA',\n"
            "        momentum=0.0001,\n"
            "        update_buffers=True,\n"
            "        priority=49)\n"
            "]\n",
        ),
        Example(
            old="custom_hooks = [dict(type='NumClassCheckHook')]\n",
            new="custom_hooks = [dict(type='NumClassCheckHook')]\n",
        ),
    ],
)
def custom_hooks(view: View) -> Iterator[Edit]:
    """Averaging hooks become MMEngine's `EMAHook`; the sampler-seed hook is there by default and goes.

    MMCV's EMAHook applies `momentum ** interval` once per interval, MMEngine's the momentum as written. A hook that is
    neither engine's gets a note: MMEngine passes more to its methods.
    """
    hooks = view.get("custom_hooks")
    if isinstance(hooks, list) or not view.has("custom_hooks"):
        new: list[Any] = []
        for i, hook in enumerate(hooks or []):
            path = ("custom_hooks", i)
            kind = hook.get("type") if isinstance(hook, dict) else None
            if kind in _MANUAL:
                yield Todo(path, _MANUAL[kind])
            elif isinstance(kind, str) and kind not in _KNOWN and view.config.keys() & LEGACY_KEYS:
                yield Hint(path, _SIGNATURES.format(kind))
            if kind in _EMA and "ema_type" not in hook:  # which only MMEngine's EMAHook takes
                yield from _ema_leftovers(path, hook)
                new.append(_ema(path, hook, kind))
            elif kind == "DistSamplerSeedHook":
                yield Drop(path, "MMEngine runs it by default")
            else:
                new.append(Ref(path))
        if view.get("checkpoint_config", "sync_buffer") is True:
            new.append({"type": "SyncBuffersHook"})
        if new != [Ref(("custom_hooks", i)) for i in range(len(hooks or []))]:
            if view.has("custom_hooks"):
                yield Drop(("custom_hooks",), "rewritten hook by hook")
            yield Put(("custom_hooks",), new)


def _ema(path: Path, hook: dict[str, Any], kind: str) -> dict[str, Any]:
    momentum: Any = Ref((*path, "momentum")) if "momentum" in hook else _MOMENTUM
    if kind == "EMAHook" and _per_interval(hook):
        momentum = hook.get("momentum", _MOMENTUM) ** hook["interval"]
    new: dict[str, Any] = {"type": "EMAHook", "ema_type": _EMA[kind], "momentum": momentum}
    if kind == "ExpMomentumEMAHook":
        new["update_buffers"] = not hook.get("skip_buffers", False)
        if "total_iter" in hook:
            new["gamma"] = Ref((*path, "total_iter"))
    for key in ("interval", "priority"):
        if key in hook:
            new[key] = Ref((*path, key))
    return new


def _per_interval(hook: dict[str, Any]) -> bool:
    interval, momentum = hook.get("interval", 1), hook.get("momentum", _MOMENTUM)
    return isinstance(interval, int) and interval > 1 and isinstance(momentum, (int, float))


def _ema_leftovers(path: Path, hook: dict[str, Any]) -> Iterator[Edit]:
    if hook["type"] == "EMAHook" and "warm_up" not in hook and _reaches(hook.get("momentum", _MOMENTUM), _WARM_UP):
        yield Hint(
            path, f"MMCV warms the momentum up over {_WARM_UP} iterations by default; MMEngine's EMAHook does not."
        )
    if hook["type"] == "EMAHook" and _per_interval(hook) and "momentum" in hook:
        yield Drop((*path, "momentum"), "MMCV applied it interval times at once: momentum ** interval")
    for key, value in hook.items():
        if key == "type":
            yield Drop((*path, key), "EMAHook with an ema_type takes its place")
        elif key == "resume_from":
            yield Drop((*path, key), "MMEngine's EMAHook finds its weights in the checkpoint that is resumed")
        elif key == "warm_up" and hook["type"] == "EMAHook":
            reached = _reaches(hook.get("momentum", _MOMENTUM), value)
            yield Drop((*path, key), "MMEngine's EMAHook has no warm-up of the momentum", warn=reached)
        elif key == "skip_buffers":
            yield Drop((*path, key), "update_buffers says it")
        elif key not in _TAKEN:
            yield Todo((*path, key), f"MMEngine's EMAHook takes no such argument ({value!r}); it is left out.")


def _reaches(momentum: Any, warm_up: Any) -> bool:
    """Whether MMCV's warm-up, (1 + step) / (warm_up + step), ever was below the momentum."""
    numbers = isinstance(momentum, (int, float)) and isinstance(warm_up, (int, float))
    return not numbers or momentum * warm_up > 1
