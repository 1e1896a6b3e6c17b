"""``optimizer``, ``optimizer_config`` and ``fp16`` become ``optim_wrapper``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmbridge.migrate.edit import Drop, Edit, Move, Put, Ref, Todo
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.view import View

_FP16_HOOKS = ("Fp16OptimizerHook", "GradientCumulativeFp16OptimizerHook")
_HOOKS = ("OptimizerHook", "DistOptimizerHook", "GradientCumulativeOptimizerHook", *_FP16_HOOKS)
_VANISHED = {
    "coalesce": "DistributedDataParallel reduces gradients itself",
    "bucket_size_mb": "DistributedDataParallel reduces gradients itself",
    "distributed": "DistributedDataParallel reduces gradients itself",
}


@rule(
    reads=("optimizer", "optimizer_config", "fp16"),
    writes=("optim_wrapper", "model_wrapper_cfg"),
    examples=[
        Example(
            old="optimizer = dict(type='SGD', lr=0.02, momentum=0.9)  # 8 GPUs\n"
            "optimizer_config = dict(grad_clip=dict(max_norm=35, norm_type=2))\n",
            new="optim_wrapper = dict(\n"
            "    type='OptimWrapper',\n"
            "    optimizer=dict(type='SGD', lr=0.02, momentum=0.9),  # 8 GPUs\n"
            "    clip_grad=dict(max_norm=35, norm_type=2))\n",
        ),
        Example(
            old="optimizer = dict(type='AdamW', lr=1e-4, paramwise_cfg=dict(norm_decay_mult=0.0))\n"
            "optimizer_config = dict(grad_clip=None)\nfp16 = dict()\n",
            new="optim_wrapper = dict(\n"
            "    type='AmpOptimWrapper',\n"
            "    loss_scale=512.0,\n"
            "    optimizer=dict(type='AdamW', lr=1e-4),\n"
            "    paramwise_cfg=dict(norm_decay_mult=0.0))\n",
        ),
        Example(
            old="paramwise_cfg = dict(norm_decay_mult=0.0)\n",
            new="paramwise_cfg = dict(norm_decay_mult=0.0)\n",
        ),
    ],
)
def optim_wrapper(view: View) -> Iterator[Edit]:
    """The optimizer moves into a wrapper, next to clipping, accumulation, mixed precision and its constructor.

    `fp16=dict()` means a static loss scale of 512 in MMCV and a dynamic one in MMEngine, so 512 is written.
    A typed Fp16 hook in `optimizer_config` decides over `fp16`.
    """
    optimizer = view.get("optimizer")
    if view.has("optimizer") and not _single(optimizer):
        yield Todo(("optimizer",), "several optimizers need a constructor of your own; see OptimWrapperDict.")
        return
    hook = view.get("optimizer_config")
    if view.has("optimizer_config") and hook is None:
        yield Todo(("optimizer_config",), "the model stepped its optimizer itself: move that into its train_step.")
    kind = hook.get("type", "OptimizerHook") if isinstance(hook, dict) else "OptimizerHook"
    half = kind in _FP16_HOOKS or view.get("fp16") is not None
    yield Put(("optim_wrapper", "type"), "AmpOptimWrapper" if half else "OptimWrapper")
    if optimizer is not None:
        yield from _constructor(optimizer)
        yield Move(("optimizer",), ("optim_wrapper", "optimizer"))
    if isinstance(hook, dict):
        yield from _hook(view, hook, kind)
    if view.has("optimizer_config"):
        yield Drop(("optimizer_config",), "its settings moved into optim_wrapper")
    yield from _loss_scale(view, kind)


def _single(optimizer: Any) -> bool:
    return isinstance(optimizer, dict) and (
        "type" in optimizer or not any(isinstance(v, dict) for v in optimizer.values())
    )


def _constructor(optimizer: dict[str, Any]) -> Iterator[Edit]:
    if optimizer.get("paramwise_cfg"):
        yield Move(("optimizer", "paramwise_cfg"), ("optim_wrapper", "paramwise_cfg"))
    elif "paramwise_cfg" in optimizer:
        yield Drop(("optimizer", "paramwise_cfg"), "empty")
    if optimizer.get("constructor") == "DefaultOptimizerConstructor":
        yield Drop(("optimizer", "constructor"), "MMEngine's default constructor does the same")
    elif "constructor" in optimizer:
        yield Move(("optimizer", "constructor"), ("optim_wrapper", "constructor"))


def _hook(view: View, hook: dict[str, Any], kind: str) -> Iterator[Edit]:
    if kind not in _HOOKS:
        yield Todo(
            ("optimizer_config",),
            f"'{kind}' is not an MMCV hook: its part must become an optim wrapper of yours.",
        )
    if hook.get("grad_clip"):
        yield Move(("optimizer_config", "grad_clip"), ("optim_wrapper", "clip_grad"))
    for key in ("cumulative_iters", "update_interval"):
        if hook.get(key, 1) != 1:
            yield Move(("optimizer_config", key), ("optim_wrapper", "accumulative_counts"))
    if hook.get("detect_anomalous_params"):
        yield from _anomalous(view)
    known = {
        "type",
        "grad_clip",
        "cumulative_iters",
        "update_interval",
        "detect_anomalous_params",
        "loss_scale",
        *_VANISHED,
    }
    for key in hook:
        if key in _VANISHED:
            yield Drop(("optimizer_config", key), _VANISHED[key])
        elif key not in known and key != "_delete_" and kind in _HOOKS:
            yield Todo(("optimizer_config", key), "no optim wrapper takes this argument; it is left out.")


def _anomalous(view: View) -> Iterator[Edit]:
    wrapper: dict[str, Any] = {"type": "MMDistributedDataParallel", "detect_anomalous_params": True}
    if view.has("find_unused_parameters"):  # not read any more once model_wrapper_cfg is set
        wrapper["find_unused_parameters"] = Ref(("find_unused_parameters",))
        yield Drop(("find_unused_parameters",), "moved into model_wrapper_cfg")
    yield Put(("model_wrapper_cfg",), wrapper)


def _loss_scale(view: View, kind: str) -> Iterator[Edit]:
    fp16, hook = view.get("fp16"), view.get("optimizer_config")
    source = "optimizer_config" if kind in _FP16_HOOKS else "fp16" if fp16 is not None else None
    if source is not None:
        settings = hook if source == "optimizer_config" else fp16
        if isinstance(settings, dict) and "loss_scale" in settings:
            yield Move((source, "loss_scale"), ("optim_wrapper", "loss_scale"))
        else:
            yield Put(("optim_wrapper", "loss_scale"), 512.0)  # Fp16OptimizerHook's default, static
    if view.has("fp16"):
        yield Drop(
            ("fp16",),
            "the typed hook in optimizer_config decides"
            if source == "optimizer_config"
            else "the wrapper's type says it",
        )
