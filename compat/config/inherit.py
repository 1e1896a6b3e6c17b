"""Configs with their bases: every file parsed once, every merged view computed once."""

from __future__ import annotations

import ast
import os.path
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from mmbridge.compat.config.formats import EXTENSIONS, decode, line_of, read_data
from mmbridge.compat.config.installed import installed_config
from mmbridge.compat.config.merge import merge
from mmbridge.compat.config.static import Dialect, base_assignment, bases_of, evaluate, one_dialect, parse
from mmbridge.compat.config.values import BaseRef, StaticFile, Undecided
from mmbridge.compat.errors import ConfigError, MissingFile

__all__ = ["Reader", "merge"]


class Reader:
    """Reads config files and their bases without running them. What it returns is shared: do not change it.

    ``overlay`` holds texts that stand in for files on disk, by absolute path. Every error is a ConfigError
    of one sentence that starts with the file that is at fault. In the files of ``verbatim``,
    ``{{ fileDirname }}`` and its relatives stay as they are written. ``known`` are files that are read already,
    in either dialect; those that say something else in this one are read again.
    """

    def __init__(
        self,
        *,
        overlay: Mapping[Path, str] | None = None,
        dialect: Dialect = "mmcv",
        verbatim: Collection[Path] = (),
        known: Iterable[StaticFile] = (),
    ) -> None:
        self.dialect: Dialect = dialect
        self._verbatim = frozenset(map(_absolute, verbatim))
        self._overlay = {_absolute(path): text for path, text in (overlay or {}).items()}
        self._texts: dict[str, str] = {}
        self._trees: dict[str, ast.Module] = {}
        self._files = {str(file.path): file for file in known if one_dialect(file)}
        self._bases: dict[str, tuple[Path, ...]] = {}
        self._closures: dict[str, tuple[Path, ...]] = {}
        self._inherited: dict[str, dict[str, Any]] = {}
        self._resolved: dict[str, dict[str, Any]] = {}

    def text(self, path: Path) -> str:
        """The text of a file, with line ends as ``\\n``."""
        name = _absolute(path)
        if name not in self._texts:
            self._texts[name] = self._overlay[name] if name in self._overlay else _read(_path(name))
        return self._texts[name]

    def file(self, path: Path) -> StaticFile:
        """The own keys of one file, before any base is merged in."""
        name = _absolute(path)
        if name not in self._files:
            try:
                self._files[name] = self._evaluate(name)
            except (RecursionError, MemoryError):
                raise ConfigError(f"{name}: is nested too deeply to be read; simplify it.") from None
        return self._files[name]

    def base_paths(self, path: Path) -> tuple[Path, ...]:
        """The direct bases of a file, absolute and normalised, in the order they are written."""
        name = _absolute(path)
        if name not in self._bases:
            self._bases[name] = tuple(self._base_path(name, base) for base in self._written_bases(name))
        return self._bases[name]

    def closure(self, path: Path) -> tuple[Path, ...]:
        """The file and all its bases, bases first, each once."""
        return self._closure(_absolute(path), ())

    def inherited(self, path: Path) -> dict[str, Any]:
        """The merged bases of a file, without its own keys; empty if it has no base."""
        name = _absolute(path)
        if name not in self._inherited:
            self.closure(path)
            merged: dict[str, Any] = {}
            owner: dict[str, Path] = {}
            for base in self.base_paths(path):
                for key, value in self.resolved(base).items():
                    if key in owner:
                        raise ConfigError(_duplicate(name, self._line(name, str(base)), key, owner[key], base))
                    owner[key] = base
                    merged[key] = value
            self._inherited[name] = merged
        return self._inherited[name]

    def resolved(self, path: Path) -> dict[str, Any]:
        """The file merged with all its bases, as the engine sees it; what cannot be known is Undecided."""
        name = _absolute(path)
        if name not in self._resolved:
            self.closure(path)
            own = self.file(path)
            inherited = self.inherited(path) if own.base_values is None else own.base_values
            values = own.values
            if own.has_refs:
                bases = inherited if own.bases else None
                values = {key: _filled(value, bases, name) for key, value in values.items()}
            merged = merge(values, inherited, where=name) if inherited else dict(values)
            merged.pop("_deprecation_", None)
            self._resolved[name] = merged
        return self._resolved[name]

    def _evaluate(self, name: str) -> StaticFile:
        path, text = _path(name), self.text(_path(name))
        predefined = name not in self._verbatim
        if path.suffix != ".py":
            return read_data(text, path, self.dialect, predefined=predefined)
        if self.dialect == "mmcv":
            return evaluate(text, path, predefined=predefined)
        tree = self._tree(name)
        return evaluate(text, path, base=self.inherited(path), tree=tree, predefined=predefined)

    def _tree(self, name: str) -> ast.Module:
        if name not in self._trees:
            self._trees[name] = parse(self.text(_path(name)), _path(name))
        return self._trees[name]

    def _written_bases(self, name: str) -> tuple[str, ...]:
        path = _path(name)
        if self.dialect == "mmengine" and path.suffix == ".py" and name not in self._files:
            return bases_of(self._tree(name), path)
        return self.file(path).bases

    def _base_path(self, name: str, base: str) -> Path:
        if "::" not in base and "://" not in base:
            found = os.path.normpath(os.path.join(os.path.dirname(name), base))
            if found in self._overlay or found in self._texts or os.path.isfile(found):
                return _path(found)
        where = f"{name}:{self._line(name, base)}"
        if "://" in base:
            raise ConfigError(f"{where}: the base {base!r} is a URL and is not fetched; download it and name the file.")
        if "::" in base:
            return installed_config(base, where)
        kind, what = (ConfigError, "is a directory") if os.path.isdir(found) else (MissingFile, "does not exist")
        raise kind(f"{where}: the base {base!r} {what} ({found}); correct the path in _base_.")

    def _line(self, name: str, base: str) -> int:
        """The line of ``name`` that asks for ``base``."""
        if not name.endswith(".py"):
            return line_of(self.text(_path(name)), "_base_")
        tree = self._files[name].tree if name in self._files else self._tree(name)
        expression = next((e for e in map(base_assignment, tree.body) if e is not None), None)
        if expression is None:
            return 1
        for part in ast.walk(expression):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                whole = os.path.normpath(os.path.join(os.path.dirname(name), part.value))
                if base in (part.value, whole):
                    return part.lineno
        return expression.lineno

    def _closure(self, name: str, above: tuple[str, ...]) -> tuple[Path, ...]:
        if name in self._closures:
            return self._closures[name]
        if name in above:
            circle = " -> ".join((*above[above.index(name) :], name))
            line = self._line(above[-1], name)
            raise ConfigError(f"{above[-1]}:{line}: the bases form a circle: {circle}; remove one of the links.")
        ordered: dict[Path, None] = {}
        for base in self.base_paths(_path(name)):
            ordered.update(dict.fromkeys(self._closure(str(base), (*above, name))))
        ordered[_path(name)] = None
        self._closures[name] = tuple(ordered)
        return self._closures[name]


