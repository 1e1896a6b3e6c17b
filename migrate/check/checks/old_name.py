"""Names of MMCV 1.x inside the parts of a config for MMEngine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mmbridge.migrate.check.origin import Keys
from mmbridge.migrate.check.rule import Finding, Scope, check, one_file
from mmbridge.migrate.check.subject import Subject

_LOADERS: Final = ("train_dataloader", "val_dataloader", "test_dataloader")
_IN_LOADERS: Final = {"samples_per_gpu": "batch_size", "workers_per_gpu": "num_workers"}
_IN_WRAPPER: Final = {"grad_clip": "clip_grad", "cumulative_iters": "accumulative_counts", "max_norm": "clip_grad"}
_IN_LOOP: Final = {"interval": "val_interval", "total_epochs": "max_epochs", "total_iters": "max_iters"}
_IN_SCHEDULER: Final = {"policy": "type, such as 'PolyLR'"}
_HOOKS: Final = {
    "TextLoggerHook": "LoggerHook",
    "TensorboardLoggerHook": "TensorboardVisBackend in visualizer",
    "WandbLoggerHook": "WandbVisBackend in visualizer",
    "MlflowLoggerHook": "MLflowVisBackend in visualizer",
    "EvalHook": "val_evaluator and train_cfg.val_interval",
    "DistEvalHook": "val_evaluator and train_cfg.val_interval",
    "OptimizerHook": "optim_wrapper",
    "Fp16OptimizerHook": "AmpOptimWrapper",
    "GradientCumulativeOptimizerHook": "optim_wrapper.accumulative_counts",
    "ExpMomentumEMAHook": "EMAHook with ema_type='ExpMomentumEMA'",
    "LinearMomentumEMAHook": "EMAHook",
}


@check(
    Scope.RUN,
    examples=[
        one_file(
            "train_dataloader = dict(samples_per_gpu=2, dataset=dict(type='D'), sampler=dict(type='DefaultSampler'))\n"
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12)\n"
            "optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01))\n",
            "train_dataloader = dict(batch_size=2, dataset=dict(type='D'), sampler=dict(type='DefaultSampler'))\n"
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12)\n"
            "optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01))\n",
        ),
        one_file(
            "default_hooks = dict(logger=dict(type='TextLoggerHook', interval=50))\n",
            "default_hooks = dict(logger=dict(type='LoggerHook', interval=50))\n",
        ),
        one_file(
            "param_scheduler = [dict(policy='poly', power=0.9)]\n",
            "param_scheduler = [dict(type='PolyLR', power=0.9, by_epoch=False)]\n",
        ),
    ],
)
def old_name(subject: Subject) -> Iterator[Finding]:
    """An argument or hook under its old name inside a dataloader, the optim_wrapper, a scheduler or the hooks.

    MMEngine refuses such an argument, and no longer has such a hook.
    """
    places: list[tuple[Keys, Mapping[str, str]]] = [((key,), _IN_LOADERS) for key in _LOADERS]
    places += [(("optim_wrapper",), _IN_WRAPPER), (("train_cfg",), _IN_LOOP)]
    places += [(("param_scheduler", index), _IN_SCHEDULER) for index in range(_count(subject.get("param_scheduler")))]
    places.append((("param_scheduler",), _IN_SCHEDULER))
    for keys, names in places:
        part = subject.get(*keys)
        for name in names.keys() & (part.keys() if isinstance(part, dict) else set()):
            sentence = f"{_dotted(keys)} has no argument {name!r}: that is its name in MMCV 1.x"
            yield Finding(subject.origin(*keys, name), sentence, f"write {names[name]}")
    yield from _hooks(subject)


def _hooks(subject: Subject) -> Iterator[Finding]:
    for top in ("default_hooks", "custom_hooks"):
        hooks = subject.get(top)
        items = hooks.items() if isinstance(hooks, dict) else enumerate(hooks) if isinstance(hooks, list) else ()
        for key, hook in items:
            kind = hook.get("type") if isinstance(hook, dict) else None
            instead = _instead(kind)
            if instead:
                sentence = f"{kind} is a hook of MMCV 1.x; MMEngine has none of this name"
                yield Finding(subject.origin(top, key, "type"), sentence, f"write {instead}")


def _instead(kind: Any) -> str:
    if isinstance(kind, str) and kind.endswith(("LrUpdaterHook", "MomentumUpdaterHook")):
        return "param_scheduler"
    return _HOOKS.get(kind, "") if isinstance(kind, str) else ""


def _count(value: Any) -> int:
    return len(value) if isinstance(value, (list, tuple)) else 0


def _dotted(keys: Keys) -> str:
    first, *rest = keys
    return str(first) + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in rest)
