"""``optimizer``, ``optimizer_config`` and ``fp16`` become ``optim_wrapper``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmbridge.compat.config.merge import DELETE_KEY
from mmbridge.migrate.edit import Drop, Edit, Hint, Move, Put, Ref, Todo
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.rules.undecided import beside, undecided
from mmbridge.migrate.view import View

_SOURCES = ("optimizer", "optimizers", "optimizer_config", "fp16")
_DECIDING = (
    *((key,) for key in _SOURCES),
    *(("optimizer", key) for key in ("type", "paramwise_cfg", "constructor")),
    *(("optimizer_config", key) for key in ("type", "grad_clip", "cumulative_iters", "update_interval")),
    ("optimizer_config", "detect_anomalous_params"),
)
_CONSTRUCTOR = "DefaultOptimizerConstructor"
_ACCUMULATE = ("cumulative_iters", "update_interval")
_FP16_HOOKS = ("Fp16OptimizerHook", "GradientCumulativeFp16OptimizerHook")
_HOOKS = ("OptimizerHook", "DistOptimizerHook", "GradientCumulativeOptimizerHook", *_FP16_HOOKS)
_VANISHED = {
    "coalesce": "DistributedDataParallel reduces gradients itself",
    "bucket_size_mb": "DistributedDataParallel reduces gradients itself",
    "distributed": "DistributedDataParallel reduces gradients itself",
}


@rule(
    reads=(*_SOURCES, "find_unused_parameters"),
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
            old="optimizer = dict(type='SGD', lr=0.1, weight_decay=1e-4, paramwise_cfg=dict(bias_decay_mult=0.0))\n",
            new="optim_wrapper = dict(\n"
            "    type='OptimWrapper',\n"
            "    optimizer=dict(type='SGD', lr=0.1, weight_decay=1e-4),\n"
            "    paramwise_cfg=dict(bias_decay_mult=0.0, norm_decay_mult=1.0))\n",
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
    A typed Fp16 hook in `optimizer_config` decides over `fp16`. `norm_decay_mult=1.0` is written where MMEngine would
    decay biases of norms otherwise than MMCV.
    """
    optimizer, hook, fp16 = view.get("optimizer"), view.get("optimizer_config"), view.get("fp16")
    unknown = [*undecided(view, *_DECIDING)]
    if unknown or not any(view.has(key) for key in _SOURCES):
        yield from unknown
        yield from beside(view, unknown, _SOURCES)
        return
    if view.has("optimizers") or (view.has("optimizer") and not _single(optimizer)):
        yield from _several(view)
        return
    kind = hook.get("type", "OptimizerHook") if isinstance(hook, dict) else "OptimizerHook"
    half = kind in _FP16_HOOKS or fp16 is not None
    yield Put(("optim_wrapper", "type"), "AmpOptimWrapper" if half else "OptimWrapper")
    if isinstance(optimizer, dict):
        yield from _constructor(optimizer)
        yield Move(("optimizer",), ("optim_wrapper", "optimizer"))
    elif view.has("optimizer"):
        yield Drop(("optimizer",), "None is no optimizer")
    if isinstance(hook, dict):
        yield from _hook(view, hook, kind)
        yield Drop(("optimizer_config",), "its settings moved into optim_wrapper")
    elif view.has("optimizer_config"):
        yield Todo(("optimizer_config",), "the model stepped its optimizer itself: move that into its train_step.")
        yield Drop(("optimizer_config",), "None has no settings")
    yield from _loss_scale(view, kind)


def _several(view: View) -> Iterator[Edit]:
    """Several optimizers are built by a constructor of the library's or the user's own: everything stays."""
    key = "optimizers" if view.has("optimizers") else "optimizer"
    yield Todo(
        (key,),
        "several optimizers need an optim wrapper constructor, such as the MultiOptimWrapperConstructor of MMagic "
        "and of mmbridge's loop runtime; see MMEngine's OptimWrapperDict.",
    )
    for part in ("optimizer_config", "fp16"):
        if view.get(part):
            yield Todo((part,), "belongs into each of the optim wrappers.")
        elif view.has(part):
            yield Drop((part,), "empty")


def _single(optimizer: Any) -> bool:
    return optimizer is None or (
        isinstance(optimizer, dict)
        and ("type" in optimizer or not any(isinstance(v, dict) and "type" in v for v in optimizer.values()))
    )


def _constructor(optimizer: dict[str, Any]) -> Iterator[Edit]:
    if optimizer.get("paramwise_cfg"):
        yield Move(("optimizer", "paramwise_cfg"), ("optim_wrapper", "paramwise_cfg"))
        yield from _decay_of_biases(optimizer)
    elif "paramwise_cfg" in optimizer:
        yield Drop(("optimizer", "paramwise_cfg"), "empty")
    if optimizer.get("constructor") == _CONSTRUCTOR:
        yield Drop(("optimizer", "constructor"), "MMEngine's default constructor does the same")
    elif "constructor" in optimizer:
        yield Move(("optimizer", "constructor"), ("optim_wrapper", "constructor"))
        yield Hint(
            ("optimizer", "constructor"),
            f"MMEngine gives {optimizer['constructor']!r} an optim_wrapper_cfg, whose 'optimizer' is the old config, "
            "and wants an OptimWrapper back; mmbridge's loop runtime takes one written for MMCV as it is.",
        )


