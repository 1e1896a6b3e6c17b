"""Configs as Python text: keys in their own order, and what is read back equals what was written."""

from __future__ import annotations

import keyword
import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from mmbridge.compat.errors import ConfigError

WIDTH = 100
_BUILT_WITH = ("float", "set", "frozenset", "range", "globals", "dict")  # names that the text itself calls
_PREDEFINED = re.compile(r"\{(?=\{\s*(?:file|_base_|['\"]?\s*\$))")


def to_python(config: Mapping[str, Any], *, strict: bool = False) -> str:
    """The Python text that sets every key of ``config``; ends with a newline.

    A value that Python text cannot express, such as a class or a tensor, is written as its ``repr``; with
    ``strict`` it is a ConfigError that names the key.
    """
    lines = []
    for key in config:
        if key not in _BUILT_WITH:
            target = key if _is_name(key) else f"globals()[{_scalar(key, str(key), strict)}]"
            lines.append(f"{target} = {_Printer(strict).text(config[key], str(key), len(target) + 3, 0)}\n")
    shadowing = [name for name in _BUILT_WITH if name in config]
    if shadowing:  # last and at once: from here on the names no longer mean the functions
        texts = [_Printer(strict).text(config[name], name, 0, 0) for name in shadowing]
        lines.append(f"{', '.join(shadowing)} = {', '.join(texts)}\n")
    return "".join(lines)


class _Printer:
    """Writes one value, on one line if it fits."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.open: set[int] = set()  # the containers being written, to find one that holds itself

    def text(self, value: Any, where: str, column: int, indent: int) -> str:
        if not isinstance(value, (dict, list, tuple, set, frozenset)):
            return _scalar(value, where, self.strict)
        if id(value) in self.open:
            raise ConfigError(f"{where}: the value holds itself and cannot be written; break the circle.")
        self.open.add(id(value))
        try:
            return self._container(value, where, column, indent)
        finally:
            self.open.discard(id(value))

    def _container(self, value: Any, where: str, column: int, indent: int) -> str:
        left, right, parts = self._parts(value, where, indent + 4)
        one_line = f"{left}{', '.join(parts)}{right}"
        single = isinstance(value, tuple) and len(value) == 1
        if single:
            one_line = f"{left}{parts[0]},{right}"
        if not parts or ("\n" not in one_line and column + len(one_line) <= WIDTH):
            return one_line
        pad = " " * (indent + 4)
        body = "".join(f"{pad}{part},\n" for part in parts)
        return f"{left}\n{body}{' ' * indent}{right}"

    def _parts(self, value: Any, where: str, indent: int) -> tuple[str, str, list[str]]:
        if isinstance(value, dict):
            return self._dict_parts(value, where, indent)
        items: Any = value
        if isinstance(value, (set, frozenset)):
            items = sorted(value, key=lambda item: (type(item).__name__, repr(item)))
        parts = [self.text(item, f"{where}[{n}]", indent, indent) for n, item in enumerate(items)]
        if isinstance(value, list):
            return "[", "]", parts
        if isinstance(value, tuple):
            return "(", ")", parts
        if isinstance(value, frozenset):
            return ("frozenset({", "})", parts) if parts else ("frozenset(", ")", parts)
        return ("{", "}", parts) if parts else ("set(", ")", parts)

    def _dict_parts(self, value: dict[Any, Any], where: str, indent: int) -> tuple[str, str, list[str]]:
        parts = []
        named = all(isinstance(key, str) and _is_name(key) for key in value)
        for key, item in value.items():
            head = f"{key}=" if named else f"{self.text(key, where, indent, indent)}: "
            parts.append(head + self.text(item, f"{where}.{key}", indent + len(head), indent))
        return ("dict(", ")", parts) if named else ("{", "}", parts)


def _scalar(value: Any, where: str, strict: bool) -> str:
    if isinstance(value, str):
        # read back as text: the engines would take {{ for the start of a variable
        return _PREDEFINED.sub(r"\\x7b", repr(str(value)))
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{float(value)!r}')"
    if value is None or value is ... or isinstance(value, (bool, int, float, bytes, range, complex)):
        return repr(value)
    if strict:
        raise ConfigError(
            f"{where}: a value of type {type(value).__name__} cannot be written as Python text; "
            "replace it by plain values."
        )
    return repr(value)


def _is_name(key: str) -> bool:
    """Whether ``key`` can stand as a name and is read back as it is: Python normalises names."""
    return key.isidentifier() and not keyword.iskeyword(key) and unicodedata.normalize("NFKC", key) == key