def _filled(value: Any, bases: Mapping[str, Any] | None, name: str) -> Any:
    """``value`` with each BaseRef in it replaced by what the bases hold under its dotted name."""
    kind = value.__class__
    if kind is dict:
        return {key: _filled(item, bases, name) for key, item in value.items()}
    if kind is list:
        return [_filled(item, bases, name) for item in value]
    if kind is tuple:
        return tuple(_filled(item, bases, name) for item in value)
    return _look_up(value, bases, name) if kind is BaseRef else value


def _look_up(reference: BaseRef, bases: Mapping[str, Any] | None, name: str) -> Any:
    if bases is None:
        reason = f"{{{{_base_.{reference.dotted}}}}} in a file without _base_"
        return Undecided(name, reference.line, reason)
    found: Any = bases
    for part in reference.dotted.split("."):
        if isinstance(found, Undecided):
            return found
        if not isinstance(found, Mapping) or part not in found:
            known = ", ".join(map(repr, found)) if isinstance(found, Mapping) else f"a {type(found).__name__}"
            raise ConfigError(
                f"{name}:{reference.line}: {{{{_base_.{reference.dotted}}}}}: the bases have no {part!r}; "
                f"found {known or 'no key at all'}."
            )
        found = found[part]
    return found


_normal = lru_cache(maxsize=4096)(os.path.normpath)
_path = lru_cache(maxsize=4096)(Path)  # one object for each file: what is kept by path is found by identity


def _absolute(path: Path) -> str:
    name = str(path)
    return _normal(name) if os.path.isabs(name) else os.path.abspath(os.path.expanduser(name))


def _read(path: Path) -> str:
    if path.suffix not in EXTENSIONS:
        if path.is_dir():
            raise ConfigError(f"{path}: is a folder; name a config in it.")
        raise ConfigError(f"{path}: a config ends in {', '.join(EXTENSIONS)}, found {path.suffix!r}; rename the file.")
    try:
        return decode(path.read_bytes(), path)
    except FileNotFoundError:
        raise MissingFile(f"{path}: this file does not exist; correct the path.") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: this is a directory, not a config file; name a file in it.") from None
    except OSError as error:
        raise ConfigError(f"{path}: this file cannot be read ({error.strerror}); correct its permissions.") from None


def _duplicate(name: str, line: int, key: str, first: Path, second: Path) -> str:
    return (
        f"{name}:{line}: two bases set {key!r}: {first} and {second}; "
        "keep it in one of them, or let one inherit from the other."
    )
