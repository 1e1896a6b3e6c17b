"""Reading a config file of any format: its text, and for JSON and YAML its values."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmbridge.compat.config.expressions import ENVIRONMENT
from mmbridge.compat.config.static import Dialect, substitute_predefined
from mmbridge.compat.config.values import BaseRef, StaticFile, Undecided
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.plain_data import read_yaml

EXTENSIONS = (".py", ".json", ".yaml", ".yml")
_REF = re.compile(r"\{\{\s*_base_\.([\w.]+)\s*\}\}")


def decode(raw: bytes, path: Path) -> str:
    """The text of a config file, by its coding line or byte order mark, else UTF-8; without the mark."""
    encoding = "utf-8-sig"
    try:
        if path.suffix == ".py":
            encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        text = raw.decode(encoding)
    except (SyntaxError, UnicodeDecodeError) as error:
        line = raw[: getattr(error, "start", 0)].count(b"\n") + 1
        raise ConfigError(
            f"{path}:{line}: the text cannot be decoded ({error}); save it as UTF-8 or name its coding."
        ) from None
    return io.StringIO(text, newline=None).read()


def read_data(text: str, path: Path, dialect: Dialect, *, predefined: bool = True) -> StaticFile:
    """The values of a JSON or YAML config. ``{{_base_.x}}`` stands without quotes.

    Raises ConfigError if the text cannot be parsed or is no mapping. In YAML ``1e-3`` is a string.
    """
    import yaml  # slow to import, and seldom needed

    marks: dict[str, BaseRef | Undecided] = {}
    prepared = _mark(substitute_predefined(text, path) if predefined else text, path, dialect, marks)
    try:
        loaded = json.loads(prepared) if path.suffix == ".json" else read_yaml(prepared)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: this is not JSON: {error.msg}; correct the file.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        problem = getattr(error, "problem", None) or type(error).__name__
        raise ConfigError(f"{path}:{line}: this is not YAML: {problem}; correct the file.") from None
    if not isinstance(loaded, dict):
        raise ConfigError(f"{path}:1: a config is a mapping of keys, found {type(loaded).__name__}; correct the file.")
    values = {key: _unmark(value, marks) for key, value in loaded.items()}
    bases = values.pop("_base_", ())
    listed = [bases] if isinstance(bases, str) else bases
    if not isinstance(listed, (list, tuple)) or not all(isinstance(base, str) for base in listed):
        line = line_of(text, "_base_")
        raise ConfigError(f"{path}:{line}: _base_ must be a path or a list of paths, but it is {bases!r}.")
    bindings: dict[str, tuple[int, ...]] = {key: (line_of(text, key),) for key in values}
    empty = ast.Module(body=[], type_ignores=[])
    return StaticFile(path, text, empty, tuple(listed), values, bindings, None, bool(marks))


def _mark(text: str, path: Path, dialect: Dialect, marks: dict[str, BaseRef | Undecided]) -> str:
    """``text`` with each reference replaced by a quoted mark; ``marks`` says what each stands for."""

    def line(found: re.Match[str]) -> int:
        return text.count("\n", 0, found.start()) + 1

    def mark(stands_for: BaseRef | Undecided) -> str:
        name = f"\ue000{len(marks)}\ue000"  # a private character: no config holds it
        marks[name] = stands_for
        return name

    def variable(found: re.Match[str]) -> str:
        reason = f"the environment variable {found[1]} (default {found[2]!r})"
        return mark(Undecided(str(path), line(found), reason))

    def reference(found: re.Match[str]) -> str:
        return f'"{mark(BaseRef(found[1], line(found)))}"'

    if "{{" not in text:
        return text
    if dialect == "mmengine":
        text = ENVIRONMENT.sub(variable, text)
    return _REF.sub(reference, text)


def _unmark(value: Any, marks: dict[str, BaseRef | Undecided]) -> Any:
    if not marks:
        return value
    if isinstance(value, str):
        if "\ue000" not in value or value in marks:
            return marks.get(value, value)
        found = next(part for name, part in marks.items() if name in value)
        if isinstance(found, Undecided):
            return found
        return Undecided("", found.line, "a {{_base_.}} reference inside a string")
    if isinstance(value, dict):
        return {key: _unmark(item, marks) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmark(item, marks) for item in value]
    return value


def line_of(text: str, key: Any) -> int:
    """The line on which a JSON or YAML text first names ``key`` as a key."""
    found = re.search(rf"""^[\s{{,]*["']?{re.escape(str(key))}["']?\s*:""", text, re.MULTILINE)
    return text.count("\n", 0, found.end()) + 1 if found else 1


def write_data(values: Mapping[str, Any], *, like: str, suffix: str) -> str:
    """``values`` as the text of a JSON or YAML config, indented as ``like``; a BaseRef stands without quotes.

    Reading it gives equal values. Raises ConfigError for what the format has no form for: a tuple, an Undecided.
    """
    marks: dict[str, str] = {}
    plain = _storable(values, marks)
    if suffix == ".json":
        found = re.search(r"\n( +)\S", like)
        text = json.dumps(plain, indent=len(found[1]) if found else None, ensure_ascii=False) + "\n"
    else:
        import yaml

        text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, default_flow_style=None)
    for mark, reference in marks.items():
        text = re.sub(rf"""["']?{mark}["']?""", lambda _: reference, text)  # noqa: B023 (used at once)
    return text


def _storable(value: Any, marks: dict[str, str]) -> Any:
    if isinstance(value, BaseRef):
        mark = f"base-reference-{len(marks)}-"
        marks[mark] = f"{{{{_base_.{value.dotted}}}}}"
        return mark
    if isinstance(value, dict):
        return {key: _storable(item, marks) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item, marks) for item in value]
    if isinstance(value, (Undecided, tuple, set)):
        raise ConfigError(f"{value!r} has no form in this file's format; write the config in Python.")
    return value
