"""What a Runner builds from configs; every method takes the thing itself, too, and returns it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmbridge.compat.errors import ConfigError
from mmbridge.compat.registry import MissingKey, nearest
from mmbridge.runners.blame import WrongSetting, blaming
from mmbridge.runners.loop.evaluator import Evaluator
from mmbridge.runners.loop.legacy_parts import adapt_model
from mmbridge.runners.loop.optim import OptimWrapper, OptimWrapperDict, build_optim_wrapper
from mmbridge.runners.loop.registry import (
    EVALUATOR,
    LOG_PROCESSORS,
    LOOPS,
    MODELS,
    OPTIM_WRAPPERS,
    PARAM_SCHEDULERS,
    VISUALIZERS,
)
from mmbridge.runners.loop.runner.base_loop import BaseLoop
from mmbridge.runners.loop.runner.evaluation_loops import TestLoop, ValLoop
from mmbridge.runners.loop.runner.loaders import build_dataloader, copied
from mmbridge.runners.loop.runner.log_processor import LogProcessor
from mmbridge.runners.loop.runner.sections import is_scheduler
from mmbridge.runners.loop.runner.state import RunnerState
from mmbridge.runners.loop.runner.train_loops import EpochBasedTrainLoop, IterBasedTrainLoop
from mmbridge.runners.loop.runner.wrapping import wrap_model
from mmbridge.runners.loop.visualization import Visualizer
from torch import nn
from torch.optim import Optimizer


class Building(RunnerState):
    """The ``build_*`` methods, with MMEngine's names. Override one to build that thing differently."""

    build_dataloader = staticmethod(build_dataloader)

    @blaming("model")
    def build_model(self, model: nn.Module | Mapping[str, Any]) -> nn.Module:
        """The model; one of MMCV 1.x is put into an adapter that speaks this runtime's ``train_step``."""
        if isinstance(model, (Mapping, list)):
            model = MODELS.build(copied(model))
        if not isinstance(model, nn.Module):
            raise WrongSetting(f"model: must be an nn.Module or a dict with 'type', found {model!r}")
        return adapt_model(model)

    @blaming("model_wrapper_cfg")
    def wrap_model(self, model_wrapper_cfg: Mapping[str, Any] | None, model: nn.Module) -> nn.Module:
        """The model on its device and, in several processes, in a wrapper that averages gradients."""
        return wrap_model(model, model_wrapper_cfg, self.cfg, self.distributed, self.logger)

    @blaming("visualizer")
    def build_visualizer(self, visualizer: Any = None) -> Any:
        """The visualizer; without settings one that writes to the log directory."""
        if visualizer is None:
            visualizer = {"vis_backends": [{"type": "LocalVisBackend"}]}
        if not isinstance(visualizer, Mapping):
            return _checked(visualizer, Visualizer, "visualizer")
        defaults = {"type": "Visualizer", "name": self.experiment_name, "save_dir": self.log_dir}
        return VISUALIZERS.build({**defaults, **copied(visualizer)})

    @blaming("log_processor")
    def build_log_processor(self, log_processor: Any) -> Any:
        """What turns logged values into lines; None means the default one."""
        if not isinstance(log_processor, Mapping) and log_processor is not None:
            return _checked(log_processor, LogProcessor, "log_processor")
        return LOG_PROCESSORS.build({"type": "LogProcessor", **copied(log_processor or {})})

    @blaming("optim_wrapper")
    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        """The optimizer in its wrapper: of a dict with ``optimizer``, or one of wrappers by name.

        ``constructor`` names the class that gives every parameter its group.
        """
        if isinstance(optim_wrapper, (OptimWrapper, OptimWrapperDict)):
            return self._heard(optim_wrapper)
        if not isinstance(optim_wrapper, Mapping):
            raise WrongSetting(
                f"optim_wrapper: must be an OptimWrapper or a dict, such as "
                f"dict(optimizer=dict(type='SGD', lr=0.01)), found {type(optim_wrapper).__name__}"
            )
        settings = copied(optim_wrapper)
        optimizer = settings.get("optimizer")
        if isinstance(optimizer, Optimizer):
            return self._heard(OPTIM_WRAPPERS.build({"type": "OptimWrapper", **settings}))
        if optimizer is not None or "constructor" in settings:
            return self._heard(build_optim_wrapper(self.bare_model, settings))
        wrong = [name for name, each in settings.items() if not isinstance(each, OptimWrapper)]
        if wrong:
            close = nearest("optimizer", [name for name in wrong if name != "optimizer"])
            hint = f"; did you mean 'optimizer' by {close[0]!r}?" if close else ""
            raise ConfigError(
                "optim_wrapper: has no key 'optimizer' (a dict with 'type', or a torch optimizer), and without it "
                f"every value must be an OptimWrapper; {wrong[0]!r} is a {type(settings[wrong[0]]).__name__}{hint}"
            )
        return self._heard(OptimWrapperDict(**settings))

    def _heard(self, wrapper: Any) -> Any:
        for each in wrapper.values() if isinstance(wrapper, OptimWrapperDict) else [wrapper]:
            each.message_hub = self.message_hub
        return wrapper

    @blaming("param_scheduler")
    def build_param_scheduler(self, scheduler: Any) -> list[Any] | dict[str, list[Any]]:
        """The schedulers: a list, or with several optimizers a list for each of their names.

        A scheduler without ``end`` lasts as long as the training loop, if that is built already.
        """
        if not isinstance(self.optim_wrapper, OptimWrapper):  # of which an OptimWrapperDict is one, too
            raise WrongSetting(
                "param_scheduler: schedulers start from the rates of an optimizer, which is not built yet; call "
                "build_optim_wrapper before, and resume with resume_optimizer=True where training has not begun"
            )
        if not isinstance(self.optim_wrapper, OptimWrapperDict):
            return self._schedulers(scheduler, self.optim_wrapper)
        found = {}
        for name, wrapper in self.optim_wrapper.items():
            own = scheduler
            if isinstance(scheduler, Mapping) and "type" not in scheduler:
                if name not in scheduler:
                    raise MissingKey(f"param_scheduler: has nothing for the optimizer {name!r}, only {list(scheduler)}")
                own = scheduler[name]
            found[name] = self._schedulers(own, wrapper)
        return found

    def _schedulers(self, scheduler: Any, wrapper: OptimWrapper) -> list[Any]:
        each = scheduler if isinstance(scheduler, Sequence) else [scheduler]
        return [one if is_scheduler(one) else self._scheduler(one, wrapper) for one in each]

    def _scheduler(self, settings: Any, wrapper: OptimWrapper) -> Any:
        if not isinstance(settings, Mapping):
            raise WrongSetting(f"param_scheduler: must be a scheduler or a dict with 'type', found {settings!r}")
        settings = copied(settings)
        if self._train_loop is not None:
            settings.setdefault("end", self.max_epochs if settings.get("by_epoch", True) else self.max_iters)
        length = len(self.train_dataloader)
        return PARAM_SCHEDULERS.build(settings, default_args={"optimizer": wrapper, "epoch_length": length})

    def build_evaluator(self, evaluator: Any) -> Any:
        """The evaluator: of one metric's dict, a list of metrics, or a dict with ``metrics`` or an evaluator's type."""
        if isinstance(evaluator, Evaluator):
            return evaluator
        if isinstance(evaluator, Mapping):
            kind = evaluator.get("type")
            kind = EVALUATOR.get(kind) if isinstance(kind, str) else kind
            if "metrics" in evaluator or (isinstance(kind, type) and issubclass(kind, Evaluator)):
                return EVALUATOR.build({"type": "Evaluator", **copied(evaluator)})
            return Evaluator(copied(evaluator))
        if isinstance(evaluator, (list, tuple)):
            return Evaluator(copied(evaluator))
        raise WrongSetting(
            "an evaluator must be an Evaluator, a metric's dict or a list of metrics, "
            f"found {type(evaluator).__name__}; put a metric into a list"
        )

    @blaming("train_cfg")
    def build_train_loop(self, loop: Any) -> Any:
        """The training loop that ``train_cfg`` describes: by ``type``, else by ``by_epoch``."""
        if not isinstance(loop, Mapping):
            return _checked(loop, BaseLoop, "train_cfg")
        settings = copied(loop)
        if "type" in settings and "by_epoch" in settings:
            raise ConfigError("train_cfg: has both 'type' and 'by_epoch', which say the same; keep 'type'")
        if "type" not in settings:
            # In MMEngine's configs a max_iters alone is enough, a max_epochs alone is not.
            if "by_epoch" not in settings and "max_iters" not in settings:
                raise MissingKey(
                    "train_cfg: has neither 'type' nor 'by_epoch'; write dict(by_epoch=True, max_epochs=...) or "
                    f"dict(by_epoch=False, max_iters=...); found {settings!r}"
                )
            settings["type"] = EpochBasedTrainLoop if settings.pop("by_epoch", False) else IterBasedTrainLoop
        return LOOPS.build(settings, default_args={"runner": self, "dataloader": self._train_dataloader})

    @blaming("val_cfg")
    def build_val_loop(self, loop: Any) -> Any:
        """The validation loop that ``val_cfg`` describes, a ValLoop unless it has a ``type``."""
        parts = {"dataloader": self._val_dataloader, "evaluator": self._val_evaluator}
        return self._evaluation_loop(loop, "val_cfg", ValLoop, parts)

    @blaming("test_cfg")
    def build_test_loop(self, loop: Any) -> Any:
        """The test loop that ``test_cfg`` describes, a TestLoop unless it has a ``type``."""
        parts = {"dataloader": self._test_dataloader, "evaluator": self._test_evaluator}
        return self._evaluation_loop(loop, "test_cfg", TestLoop, parts)

    def _evaluation_loop(self, loop: Any, key: str, default: type, parts: Mapping[str, Any]) -> Any:
        if not isinstance(loop, Mapping):
            return _checked(loop, BaseLoop, key)
        return LOOPS.build({"type": default, **copied(loop)}, default_args={"runner": self, **parts})


def _checked(value: Any, kind: type, where: str) -> Any:
    if not isinstance(value, kind):
        raise WrongSetting(f"{where}: must be a {kind.__name__} or a dict, found {type(value).__name__}")
    return value
