"""Experiment trackers as places where a visualizer writes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from numbers import Number
from pathlib import Path
from typing import Any

from mmbridge.runners.hooks.mlflow import describe_run
from mmbridge.runners.hooks.tensorboard import summary_writer
from mmbridge.runners.hooks.tracker import package
from mmbridge.runners.hooks.wandb import open_wandb
from mmbridge.runners.loop.registry import VISBACKENDS
from mmbridge.runners.loop.visualization.vis_backend import BaseVisBackend, force_init_env

Suffixes = str | Sequence[str]


class NumberByNumber(BaseVisBackend):
    """A backend that has no call for several numbers at once."""

    @force_init_env
    def add_scalars(
        self, scalar_dict: Mapping[str, Any], step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        """Write the numbers. Raises ValueError if ``step`` is among them."""
        for name, value in without_step(scalar_dict).items():
            self.add_scalar(name, value, step)


@VISBACKENDS.register_module()
class TensorboardVisBackend(NumberByNumber):
    """Writes texts, images and numbers for TensorBoard below ``save_dir``."""

    _tensorboard: Any = None

    def _init_env(self) -> None:
        os.makedirs(self._save_dir, exist_ok=True)
        self._tensorboard = summary_writer(self._save_dir, type(self).__name__)

    @property
    @force_init_env
    def experiment(self) -> Any:
        """The ``SummaryWriter``."""
        return self._tensorboard

    @force_init_env
    def add_config(self, config: Any, **kwargs: Any) -> None:
        """Write the config as a text."""
        self._tensorboard.add_text("config", config.pretty_text)

    @force_init_env
    def add_image(self, name: str, image: Any, step: int = 0, **kwargs: Any) -> None:
        """Write an image."""
        self._tensorboard.add_image(name, image, step, dataformats="HWC")

    @force_init_env
    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Write a number; what is none is passed over, with a warning."""
        if isinstance(value, Number) or hasattr(value, "item"):
            self._tensorboard.add_scalar(name, value, step)
        else:
            warnings.warn(f"TensorBoard: {name} is no number but {type(value).__name__}, not written", stacklevel=2)

    def close(self) -> None:
        """Close the writer."""
        if self._tensorboard is not None:
            self._tensorboard.close()


