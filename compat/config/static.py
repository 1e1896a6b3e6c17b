"""A config file's values without running it: statements evaluated over the syntax tree.

What cannot be known (a foreign import, the environment, a call of the file's own function) becomes Undecided,
together with everything it may have changed.
"""

from __future__ import annotations

import ast
import os.path
import re
import warnings
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from mmbridge.compat.config.bounds import measure, opaque_part
from mmbridge.compat.config.config_dict import to_config, to_plain
from mmbridge.compat.config.statements import Statements
from mmbridge.compat.config.values import BaseRef, StaticFile, Undecided
from mmbridge.compat.errors import ConfigError

__all__ = ["BaseRef", "Dialect", "StaticFile", "Undecided", "evaluate", "parse", "substitute_predefined"]

Dialect = Literal["mmcv", "mmengine"]
BASE_KEY = "_base_"
_PREDEFINED = re.compile(r"\{\{\s*(fileDirname|fileBasename|fileBasenameNoExtension|fileExtname)\s*\}\}")
_BASE_NAME = re.compile(r"_base_(?!/)")  # the folder of that name is no use of it
_BASE_LIST = re.compile(r"^_base_\s*=", re.MULTILINE)
_MANY_LOADS = 24  # fewer loads cannot make a value explode by sharing: at most e ** (24 / e) times its text


def parse(text: str, path: Path) -> ast.Module:
    """The syntax tree of a config, to be read only; ConfigError naming file and line if it is no Python."""
    try:
        return _syntax(text)
    except SyntaxError as error:
        line = error.lineno or 1
        raise ConfigError(f"{path}:{line}: this is not Python: {error.msg}; correct the file.") from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise ConfigError(f"{path}:1: this cannot be parsed as Python: {error}; correct the file.") from None


@lru_cache(maxsize=256)
def _syntax(text: str) -> ast.Module:
    """Parsing is most of the cost of reading, and configs share their bases."""
    with warnings.catch_warnings():  # an invalid escape is the file's affair, not the reader's
        warnings.simplefilter("ignore")
        return ast.parse(text)


def substitute_predefined(text: str, path: Path) -> str:
    """``text`` with ``{{ fileDirname }}`` and its three relatives replaced, as both engines do."""
    if "{{" not in text:
        return text
    absolute = os.path.abspath(path).replace("\\", "/")
    name = os.path.basename(absolute)
    stem, extension = os.path.splitext(name)
    known = {
        "fileDirname": os.path.dirname(absolute),
        "fileBasename": name,
        "fileBasenameNoExtension": stem,
        "fileExtname": extension,
    }
    return _PREDEFINED.sub(lambda found: known[found[1]], text)


def evaluate(
    text: str,
    path: Path,
    *,
    base: Mapping[str, Any] | None = None,
    dialect: Dialect | None = None,
    tree: ast.Module | None = None,
    predefined: bool = True,
) -> StaticFile:
    """The values a config's text gives, worked out without running it.

    ``base`` is what ``_base_`` means in MMEngine's expressions (``_base_.model.depth``): the merged bases.
    It is copied, never changed. ``dialect`` is MMEngine's if ``base`` is given, else MMCV's; in MMEngine's,
    ``{{$NAME:default}}`` is an environment variable and thus Undecided. ``tree`` saves parsing again. Without
    ``predefined``, ``{{ fileDirname }}`` and its relatives stay as they are written.

    Raises ConfigError if the text is no Python or its ``_base_`` is not a literal path or list of paths.
    """
    dialect = dialect or ("mmcv" if base is None else "mmengine")
    tree = parse(text, path) if tree is None else tree
    substituted = substitute_predefined(text, path) if predefined else text
    running = tree if substituted is text or substituted == text else parse(substituted, path)
    scope = Statements(str(path), substituted, environment=dialect == "mmengine")
    base_values = None
    if dialect == "mmengine" and not uses_base(text):
        bases = bases_of(tree, path)
        scope.run([node for node in running.body if base_assignment(node) is None])
        values = scope.visible()
    elif dialect == "mmengine":
        bases = bases_of(tree, path)
        base_values = _run_with_base(scope, running, base or {})
        memo: dict[int, Any] = {}
        values = {name: to_plain(value, memo) for name, value in scope.visible().items()}
    else:
        scope.run(running.body)
        values = scope.visible()
        bases = _base_list(values.pop(BASE_KEY, []), path, running)
    if scope.risky or scope.loads > _MANY_LOADS:
        _settle(scope, values)
        _settle(scope, base_values or {})
    bindings = {name: tuple(lines) for name, lines in scope.bindings.items() if name in values}
    has_refs = scope.braces and scope.tainted
    return StaticFile(path, text, tree, bases, values, bindings, base_values, has_refs)


def uses_base(text: str) -> bool:
    """Whether a file may name ``_base_`` anywhere but in the one statement that lists its bases."""
    named = len(_BASE_NAME.findall(text))
    return named > 1 or (named == 1 and _BASE_LIST.search(text) is None)


def one_dialect(file: StaticFile) -> bool:
    """Whether a Python config says the same in both dialects, so that it need not be evaluated for each."""
    return file.path.suffix == ".py" and not uses_base(file.text) and "{{$" not in file.text


def _run_with_base(scope: Statements, tree: ast.Module, base: Mapping[str, Any]) -> dict[str, Any]:
    """Run a file that may use ``_base_``; gives the bases as the file leaves them."""
    offered = to_config(dict(base))
    scope.names[BASE_KEY] = offered
    scope.tainted = opaque_part(offered) is not None
    scope.run([node for node in tree.body if base_assignment(node) is None])
    left = scope.names.pop(BASE_KEY, offered)
    if left.__class__ is Undecided:  # something unknown had it in hands
        return dict.fromkeys(base, left)
    return dict(to_plain(left))


def base_assignment(node: ast.stmt) -> ast.expr | None:
    """The right side of ``_base_ = ...``, or None for any other statement."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id == BASE_KEY:
                return node.value
    return None


def bases_of(tree: ast.Module, path: Path) -> tuple[str, ...]:
    """What ``_base_`` lists, for MMEngine: read before the rest of the file, so it can use no other name."""
    for node in tree.body:
        expression = base_assignment(node)
        if expression is not None:
            return _base_list(Statements(str(path), "", environment=True).value(expression), path, tree)
    return ()


def _base_list(value: Any, path: Path, tree: ast.Module) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if isinstance(listed, list) and all(isinstance(base, str) for base in listed):
        return tuple(listed)
    line = next((node.lineno for node in tree.body if base_assignment(node) is not None), 1)
    unknown = opaque_part(value)
    found = f"is {value!r}"
    if isinstance(unknown, Undecided):
        found = f"cannot be known without running the file ({unknown.reason})"
    raise ConfigError(f"{path}:{line}: _base_ must be a path or a list of paths, but it {found}; write the paths out.")


def _settle(scope: Statements, values: dict[str, Any]) -> None:
    """Make Undecided every value that is too large, holds itself, or holds what no config can hold."""
    for name, value in values.items():
        try:
            measure(value)
        except Exception as error:
            line = scope.bindings.get(name, [1])[-1]
            values[name] = scope.undecided(error, line)
