"""Reading a config by really running it. Only for configs that are going to be trained with anyway."""

from __future__ import annotations

import ast
import importlib
import os
import re
import types
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmbridge.compat.config.config_dict import ConfigDict, to_plain
from mmbridge.compat.config.expressions import ENVIRONMENT
from mmbridge.compat.config.inherit import Reader
from mmbridge.compat.config.static import BASE_KEY, base_assignment, evaluate, parse, substitute_predefined
from mmbridge.compat.config.values import BaseRef, StaticFile
from mmbridge.compat.errors import ConfigError

_REF = re.compile(r"\{\{\s*_base_\.([\w.]+)\s*\}\}")


class ModuleMissing(ConfigError, ImportError):
    """A module that a config lists in ``custom_imports`` does not exist."""


class RunningReader(Reader):
    """A Reader that runs Python files. ``env_variables`` holds what they took from the environment.

    Errors that the file itself raises come through as they are.
    """

    def __init__(self, *, use_environment: bool = True, verbatim: tuple[Path, ...] = ()) -> None:
        super().__init__(dialect="mmengine", verbatim=verbatim)
        self.use_environment = use_environment
        self.env_variables: dict[str, str] = {}

    def text(self, path: Path) -> str:
        """The text of a file with the environment's values in it."""
        text = super().text(path)
        return ENVIRONMENT.sub(self._variable(path), text) if self.use_environment and "$" in text else text

    def _variable(self, path: Path) -> Any:
        def value(found: re.Match[str]) -> str:
            name, default = found.groups()
            if name in os.environ:
                self.env_variables[name] = os.environ[name]
                return os.environ[name]
            if not default:
                raise ConfigError(f"{path}: the environment variable {name} is not set and has no default; set it.")
            return str(default)

        return value

    def _evaluate(self, name: str) -> StaticFile:
        path = Path(name)
        if path.suffix != ".py":
            return super()._evaluate(name)
        static = evaluate("", path)
        base = ConfigDict(self.inherited(path))
        text = self.text(path)
        prepared = text if path in self._verbatim_paths() else substitute_predefined(text, path)
        values, has_refs = _run(prepared, path, base)
        return replace(
            static,
            text=text,
            tree=self._tree(name),
            bases=self._written_bases(name),
            values=values,
            base_values=dict(to_plain(base)),
            has_refs=has_refs,
        )

    def _verbatim_paths(self) -> frozenset[Path]:
        return frozenset(map(Path, self._verbatim))


def _run(text: str, path: Path, base: ConfigDict) -> tuple[dict[str, Any], bool]:
    """The names a config file defines, as both engines filter them; references stay BaseRefs."""
    namespace: dict[str, Any] = {BASE_KEY: base, "__file__": str(path)}
    references: dict[str, BaseRef] = {}

    def reference(found: re.Match[str]) -> str:
        name = f"__base_reference_{len(references)}_"
        references[name] = BaseRef(found[1], text.count("\n", 0, found.start()) + 1)
        return name

    tree = parse(_REF.sub(reference, text), path)
    body = [node for node in tree.body if base_assignment(node) is None]  # the tree is shared: not to be changed
    namespace |= references
    exec(compile(ast.Module(body, type_ignores=[]), str(path), "exec"), namespace)
    values = {
        name: to_plain(value)
        for name, value in namespace.items()
        if not name.startswith("__") and name != BASE_KEY
        if not isinstance(value, (types.ModuleType, types.FunctionType))
    }
    for name, stands_for in references.items():
        if _in_text(values, name):
            raise ConfigError(
                f"{path}:{stands_for.line}: {{{{_base_.{stands_for.dotted}}}}} stands inside a string, where it is "
                "replaced by a name of no use; take the quotes away, and join texts with +."
            )
    return values, bool(references)


def _in_text(value: Any, name: str) -> bool:
    """Whether any string in ``value`` holds ``name``."""
    if isinstance(value, str):
        return name in value
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    return isinstance(value, (list, tuple, set)) and any(_in_text(each, name) for each in value)


def import_custom_modules(custom_imports: Mapping[str, Any], where: str) -> None:
    """Import what ``custom_imports = dict(imports=[...], allow_failed_imports=False)`` lists.

    Raises ImportError naming the module and ``where``, :class:`ModuleMissing` where it is this very module that does
    not exist; with ``allow_failed_imports`` warns instead.
    """
    if not isinstance(custom_imports, Mapping):
        raise ConfigError(f"{where}: custom_imports must be a dict(imports=[...]), found {custom_imports!r}.")
    imports = custom_imports.get("imports") or []
    for name in [imports] if isinstance(imports, str) else imports:
        if not isinstance(name, str):
            raise ConfigError(f"{where}: custom_imports.imports lists {name!r}; write the modules' dotted names.")
        try:
            importlib.import_module(name)
        except ImportError as error:
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            itself = missing is not None and f"{name}.".startswith(f"{missing}.")
            advice = "; put it on PYTHONPATH" if itself else ""  # else it was found, and what it imports was not
            message = f"{where}: custom_imports: {name} cannot be imported ({error}){advice}."
            if not custom_imports.get("allow_failed_imports", False):
                raise (ModuleMissing if itself else ImportError)(message) from error
            warnings.warn(message, stacklevel=3)
