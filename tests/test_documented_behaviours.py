"""The pages of behaviours name tests that exist, and count without gaps."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "fixtures" / "toys"
CASES = {
    "test_legacy_recorded": (FIXTURES / "cases.py").read_text("utf-8"),
    "test_loop_recorded": (FIXTURES / "loop" / "loop_cases.py").read_text("utf-8"),
}
FILES = {path.stem: path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")}


def rows(page: str) -> dict[int, str]:
    text = (ROOT / "docs" / "reference" / f"{page}-behaviours.md").read_text("utf-8")
    return {int(number): tests for number, tests in re.findall(r"^\| (\d+) \|.*\| (`.*`) \|$", text, re.MULTILINE)}


PAGES = {"legacy": rows("legacy"), "loop": rows("loop")}


def named(tests: str) -> list[str]:
    return re.findall(r"`([^`]+)`", tests)


def exists(test: str) -> bool:
    """``file::function``, or ``file[id of a parameter]``."""
    file, function, parameter = re.fullmatch(r"(\w+)(?:::(\w+))?(?:\[(.+)\])?", test).groups()  # type: ignore[union-attr]
    source = FILES[file] + CASES.get(file, "")
    functions = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    return function in functions if function else f'"{parameter}"' in source


@pytest.mark.parametrize(("page", "last"), [("legacy", 70), ("loop", 59)])
def test_numbers_have_no_gap(page: str, last: int) -> None:
    assert list(PAGES[page]) == list(range(1, last + 1))


@pytest.mark.parametrize(("page", "number"), [(page, number) for page in PAGES for number in PAGES[page]])
def test_tests_exist(page: str, number: int) -> None:
    tests = named(PAGES[page][number])

    assert [] == [test for test in tests if not exists(test)]
    assert tests


def test_numbers_in_names_of_tests_are_those_of_the_page() -> None:
    numbered = {
        f"{file}::{name}": int(number)
        for file, source in FILES.items()
        for name, number in re.findall(r"^def (test_behaviour_(\d+)_\w+)", source, re.MULTILINE)
    }

    assert {} == {test: number for test, number in numbered.items() if test not in named(PAGES["loop"][number])}