@VISBACKENDS.register_module()
class WandbVisBackend(BaseVisBackend):
    """Logs to Weights & Biases. The step of a call is not passed on; wandb counts the calls itself.

    ``init_kwargs`` go to ``wandb.init``, ``watch_kwargs`` to ``wandb.watch``; ``define_metric_cfg`` maps metrics to
    their summary, or lists the arguments of ``define_metric``; ``log_code_name`` names the artifact of the code.
    """

    _wandb: Any = None

    def __init__(
        self,
        save_dir: str,
        init_kwargs: Mapping[str, Any] | None = None,
        define_metric_cfg: Mapping[str, str] | Sequence[Mapping[str, Any]] | None = None,
        commit: bool | None = True,
        log_code_name: str | None = None,
        watch_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(save_dir)
        self._init_kwargs = {"dir": save_dir, **(init_kwargs or {})}
        self._define_metric_cfg = define_metric_cfg
        self._commit = commit
        self._log_code_name = log_code_name
        self._watch_kwargs = dict(watch_kwargs or {})

    def _init_env(self) -> None:
        os.makedirs(self._save_dir, exist_ok=True)
        wandb = package("wandb", type(self).__name__)
        open_wandb(wandb, self._init_kwargs, self._define_metric_cfg)
        self._wandb = wandb

    @property
    @force_init_env
    def experiment(self) -> Any:
        """The module ``wandb``."""
        return self._wandb

    @force_init_env
    def add_config(self, config: Any, **kwargs: Any) -> None:
        """Record the config's values and the code."""
        allow = self._init_kwargs.get("allow_val_change", False)
        self._wandb.config.update(config.to_dict(), allow_val_change=allow)
        self._wandb.run.log_code(name=self._log_code_name)

    @force_init_env
    def add_graph(self, model: Any, data_batch: Any, **kwargs: Any) -> None:
        """Watch the model."""
        self._wandb.watch(model, **self._watch_kwargs)

    @force_init_env
    def add_image(self, name: str, image: Any, step: int = 0, **kwargs: Any) -> None:
        """Log an image."""
        self._wandb.log({name: self._wandb.Image(image)}, commit=self._commit)

    @force_init_env
    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Log a number."""
        self._wandb.log({name: value}, commit=self._commit)

    @force_init_env
    def add_scalars(
        self, scalar_dict: Mapping[str, Any], step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        """Log the numbers at once."""
        self._wandb.log(scalar_dict, commit=self._commit)

    def close(self) -> None:
        """Close the run."""
        if self._wandb is not None:
            self._wandb.finish()


@VISBACKENDS.register_module()
class MLflowVisBackend(BaseVisBackend):
    """Logs to MLflow: at ``tracking_uri``, or below ``save_dir``.

    ``tracked_config_keys`` are the keys of the config to log as parameters (default: all); after the run the files of
    the work_dir that end with ``artifact_suffix`` are uploaded.
    """

    _mlflow: Any = None

    def __init__(
        self,
        save_dir: str,
        exp_name: str | None = None,
        run_name: str | None = None,
        tags: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        tracking_uri: str | None = None,
        artifact_suffix: Suffixes = (".json", ".log", ".py", "yaml"),
        tracked_config_keys: Sequence[str] | None = None,
        artifact_location: str | None = None,
    ) -> None:
        super().__init__(save_dir)
        self._exp_name = exp_name or "Default"
        self._run_name = run_name
        self._tags = tags
        self._params = params
        self._tracking_uri = tracking_uri
        self._artifact_suffix = artifact_suffix
        self._tracked_config_keys = tracked_config_keys
        self._artifact_location = artifact_location
        self._work_dir: str | None = None

    def _init_env(self) -> None:
        os.makedirs(self._save_dir, exist_ok=True)
        mlflow = package("mlflow", type(self).__name__)
        mlflow.set_tracking_uri(self._tracking_uri or Path(self._save_dir).resolve().as_uri())
        if mlflow.get_experiment_by_name(self._exp_name) is None:
            mlflow.create_experiment(self._exp_name, artifact_location=self._artifact_location)
        mlflow.set_experiment(self._exp_name)
        if self._run_name is not None:
            mlflow.set_tag("mlflow.runName", self._run_name)
        describe_run(mlflow, self._tags, self._params)
        self._mlflow = mlflow

    @property
    @force_init_env
    def experiment(self) -> Any:
        """The module ``mlflow``."""
        return self._mlflow

    @force_init_env
    def add_config(self, config: Any, **kwargs: Any) -> None:
        """Log the config as parameters, ``a.b`` for nested keys, and as the file ``config.py``."""
        values = config.to_dict()
        keys = values if self._tracked_config_keys is None else self._tracked_config_keys
        self._work_dir = values.get("work_dir")
        self._mlflow.log_params(_flat({key: values[key] for key in keys}))
        self._mlflow.log_text(config.pretty_text, "config.py")

    @force_init_env
    def add_image(self, name: str, image: Any, step: int = 0, **kwargs: Any) -> None:
        """Log an image; its name must end with the suffix of an image format."""
        self._mlflow.log_image(image, name)

    @force_init_env
    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Log a number."""
        self._mlflow.log_metric(name, value, step)

    @force_init_env
    def add_scalars(
        self, scalar_dict: Mapping[str, Any], step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        """Log the numbers at once. Raises ValueError if ``step`` is among them."""
        self._mlflow.log_metrics(without_step(scalar_dict), step)

    def close(self) -> None:
        """Upload the files of the work_dir; close the run."""
        if self._mlflow is None:
            return
        for path in files_ending(self._work_dir, "**/*", self._artifact_suffix):
            folder = os.path.dirname(os.path.relpath(path, self._work_dir))
            self._mlflow.log_artifact(os.fspath(path), folder)
        self._mlflow.end_run()


def without_step(scalars: Mapping[str, Any]) -> Mapping[str, Any]:
    """``scalars``. Raises ValueError if ``step`` is among them."""
    if "step" in scalars:
        raise ValueError("'step' is no scalar of its own; pass it as the argument step")
    return scalars


def files_ending(folder: str | None, pattern: str, suffix: Suffixes) -> list[Path]:
    """The files of ``folder`` that match and end with a suffix, in order."""
    if folder is None:
        return []
    endings = suffix if isinstance(suffix, str) else tuple(suffix)
    return [path for path in sorted(Path(folder).glob(pattern)) if path.is_file() and path.name.endswith(endings)]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dicts, and dicts in lists, as one dict with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
            value = {str(index): entry for index, entry in enumerate(value)}
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
