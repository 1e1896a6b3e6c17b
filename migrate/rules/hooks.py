"""``custom_hooks`` stay a list; MMCV's own hooks in it are adapted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmbridge.migrate.edit import Drop, Edit, Put, Ref
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.view import View

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
            "        priority=49),\n"
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

    MMCV's EMAHook applies `momentum ** interval` once per interval, MMEngine's the momentum as written.
    """
    hooks = view.get("custom_hooks")
    if not isinstance(hooks, list) and view.has("custom_hooks"):
        return
    new = [_adapted(i, hook) for i, hook in enumerate(hooks or [])]
    if view.get("checkpoint_config", "sync_buffer"):
        new.append({"type": "SyncBuffersHook"})
    new = [hook for hook in new if hook is not None]
    if new == [Ref(("custom_hooks", i)) for i in range(len(hooks or []))]:
        return
    if view.has("custom_hooks"):
        yield Drop(("custom_hooks",), "rewritten hook by hook")
    yield Put(("custom_hooks",), new)


def _adapted(i: int, hook: Any) -> Any:
    kind = hook.get("type") if isinstance(hook, dict) else None
    if kind in _EMA:
        return _ema(("custom_hooks", i), hook, kind)
    return None if kind == "DistSamplerSeedHook" else Ref(("custom_hooks", i))  # that one runs by default


def _ema(path: tuple[str | int, ...], hook: dict[str, Any], kind: str) -> dict[str, Any]:
    momentum: Any = Ref((*path, "momentum")) if "momentum" in hook else 0.0002
    interval = hook.get("interval", 1)
    if kind == "EMAHook" and interval > 1:
        momentum = hook.get("momentum", 0.0002) ** interval
    new: dict[str, Any] = {"type": "EMAHook", "ema_type": _EMA[kind], "momentum": momentum}
    if kind == "ExpMomentumEMAHook":
        new["update_buffers"] = True
        if "total_iter" in hook:
            new["gamma"] = Ref((*path, "total_iter"))
    for key in ("interval", "priority"):
        if key in hook:
            new[key] = Ref((*path, key))
    return new
