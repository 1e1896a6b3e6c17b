"""The runtime of MMEngine 0.10.7: runs made of loops. A module of MMEngine has its namesake here.

So have the names that MMEngine's package itself offers; importing this one alone imports nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmbridge.runners.loop.config import Config, ConfigDict, DictAction
    from mmbridge.runners.loop.logging import HistoryBuffer, MessageHub, MMLogger, print_log
    from mmbridge.runners.loop.registry import (
        DATA_SAMPLERS,
        DATASETS,
        EVALUATOR,
        FUNCTIONS,
        HOOKS,
        INFERENCERS,
        LOG_PROCESSORS,
        LOOPS,
        METRICS,
        MODEL_WRAPPERS,
        MODELS,
        OPTIM_WRAPPER_CONSTRUCTORS,
        OPTIM_WRAPPERS,
        OPTIMIZERS,
        PARAM_SCHEDULERS,
        RUNNER_CONSTRUCTORS,
        RUNNERS,
        TASK_UTILS,
        TRANSFORMS,
        VISBACKENDS,
        VISUALIZERS,
        WEIGHT_INITIALIZERS,
        DefaultScope,
        Registry,
        build_from_cfg,
        build_model_from_cfg,
        build_runner_from_cfg,
        build_scheduler_from_cfg,
        init_default_scope,
    )

__all__ = [
    "DATASETS",
    "DATA_SAMPLERS",
    "EVALUATOR",
    "FUNCTIONS",
    "HOOKS",
    "INFERENCERS",
    "LOG_PROCESSORS",
    "LOOPS",
    "METRICS",
    "MODELS",
    "MODEL_WRAPPERS",
    "OPTIMIZERS",
    "OPTIM_WRAPPERS",
    "OPTIM_WRAPPER_CONSTRUCTORS",
    "PARAM_SCHEDULERS",
    "RUNNERS",
    "RUNNER_CONSTRUCTORS",
    "TASK_UTILS",
    "TRANSFORMS",
    "VISBACKENDS",
    "VISUALIZERS",
    "WEIGHT_INITIALIZERS",
    "Config",
    "ConfigDict",
    "DefaultScope",
    "DictAction",
    "HistoryBuffer",
    "MMLogger",
    "MessageHub",
    "Registry",
    "build_from_cfg",
    "build_model_from_cfg",
    "build_runner_from_cfg",
    "build_scheduler_from_cfg",
    "init_default_scope",
    "print_log",
]

_PLACES = ("config", "logging", "registry")
"""The modules of the names above; the first ones are imported sooner."""


def __getattr__(name: str) -> Any:
    """Find one of these names in its module."""
    if name in __all__:
        for place in _PLACES:
            module = import_module(f"{__name__}.{place}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
