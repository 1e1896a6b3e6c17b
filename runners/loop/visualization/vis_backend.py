"""Where a visualizer writes: what all places have in common, and the local disk."""

# ruff: noqa: B027 - a backend writes what it can, so the methods that do nothing are meant

from __future__ import annotations

import functools
import json
import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar

from mmbridge.runners.hooks.json_values import json_value
from mmbridge.runners.loop.registry import VISBACKENDS
from mmbridge.runners.loop.visualization.arguments import needed

_encode = json.JSONEncoder(default=json_value).encode
Method = TypeVar("Method", bound=Callable[..., Any])


def force_init_env(method: Method) -> Method:
    """Make the first call of any such method of a backend open it: ``_init_env`` runs before, once."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not self._env_initialized:
            self._init_env()
            self._env_initialized = True
        return method(self, *args, **kwargs)

    return call  # type: ignore[return-value]


class BaseVisBackend(ABC):
    """Base of what a :class:`~mmbridge.runners.loop.visualization.Visualizer` writes to; it opens on its first use.

    A backend writes what it can and ignores the rest. MMEngine 0.10.7, mmengine/visualization/vis_backend.py.
    """

    def __init__(self, save_dir: str) -> None:
        self._save_dir = save_dir
        self._env_initialized = False

    @property
    @abstractmethod
    def experiment(self) -> Any:
        """The client itself, for what this interface has no method for."""

    @abstractmethod
    def _init_env(self) -> Any:
        """Open the backend."""

    def add_config(self, config: Any, **kwargs: Any) -> None:
        """Write the config."""

    def add_graph(self, model: Any, data_batch: Any, **kwargs: Any) -> None:
        """Write the model's graph, as the batch goes through it."""

    def add_image(self, name: str, image: Any, step: int = 0, **kwargs: Any) -> None:
        """Write an RGB image, an array of height, width, 3 and type uint8."""

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Write one number."""

    def add_scalars(
        self, scalar_dict: Mapping[str, Any], step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        """Write several numbers, to ``file_path`` as well where the backend writes files."""

    def close(self) -> None:
        """Finish writing."""


@VISBACKENDS.register_module()
class LocalVisBackend(BaseVisBackend):
    """Writes files below ``save_dir``: the config, PNG images, and numbers as one JSON object per line.

    A line is in the file when the call returns.
    """

    def __init__(
        self,
        save_dir: str,
        img_save_dir: str = "vis_image",
        config_save_file: str = "config.py",
        scalar_save_file: str = "scalars.json",
    ) -> None:
        super().__init__(save_dir)
        for name, file, suffix in (
            ("config_save_file", config_save_file, ".py"),
            ("scalar_save_file", scalar_save_file, ".json"),
        ):
            if not file.endswith(suffix):
                raise ValueError(f"LocalVisBackend: {name} must end with {suffix}, found {file!r}")
        self._img_save_dir = img_save_dir
        self._config_save_file = config_save_file
        self._scalar_save_file = scalar_save_file
        self._files: dict[str, FileIO] = {}
        weakref.finalize(self, _close, self._files)

    def _init_env(self) -> None:
        os.makedirs(self._save_dir, exist_ok=True)
        self._img_save_dir = os.path.join(self._save_dir, self._img_save_dir)
        self._config_save_file = os.path.join(self._save_dir, self._config_save_file)
        self._scalar_save_file = os.path.join(self._save_dir, self._scalar_save_file)

    @property
    @force_init_env
    def experiment(self) -> LocalVisBackend:
        """This object."""
        return self

    @force_init_env
    def add_config(self, config: Any, **kwargs: Any) -> None:
        """Write the config as Python text."""
        Path(self._config_save_file).write_text(config.pretty_text, "utf-8")

    @force_init_env
    def add_image(self, name: str, image: Any, step: int = 0, **kwargs: Any) -> None:
        """Write ``<name>_<step>.png``. Raises ValueError for an array that is no uint8."""
        if str(image.dtype) != "uint8":
            raise ValueError(f"image {name!r}: an image is an array of uint8, found {image.dtype}")
        path = Path(self._img_save_dir, f"{name}_{step}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        needed("PIL.Image", "LocalVisBackend.add_image").fromarray(image).save(path)

    @force_init_env
    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Append ``{name: value, "step": step}`` to the scalar file."""
        value = value.item() if hasattr(value, "item") else value
        self._file(self._scalar_save_file).write(_row({name: value, "step": step}))

    @force_init_env
    def add_scalars(
        self, scalar_dict: Mapping[str, Any], step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        """Append the numbers and the step to the scalar file, and to ``file_path`` (``.json``, below ``save_dir``).

        A ``step`` among the numbers wins. Raises ValueError where the two files are one.
        """
        line = _row({**scalar_dict, "step": scalar_dict.get("step", step)})
        if file_path is not None:
            self._file(file_path).write(line)
        self._file(self._scalar_save_file).write(line)

    def _file(self, name: str) -> FileIO:
        """The file of numbers of that name, open to append whole lines at once; ValueError for a wrong name."""
        if name not in self._files:
            own = self._scalar_save_file
            path = name if name == own else os.path.join(self._save_dir, name)
            if name != own and (not name.endswith(".json") or path == own):
                raise ValueError(f"file_path must end with .json and be another file than {own}, found {name!r}")
            self._files[name] = open(path, "ab", 0)  # noqa: SIM115 - closed by close()
        return self._files[name]

    def close(self) -> None:
        """Close the files; writing again opens them again."""
        _close(self._files)


def _row(numbers: Mapping[str, Any]) -> bytes:
    return f"{_encode(numbers)}\n".encode()


def _close(files: dict[str, FileIO]) -> None:
    for file in files.values():
        file.close()
    files.clear()
