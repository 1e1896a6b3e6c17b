"""Experiment trackers as places where a visualizer writes: Aim, ClearML, DVCLive, Neptune."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mmbridge.runners.hooks.tracker import package
from mmbridge.runners.loop.registry import VISBACKENDS
from mmbridge.runners.loop.visualization.trackers import NumberByNumber, Suffixes, files_ending
from mmbridge.runners.loop.visualization.vis_backend import force_init_env


class OfARun(NumberByNumber):
    """What they have in common: ``init_kwargs`` open a run of the client."""

    _run: Any = None

    def __init__(self, save_dir: str | None = None, init_kwargs: Mapping[str, Any] | None = None) -> None:
        super().__init__(save_dir or "")
        self._init_kwargs = init_kwargs

    @property
    @force_init_env
    def experiment(self) -> Any:
        """The client's object for the run."""
        return self._run


@VISBACKENDS.register_module()
class ClearMLVisBackend(OfARun):
    """Reports to a task of ClearML, each number as a plot of its own.

    After the run the files right in the work_dir that end with ``artifact_suffix`` are uploaded.
    """

    _clearml: Any = None
    _work_dir: str | None = None

    def __init__(
        self,
        save_dir: str | None = None,
        init_kwargs: Mapping[str, Any] | None = None,
        artifact_suffix: Suffixes = (".py", ".pth"),
    ) -> None:
        super().__init__(save_dir, init_kwargs)
        self._artifact_suffix = artifact_suffix

    def _init_env(self) -> None:
        self._clearml = package("clearml", type(self).__name__)
        self._run = self._clearml.Task.init(**(self._init_kwargs or {}))
        self._logger = self._run.get_logger()

    @property
    @force_init_env
    def experiment(self) -> Any:
        """The module ``clearml``."""
        return self._clearml

    @force_init_env
    def add_config(self, config: Any, **kwargs: Any) -> None:
        """Connect the config."""
        self._work_dir = config.get("work_dir")
        self._run.connect_configuration(config.to_dict())

    @force_init_env
    def add_image(self, name: str, image: Any, step: int = 0, **kwargs: Any) -> None:
        """Report an image."""
        self._logger.report_image(title=name, series=name, iteration=step, image=image)

    @force_init_env
    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Report a number."""
        self._logger.report_scalar(title=name, series=name, value=value, iteration=step)

    def close(self) -> None:
        """Upload the files; close the task."""
        if self._run is not None:
            for path in files_ending(self._work_dir, "*", self._artifact_suffix):
                self._run.upload_artifact(path.name, os.fspath(path))
            self._run.close()


@VISBACKENDS.register_module()
class NeptuneVisBackend(OfARun):
    """Logs to a run of Neptune, without ``init_kwargs`` one that is offline."""

    def _init_env(self) -> None:
        kwargs = {"mode": "offline"} if self._init_kwargs is None else self._init_kwargs
        self._run = package("neptune", type(self).__name__).init_run(**kwargs)

    def _file(self) -> Any:
        return package("neptune.types", type(self).__name__).File

    @force_init_env
    def add_config(self, config: Any, **kwargs: Any) -> None:
        """Upload the config as a text."""
        self._run["config"].upload(self._file().from_content(config.pretty_text))

    @force_init_env
    def add_image(self, name: str, image: Any, step: int = 0, **kwargs: Any) -> None:
        """Append an image to ``images``."""
        file = self._file().as_image(image.astype("float32") / 255.0)
        self._run["images"].append(file, name=name, step=step)

    @force_init_env
    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Append a number to the field of its name."""
        self._run[name].append(value, step=step)

    def close(self) -> None:
        """Stop the run."""
        if self._run is not None:
            self._run.stop()


@VISBACKENDS.register_module()
class DVCLiveVisBackend(OfARun):
    """Logs to DVCLive, below ``save_dir`` unless ``init_kwargs`` say otherwise.

    After the run the files below ``save_dir`` that end with ``artifact_suffix`` are logged as artifacts.
    """

    def __init__(
        self,
        save_dir: str,
        artifact_suffix: Suffixes = (".json", ".py", "yaml"),
        init_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(save_dir, init_kwargs)
        self._artifact_suffix = artifact_suffix

    def _init_env(self) -> None:
        options = {"dir": self._save_dir, "save_dvc_exp": True, "cache_images": True, **(self._init_kwargs or {})}
        self._run = package("dvclive", type(self).__name__).Live(**options)

    @force_init_env
    def add_config(self, config: Any, **kwargs: Any) -> None:
        """Log the config as parameters."""
        self._run.log_params(_parameters(config.to_dict()))

    @force_init_env
    def add_image(self, name: str, image: Any, step: int = 0, **kwargs: Any) -> None:
        """Log an image as ``<name>.png``."""
        self._run.log_image(f"{name}.png", image)

    @force_init_env
    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Log a number."""
        self._run.step = step
        self._run.log_metric(name, value.item() if hasattr(value, "item") else value)

    def close(self) -> None:
        """Log the files; end the log."""
        if self._run is not None:
            for path in files_ending(self._save_dir, "**/*", self._artifact_suffix):
                self._run.log_artifact(os.fspath(path))
            self._run.end()


@VISBACKENDS.register_module()
class AimVisBackend(OfARun):
    """Logs to a run of Aim; its experiment is named by the last two folders of ``save_dir``, or by the time."""

    def _init_env(self) -> None:
        folders = Path(self._save_dir).parts[-2:]
        name = "_".join(folders) if self._save_dir else datetime.now().strftime("%Y%m%d_%H%M%S")
        self._run = package("aim", type(self).__name__).Run(**{"experiment": name, **(self._init_kwargs or {})})

    @force_init_env
    def add_config(self, config: Any, **kwargs: Any) -> None:
        """Keep the config as the run's ``hparams``."""
        self._run["hparams"] = config.to_dict() if hasattr(config, "to_dict") else config

    @force_init_env
    def add_image(self, name: str, image: Any, step: int = 0, **kwargs: Any) -> None:
        """Track an image."""
        self._run.track(name=name, value=package("aim", type(self).__name__).Image(image), step=step)

    @force_init_env
    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Track a number."""
        self._run.track(name=name, value=value, step=step)

    def close(self) -> None:
        """Close the run."""
        if self._run is not None:
            self._run.close()


def _parameters(value: Any) -> Any:
    """``value`` of numbers, texts, lists and dicts."""
    if isinstance(value, Mapping):
        return {key: _parameters(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_parameters(entry) for entry in value]
    return value.tolist() if hasattr(value, "tolist") else value
