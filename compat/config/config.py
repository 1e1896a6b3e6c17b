"""Config: the object that training code of both generations holds."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmbridge.compat.config.bounds import opaque_part
from mmbridge.compat.config.config_dict import ConfigDict, to_config, to_plain
from mmbridge.compat.config.execution import RunningReader
from mmbridge.compat.config.execution import import_custom_modules as import_listed
from mmbridge.compat.config.formats import EXTENSIONS
from mmbridge.compat.config.inherit import Reader
from mmbridge.compat.config.merge import merge_options
from mmbridge.compat.config.printing import to_python
from mmbridge.compat.config.values import Undecided
from mmbridge.compat.errors import ConfigError

RESERVED_KEYS = ("filename", "text", "pretty_text", "env_variables")


class Config:
    """A config's values with attribute and item access, where they came from, and how to write them.

    Raises TypeError if ``cfg_dict`` is no dict, ConfigError if it has a key of ``RESERVED_KEYS``. Of MMEngine's
    arguments ``format_python_code`` and ``keep_imported`` change nothing here.
    """

    _cfg_dict: ConfigDict
    _filename: str | None
    _text: str
    _env_variables: dict[str, str]

    def __init__(
        self,
        cfg_dict: Mapping[str, Any] | None = None,
        cfg_text: str | None = None,
        filename: str | Path | None = None,
        env_variables: Mapping[str, str] | None = None,
        format_python_code: bool = True,
    ) -> None:
        if cfg_dict is not None and not isinstance(cfg_dict, Mapping):
            raise TypeError(f"cfg_dict must be a dict, but got {type(cfg_dict)}")
        for key in cfg_dict or ():
            if key in RESERVED_KEYS:
                raise ConfigError(f"{filename or 'config'}: the key {key!r} is reserved; choose another name.")
        if cfg_text is None:
            cfg_text = Path(filename).read_text("utf-8") if filename else ""
        state = (ConfigDict(cfg_dict or {}), None if filename is None else str(filename), cfg_text)
        self.__setstate__((*state, dict(env_variables or {})))

    @classmethod
    def fromfile(
        cls,
        filename: str | Path,
        use_predefined_variables: bool = True,
        import_custom_modules: bool = True,
        use_environment_variables: bool = True,
        lazy_import: bool | None = None,
        format_python_code: bool = True,
        *,
        execute: bool = False,
    ) -> Config:
        """The config of a file with all its bases.

        Nothing is run unless ``execute`` is true: then Python files are really executed, environment
        variables are put in (``use_environment_variables``) and the modules of ``custom_imports`` are
        imported (``import_custom_modules``). Otherwise a value that only running can give is a ConfigError
        that says where it stands, and so is ``lazy_import=True``. Raises MissingFile where there is no file.
        """
        path = Path(filename).expanduser().absolute()
        if lazy_import:
            raise ConfigError(f"{path}: lazy_import=True is for MMEngine's pure Python style, which is not read here.")
        verbatim = () if use_predefined_variables else (path,)
        reader: Reader
        if execute:
            reader = RunningReader(use_environment=use_environment_variables, verbatim=verbatim)
        else:
            reader = Reader(dialect="mmengine", verbatim=verbatim)
        values = reader.resolved(path)
        unknown = opaque_part(values)
        if isinstance(unknown, Undecided):
            hint = "there is no value to stand for it" if execute else "pass execute=True to run the file"
            raise ConfigError(f"{unknown}; {hint}.")
        _warn_deprecated(reader, path)
        if execute and import_custom_modules and values.get("custom_imports") is not None:
            import_listed(values["custom_imports"], str(path))
        text = "\n".join(f"{file}\n{reader.text(file)}" for file in reader.closure(path))
        variables = reader.env_variables if isinstance(reader, RunningReader) else {}
        return cls(values, cfg_text=text, filename=path, env_variables=variables)

    @classmethod
    def fromstring(cls, cfg_str: str, file_format: str) -> Config:
        """The config of a text; ``file_format`` is ``.py``, ``.json``, ``.yaml`` or ``.yml``. Nothing is run.

        ``_base_`` paths are relative to the current folder. Raises ConfigError for another format.
        """
        if file_format not in EXTENSIONS:
            known = ", ".join(EXTENSIONS)
            raise ConfigError(f"fromstring: file_format is one of {known}, found {file_format!r}.")
        if file_format != ".py" and "dict(" in cfg_str:
            warnings.warn(f"the text calls dict(): is its format really {file_format}?", stacklevel=2)
        path = Path.cwd() / f"<string>{file_format}"
        values = Reader(overlay={path: cfg_str}, dialect="mmengine").resolved(path)
        unknown = opaque_part(values)
        if isinstance(unknown, Undecided):
            raise ConfigError(f"{unknown}; write the text to a file and pass execute=True to fromfile.")
        return cls(values, cfg_text=cfg_str)

    @property
    def filename(self) -> str | None:
        """The file this config was read from."""
        return self._filename

    @property
    def text(self) -> str:
        """The texts of all files that went into this config, each after its name, bases first."""
        return self._text

    @property
    def env_variables(self) -> dict[str, str]:
        """What the files took from the environment, by name."""
        return self._env_variables

    @property
    def pretty_text(self) -> str:
        """The values as Python text, keys in their own order; reads back equal."""
        return to_python(self._cfg_dict)

    def dump(self, file: str | Path | None = None) -> str | None:
        """Write the values to ``file``, in the format of its ending; without a file, return the text.

        Raises ConfigError if a value cannot be written in that format.
        """
        kind = Path(file or self._filename or ".py").suffix or ".py"
        if kind == ".py":
            text = to_python(self._cfg_dict, strict=True)
        elif kind == ".json":
            text = _json(to_plain(self._cfg_dict))
        elif kind in (".yaml", ".yml"):
            import yaml  # slow to import, and seldom needed

            text = yaml.safe_dump(json.loads(_json(to_plain(self._cfg_dict))), sort_keys=False)
        else:
            raise ConfigError(f"{file}: a config is written as {', '.join(EXTENSIONS)}, found {kind!r}.")
        if file is None:
            return text
        Path(file).write_text(text, "utf-8")
        return None

    def merge_from_dict(self, options: Mapping[str, Any], allow_list_keys: bool = True) -> None:
        """Merge ``{'model.backbone.depth': 101}`` in; with ``allow_list_keys`` a number names a list's item.

        Raises ConfigError if an index is beyond its list, or a key goes below a value that is no dict.
        """
        merged = merge_options(options, to_plain(self._cfg_dict), allow_list_keys=allow_list_keys)
        object.__setattr__(self, "_cfg_dict", ConfigDict(merged))

    def to_dict(self, keep_imported: bool = False) -> dict[str, Any]:
        """The values in plain dicts."""
        plain: dict[str, Any] = to_plain(self._cfg_dict)
        return plain

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_cfg_dict"), name)

    def __getitem__(self, name: Any) -> Any:
        return self._cfg_dict[name]

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._cfg_dict, name, value)

    def __setitem__(self, name: Any, value: Any) -> None:
        self._cfg_dict[name] = to_config(value)

    def __delattr__(self, name: str) -> None:
        delattr(self._cfg_dict, name)

    def __delitem__(self, name: Any) -> None:
        del self._cfg_dict[name]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cfg_dict)

    def __len__(self) -> int:
        return len(self._cfg_dict)

    def __contains__(self, name: object) -> bool:
        return name in self._cfg_dict

    def __repr__(self) -> str:
        return f"Config (path: {self._filename}): {self._cfg_dict!r}"

    def __copy__(self) -> Config:
        values, *rest = self.__getstate__()
        other = type(self).__new__(type(self))
        other.__setstate__((copy.copy(values), *rest))
        return other

    copy = __copy__

    def __deepcopy__(self, memo: dict[int, Any]) -> Config:
        other = type(self).__new__(type(self))
        memo[id(self)] = other
        other.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return other

    def __getstate__(self) -> tuple[Any, ...]:
        return (self._cfg_dict, self._filename, self._text, self._env_variables)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        for name, value in zip(("_cfg_dict", "_filename", "_text", "_env_variables"), state, strict=True):
            object.__setattr__(self, name, value)


def _json(values: Any) -> str:
    try:
        return json.dumps(values, indent=4) + "\n"
    except (TypeError, ValueError) as error:
        raise ConfigError(f"dump: a value cannot be written as JSON or YAML ({error}); use .py.") from None


def _warn_deprecated(reader: Reader, path: Path) -> None:
    for file in reader.closure(path):
        note = reader.file(file).values.get("_deprecation_")
        if isinstance(note, dict):
            instead = f"; use {note['expected']} instead" if "expected" in note else ""
            more = f" (see {note['reference']})" if "reference" in note else ""
            warnings.warn(f"{file} is deprecated{instead}{more}", DeprecationWarning, stacklevel=3)
