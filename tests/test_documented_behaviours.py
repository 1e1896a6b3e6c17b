"""The page of behaviours names tests that exist, and counts without gaps."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reference" / "legacy-behaviours.md").read_text("utf-8")
CASES = (ROOT / "fixtures" / "toys" / "cases.py").read_text("utf-8")
ROWS = {int(number): tests for number, tests in re.findall(r"^\| (\d+) \|.*\| (`.*`) \|$", PAGE, re.MULTILINE)}
FILES = {path.stem: path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")}


def named(tests: str) -> list[str]:
    return re.findall(r"`([^`]+)`", tests)


def exists(test: str) -> bool:
    """``file::function``, or ``file[id of a parameter]``."""
    file, function, parameter = re.fullmatch(r"(\w+)(?:::(\w+))?(?:\[(.+)\])?", test).groups()  # type: ignore[union-attr]
    source = FILES[file] + (CASES if file == "test_legacy_recorded" else "")
    functions = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    return function in functions if function else f'"{parameter}"' in source


def test_numbers_have_no_gap() -> None:
    assert list(ROWS) == list(range(1, 71))


@pytest.mark.parametrize("number", ROWS)
def test_tests_exist(number: int) -> None:
    tests = named(ROWS[number])

    assert [] == [test for test in tests if not exists(test)]
    assert tests
