"""``migrate check`` as people see it: text, formats, exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from mmbridge.migrate.check import CHECKS

TREE = Path(__file__).parents[2] / "fixtures/check"
CLEAN = "configs/_base_/toy_data.py"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tree with faults, ``configs`` in the current folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(TREE, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_text_is_one_line_per_finding(tree: Path, migrate: Any) -> None:
    ran = migrate("check", "configs")

    assert (tree / "expected.txt").read_text(encoding="utf-8") == ran.out
    assert ran.err == "11 files checked, 6 with findings: 16 in all.\n"
    assert ran.code == 1


def test_order_of_the_paths_does_not_matter(tree: Path, migrate: Any) -> None:
    files = sorted(str(path.relative_to(tree)) for path in (tree / "configs").rglob("*.*"))

    assert migrate("check", "configs").out == migrate("check", *reversed(files)).out


def test_nothing_is_written(tree: Path, migrate: Any, snapshot: Any) -> None:
    before = snapshot(tree)
    migrate("check", "configs")

    assert before == snapshot(tree)


def test_clean_file_is_zero_and_silent(tree: Path, migrate: Any) -> None:
    ran = migrate("check", CLEAN)

    assert (0, "", "1 file checked, 0 with findings: 0 in all.\n") == (ran.code, ran.out, ran.err)


def test_json_holds_the_same_findings(tree: Path, migrate: Any) -> None:
    text = migrate("check", "configs").out.splitlines()
    report = json.loads(migrate("check", "configs", "--format", "json").out)
    found = [(file["path"], note["line"], note["rule"]) for file in report["files"] for note in file["notes"]]

    assert [line.split(": ")[1] for line in text] == [rule for _, _, rule in found]
    assert ("configs/retina_2x.py", 9, "dead-key") in found
    assert {"clean", "faulty"} == {file["status"] for file in report["files"]}


def test_sarif_describes_every_check_and_places_every_finding(tree: Path, migrate: Any) -> None:
    [run] = json.loads(migrate("check", "configs", "--format", "sarif").out)["runs"]
    described = {rule["id"] for rule in run["tool"]["driver"]["rules"]}

    assert {check.id for check in CHECKS} <= described
    assert 16 == len(run["results"])
    assert run["invocations"][0]["executionSuccessful"]


def test_junit_fails_the_files_at_fault(tree: Path, migrate: Any) -> None:
    suites = ElementTree.fromstring(migrate("check", "configs", "--format", "junit").out)
    failed = [case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None]

    assert "6" == suites.get("failures")
    assert "configs/retina_2x.py" in failed
    assert "configs/retina_1x.py" not in failed


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("nowhere.py", None, "nowhere.py: read: this file does not exist"),
        ("broken.py", "x = (\n", "broken.py:1: unloadable: this is not Python"),
    ],
    ids=["missing", "no Python"],
)
def test_unreadable_file_is_two_and_stops_nobody(
    tree: Path, migrate: Any, name: str, text: str | None, sentence: str
) -> None:
    if text is not None:
        Path(name).write_text(text, encoding="utf-8")
    ran = migrate("check", name, "configs/retina_2x.py")

    assert 2 == ran.code
    assert sentence in ran.out
    assert "configs/retina_2x.py:9: dead-key" in ran.out


def test_no_path_is_wrong_usage(migrate: Any) -> None:
    assert 2 == migrate("check").code
