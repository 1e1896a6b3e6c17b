"""Where a value of a merged config is written: the file and the line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from mmbridge.compat.config import Reader, StaticFile
from mmbridge.compat.config.formats import line_of

Keys: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """A line of a file."""

    path: Path
    line: int


def origin(reader: Reader, path: Path, keys: Keys) -> Origin:
    """Where the value at ``keys`` of the config ``path`` is written; as near as can be told where none is."""
    file = reader.file(path)
    if keys[0] in file.values and _says(file.values, keys):
        return Origin(path, line(file, keys))
    edited = _edit_of_bases(reader, path, keys)
    if edited is not None:
        return Origin(path, edited)
    for base in reader.base_paths(path):
        if keys[0] in reader.resolved(base):
            return origin(reader, base, keys)
    return Origin(path, line(file, keys) if keys[0] in file.values else 1)


def _edit_of_bases(reader: Reader, path: Path, keys: Keys) -> int | None:
    """The line where the file changes what stands at ``keys`` in its bases, as in ``_base_.model.depth = 50``."""
    file = reader.file(path)
    if not file.base_values or _at(file.base_values, keys) == _at(reader.inherited(path), keys):
        return None
    name = f"_base_.{keys[0]}"
    lines = [
        node.lineno
        for node in file.tree.body
        if any(isinstance(part, ast.Attribute) and ast.unparse(part) == name for part in ast.walk(node))
    ]
    return lines[-1] if lines else None


def _at(values: Any, keys: Keys) -> Any:
    for key in keys:
        try:
            values = values[key]
        except (KeyError, IndexError, TypeError):
            return None
    return values


def line(file: StaticFile, keys: Keys) -> int:
    """The line of ``keys`` in one file, or of the nearest part above that stands there."""
    if file.path.suffix != ".py":
        return line_of(file.text, next(key for key in reversed(keys) if isinstance(key, str)))
    assigned = {name: value for statement in file.tree.body for name, value in _assigned(statement)}
    node = assigned.get(str(keys[0]))
    if node is None:
        return file.bindings.get(str(keys[0]), (1,))[-1]
    at = node.lineno
    for key in keys[1:]:
        entry = _part(assigned, node, key)
        if entry is None:
            break
        at, node = entry
    return at


def _says(values: Any, keys: Keys) -> bool:
    """Whether a file's own values decide what stands at ``keys``: they hold it, or replace what held it."""
    for key in keys:
        if not isinstance(values, dict) or values.get("_delete_"):
            return True
        if key not in values:
            return False
        values = values[key]
    return True


def _assigned(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield target.id, node.value


def _part(assigned: dict[str, ast.expr], node: ast.expr, key: str | int) -> tuple[int, ast.expr] | None:
    """The line and the expression of ``key`` in a dict or list that is written out, also behind a name."""
    seen = set()
    while isinstance(node, ast.Name) and node.id in assigned and node.id not in seen:
        seen.add(node.id)
        node = assigned[node.id]
    if isinstance(node, ast.Call):
        return next(((k.value.lineno, k.value) for k in node.keywords if k.arg == key), None)
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        found = (value for name, value in pairs if isinstance(name, ast.Constant) and name.value == key)
        return next(((value.lineno, value) for value in found), None)
    if isinstance(node, (ast.List, ast.Tuple)) and isinstance(key, int) and key < len(node.elts):
        plain = not any(isinstance(element, ast.Starred) for element in node.elts)
        return (node.elts[key].lineno, node.elts[key]) if plain else None
    return None
