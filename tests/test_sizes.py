"""Files and functions stay small enough to be read at once. (Docstrings are ruff's: D1 is switched on.)"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILE_LINES = 350
FUNCTION_LINES = 50
# Tables of names, one row per line: long because there is much to say, and read by searching.
DATA_TABLES = ("migrate/libraries/",)

FILES = sorted(path for top in ("compat", "runners", "migrate") for path in (ROOT / top).rglob("*.py"))
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())


def function_sizes(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every function's name and its number of lines without the docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = node.body[0] if ast.get_docstring(node) is not None else None
            of_docstring = docstring.end_lineno - docstring.lineno + 1 if docstring else 0
            yield node.name, node.end_lineno - node.lineno + 1 - of_docstring


@each_file
def test_file_is_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())

    assert lines <= FILE_LINES or path.relative_to(ROOT).as_posix().startswith(DATA_TABLES), f"{lines} lines"


@each_file
def test_functions_are_short(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert {} == {name: lines for name, lines in function_sizes(tree) if lines > FUNCTION_LINES}


def test_function_size_leaves_out_the_docstring() -> None:
    tree = ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    return 1\n')

    assert [("f", 2)] == list(function_sizes(tree))
