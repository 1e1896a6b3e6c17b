"""Every check finds its bad examples, and nothing else does; no check finds anything in the good ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from mmbridge.compat.config import Reader
from mmbridge.migrate.check import CHECKS, Check, check_files, checks

EXAMPLES = [
    pytest.param(check, example, id=f"{check.id}-{number}")
    for check in CHECKS
    for number, example in enumerate(check.examples, start=1)
]
FOLDER = Path("/examples")


def found(files: Mapping[str, str], check: Check) -> Iterator[str]:
    """The ids of what is found in the files of an example of ``check``.

    Examples are excerpts, so a missing loader or evaluator is left out unless it is what the example is about.
    """
    chosen = [each for each in CHECKS if each is check or each.id != "half-triple"]
    overlay = {FOLDER / name: text for name, text in files.items()}
    reader = Reader(overlay=overlay, dialect="mmengine")
    for report in check_files([FOLDER / "config.py"], reader=reader, checks=chosen):
        yield from (note.rule for note in report.notes)


@pytest.mark.parametrize(("check", "example"), EXAMPLES)
def test_bad_example_is_found_once_and_alone(check: Check, example: object) -> None:
    assert [check.id] == list(found(example.bad, check))


@pytest.mark.parametrize(("check", "example"), EXAMPLES)
def test_good_example_is_clean(check: Check, example: object) -> None:
    assert [] == list(found(example.good, check))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_check_has_examples_and_a_text(check: Check) -> None:
    first = check.doc.split("\n\n")[0]

    assert check.examples
    assert first.endswith((".", "?"))


def test_every_file_of_checks_is_listed_under_its_name() -> None:
    folder = Path(checks.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}

    assert files == {check.id.replace("-", "_") for check in CHECKS}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_documentation_says_what_the_check_says(check: Check) -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/check.md").read_text(encoding="utf-8")
    first = " ".join(check.doc.split("\n\n")[0].split()).replace("``", "`")

    assert f"| `{check.id}` | {first} |" in page.splitlines()
