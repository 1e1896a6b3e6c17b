"""The root registries of the loop runtime: MMEngine 0.10.7's names, MMEngine's lookup rule.

What a config names under ``type`` is looked up here. A name that a project registered with MMCV 1.x's registry of
the same kind is found, too. The modules of the built-in classes are imported at the first lookup.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbridge.compat.registry import Registry as Registry
from mmbridge.compat.registry import build_from_cfg as build_from_cfg
from mmbridge.runners import registries as legacy
from mmbridge.runners.hooks.registry import HOOKS as LEGACY_HOOKS
from mmbridge.runners.loop.default_scope import DefaultScope as DefaultScope
from mmbridge.runners.loop.default_scope import init_default_scope as init_default_scope
from mmbridge.runners.optim.build import OPTIMIZER_BUILDERS
from mmbridge.runners.optim.build import OPTIMIZERS as LEGACY_OPTIMIZERS
from mmbridge.runners.parallel.wrappers import MODULE_WRAPPERS
from torch import nn

SCOPE = "mmengine"
"""The scope of the roots, so that names written for MMEngine, as ``mmengine.BN``, are found."""


def build_runner_from_cfg(cfg: Any, registry: Registry) -> Any:
    """The runner that a whole config describes: ``runner_type`` (default ``Runner``) by its ``from_cfg``.

    ``runner_type`` is a registered name or a class. Raises TypeError for anything else,
    :class:`~mmbridge.compat.registry.UnknownName` for a name nobody registered.
    """
    kind = cfg.get("runner_type", "Runner")
    if isinstance(kind, str):
        with registry.switch_scope_and_registry(cfg.get("_scope_")) as scoped:
            found = scoped.get(kind)
        if found is None:
            raise registry.unknown(kind)
        kind = found
    if not hasattr(kind, "from_cfg"):
        raise TypeError(f"runner_type must be a registered name or a class with from_cfg, found {kind!r}")
    return kind.from_cfg(cfg)


def build_model_from_cfg(
    cfg: Mapping[str, Any] | list[Mapping[str, Any]], registry: Registry, default_args: Mapping[str, Any] | None = None
) -> nn.Module:
    """The model that ``cfg`` describes; a list of them makes a ``Sequential``."""
    if isinstance(cfg, list):
        from mmbridge.runners.loop.model import Sequential

        return Sequential(*(build_from_cfg(each, registry, default_args) for each in cfg))
    model: nn.Module = build_from_cfg(cfg, registry, default_args)
    return model


def build_scheduler_from_cfg(
    cfg: Mapping[str, Any], registry: Registry, default_args: Mapping[str, Any] | None = None
) -> Any:
    """The scheduler that ``cfg`` describes; ``epoch_length`` (iterations) only matters to one that is converted.

    With ``convert_to_iter_based=True``, which needs ``by_epoch=True`` and ``epoch_length`` (ValueError otherwise),
    the class's ``build_iter_from_epoch`` makes it step by iteration.
    """
    arguments = {**(default_args or {}), **cfg}
    epoch_length = arguments.pop("epoch_length", None)
    if not arguments.pop("convert_to_iter_based", False):
        return build_from_cfg(arguments, registry)
    if not arguments.get("by_epoch", True):
        raise ValueError(
            f"param_scheduler {arguments.get('type')!r}: convert_to_iter_based=True needs by_epoch=True; "
            "it counts iterations already, so leave convert_to_iter_based out"
        )
    if epoch_length is None:
        raise ValueError(
            f"param_scheduler {arguments.get('type')!r}: convert_to_iter_based=True needs epoch_length, "
            "the number of iterations of an epoch; the runner takes it from train_dataloader"
        )
    kind = arguments.pop("type", None)
    with registry.switch_scope_and_registry(arguments.pop("_scope_", None)) as scoped:
        found: Any = scoped.get(kind) if isinstance(kind, str) else kind
        if found is None:
            raise scoped.unknown(str(kind))
        return found.build_iter_from_epoch(**arguments, epoch_length=epoch_length)


def _root(name: str, *locations: str, build_func: Any = None) -> Registry:
    places = [f"mmbridge.runners.loop.{place}" for place in locations]
    return Registry(name, build_func=build_func, scope=SCOPE, locations=places)


RUNNERS = _root("runner", "runner", build_func=build_runner_from_cfg)
RUNNER_CONSTRUCTORS = _root("runner constructor")
LOOPS = _root("loop", "runner")
HOOKS = _root("hook", "hooks")
DATASETS = _root("dataset", "dataset")
DATA_SAMPLERS = _root("data sampler", "dataset")
TRANSFORMS = _root("transform", "dataset")
MODELS = _root("model", "model", build_func=build_model_from_cfg)
MODEL_WRAPPERS = _root("model_wrapper", "model")
WEIGHT_INITIALIZERS = _root("weight initializer", "model")
OPTIMIZERS = _root("optimizer", "optim")
OPTIM_WRAPPERS = _root("optim_wrapper", "optim")
OPTIM_WRAPPER_CONSTRUCTORS = _root("optimizer wrapper constructor", "optim")
PARAM_SCHEDULERS = _root("parameter scheduler", "scheduler", build_func=build_scheduler_from_cfg)
METRICS = _root("metric", "evaluator")
EVALUATOR = _root("evaluator", "evaluator")
TASK_UTILS = _root("task util")
VISUALIZERS = _root("visualizer", "visualization")
VISBACKENDS = _root("vis_backend", "visualization")
LOG_PROCESSORS = _root("log_processor", "runner")
FUNCTIONS = _root("function", "dataset")
INFERENCERS = _root("inferencer")

HOOKS.share(LEGACY_HOOKS)
MODELS.share(legacy.MODELS)
MODEL_WRAPPERS.share(MODULE_WRAPPERS)
DATASETS.share(legacy.DATASETS)
OPTIMIZERS.share(LEGACY_OPTIMIZERS)
OPTIM_WRAPPER_CONSTRUCTORS.share(OPTIMIZER_BUILDERS)