def _decay_of_biases(optimizer: dict[str, Any]) -> Iterator[Edit]:
    """MMCV decays biases of norms and of depthwise convolutions by those layers' multipliers, which are 1 by default.

    MMEngine decays them by ``bias_decay_mult``: of norms where ``norm_decay_mult`` is not given, of depthwise
    convolutions always. MMCV 1.7.2, mmcv/runner/optimizer/default_constructor.py; MMEngine 0.10.7,
    mmengine/optim/optimizer/default_constructor.py.
    """
    given = optimizer["paramwise_cfg"]
    if optimizer.get("constructor", _CONSTRUCTOR) != _CONSTRUCTOR or not isinstance(given, dict):
        return
    biases, path = given.get("bias_decay_mult", 1), ("optimizer", "paramwise_cfg")
    if biases != 1 and "norm_decay_mult" not in given:
        yield Put(("optim_wrapper", "paramwise_cfg", "norm_decay_mult"), 1.0)
        yield Hint(
            path,
            "norm_decay_mult=1.0 keeps what MMCV did: MMEngine would decay biases of norms by bias_decay_mult, too.",
        )
    if biases != given.get("dwconv_decay_mult", 1) and "bias_decay_mult" in given:
        yield Hint(
            path,
            "MMEngine decays biases of depthwise convolutions by bias_decay_mult, MMCV by dwconv_decay_mult; "
            "if the model has such biases, name them in custom_keys.",
        )


def _hook(view: View, hook: dict[str, Any], kind: str) -> Iterator[Edit]:
    counts = next((key for key in _ACCUMULATE if hook.get(key, 1) != 1), None)
    for key in hook:
        path = ("optimizer_config", key)
        if key == "grad_clip":
            clips = bool(hook[key])
            yield Move(path, ("optim_wrapper", "clip_grad")) if clips else Drop(path, "no clipping is the default")
        elif key in _ACCUMULATE:
            reason = "1 is the default" if hook[key] == 1 else f"{counts} is set as well and wins"
            yield Drop(path, reason) if key != counts else Move(path, ("optim_wrapper", "accumulative_counts"))
        elif key == "detect_anomalous_params":
            yield from _anomalous(view) if hook[key] else [Drop(path, "off is the default")]
        elif key in _VANISHED:
            yield Drop(path, _VANISHED[key])
        elif key == "type" and kind in _HOOKS:
            yield Drop(path, "the wrapper's type says it")
        elif key == "type":
            yield Todo(path, f"'{kind}' is not an MMCV hook: its part must become an optim wrapper of yours.")
        elif key != DELETE_KEY and (key != "loss_scale" or kind not in _FP16_HOOKS):
            yield Todo(path, f"no optim wrapper takes this argument ({hook[key]!r}); it is left out.")


def _anomalous(view: View) -> Iterator[Edit]:
    wrapper: dict[str, Any] = {
        "type": "MMDistributedDataParallel",
        "detect_anomalous_params": Ref(("optimizer_config", "detect_anomalous_params")),
    }
    if view.has("find_unused_parameters"):  # not read any more once model_wrapper_cfg is set
        wrapper["find_unused_parameters"] = Ref(("find_unused_parameters",))
        yield Drop(("find_unused_parameters",), "moved into model_wrapper_cfg")
    yield Put(("model_wrapper_cfg",), wrapper)


def _loss_scale(view: View, kind: str) -> Iterator[Edit]:
    fp16 = view.get("fp16")
    source = "optimizer_config" if kind in _FP16_HOOKS else "fp16" if fp16 is not None else None
    if source is not None:
        if view.has(source, "loss_scale"):
            yield Move((source, "loss_scale"), ("optim_wrapper", "loss_scale"))
        else:
            yield Put(("optim_wrapper", "loss_scale"), 512.0)  # Fp16OptimizerHook's default, static
    if source == "fp16" and isinstance(fp16, dict):
        for key in fp16:
            if key in _VANISHED:
                yield Drop(("fp16", key), _VANISHED[key])
            elif key not in ("loss_scale", DELETE_KEY):
                yield Todo(("fp16", key), f"AmpOptimWrapper takes no such argument ({fp16[key]!r}); it is left out.")
    if view.has("fp16"):
        hook_decides = "the typed hook in optimizer_config decides"
        yield Drop(("fp16",), hook_decides if source == "optimizer_config" else "the wrapper's type says it")
