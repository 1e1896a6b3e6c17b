"""The report as text, JSON, SARIF and JUnit: what each must hold, and that nothing said breaks its format."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.migrate.prove import Proof
from mmbridge.migrate.report import STEPS, FileReport, Level, Note, Report, Status
from mmbridge.migrate.reports import FORMATS, Document, render
from mmbridge.migrate.reports.names import Names
from mmbridge.migrate.rules import RULES

HERE = Path("/project")
REFERENCE = Path(__file__).parents[2] / "docs/reference/report.md"


def document(*files: FileReport) -> Document:
    return Document("convert", Report(files), Names(HERE), {"evaluators": "Evaluation becomes an evaluator.\n\nMore."})


def todo(line: int, message: str = "name the metric") -> Note:
    return Note(Level.TODO, "evaluators", "evaluation.metric", line, message)


def converted(name: str, *notes: Note, worst: float = 0.0) -> FileReport:
    proof = Proof(87_960, worst, "at iteration 9" if worst else "")
    return FileReport(HERE / name, Status.CONVERTED, list(notes), proof)


def failed(name: str, message: str) -> FileReport:
    report = FileReport(HERE / name, Status.UNCHANGED)
    report.fail("read", message)
    return report


MIXED = (
    converted("a.py", todo(3)),
    converted("b/c.py", todo(8), Note(Level.WARNING, "checkpoint", "", 0, "a name may differ"), worst=2e-3),
    failed("bad.py", "/project/bad.py:7: this is not Python: found <b> & \"'; correct the file."),
    FileReport(HERE / "new.py", Status.ALREADY_NEW),
    FileReport(HERE / "setup.py", Status.NOT_A_CONFIG),
    FileReport(Path("/elsewhere/base one.py"), Status.UNCHANGED, asked=False),
)


def test_text() -> None:
    expected = """\
a.py: converted; square and reload hold; schedule: 87,960 iterations, max relative deviation 0
b/c.py: converted; square and reload hold; schedule: 87,960 iterations, max relative deviation 0.002 at iteration 9
new.py: already new
setup.py: not a config
todo: evaluation.metric: name the metric [evaluators] (2 places)
  a.py:3
  b/c.py:8
b/c.py: warning: a name may differ [checkpoint]
bad.py:7: error: this is not Python: found <b> & "'; correct the file. [read]
Proof: square and reload hold for 2 files; 2 schedules compared, 1 equal at every iteration, 1 with a stated deviation.
6 files: 2 converted, 1 unchanged, 1 already new, 1 not a config, 1 failed; \
2 left for a person, 1 warning, 1 error.
"""

    assert expected == render(document(*MIXED), "text")


def test_text_of_nothing_counts_nothing() -> None:
    expected = "0 files: 0 converted, 0 unchanged, 0 failed; 0 left for a person, 0 warnings, 0 errors.\n"

    assert expected == render(document(), "text")


def test_text_has_one_line_for_a_file_without_notes() -> None:
    lines = render(document(converted("a.py")), "text").splitlines()

    assert 2 == len(lines)


def test_json_holds_everything() -> None:
    found = json.loads(render(document(*MIXED), "json"))
    statuses = found["summary"].pop("statuses")

    assert 1 == found["version"]
    assert "convert" == found["command"]
    assert {
        "converted": 2,
        "unchanged": 1,
        "already new": 1,
        "not a config": 1,
        "failed": 1,
    }.items() <= statuses.items()
    assert {
        "files": 6,
        "notes": {"info": 0, "warning": 1, "todo": 2, "error": 1},
    } == found["summary"]
    assert {
        "path": "b/c.py",
        "asked": True,
        "status": "converted",
        "proof": {"iterations": 87960, "max_relative_deviation": 0.002, "where": "at iteration 9", "exact": False},
        "notes": [
            {
                "level": "todo",
                "rule": "evaluators",
                "key": "evaluation.metric",
                "line": 8,
                "message": "name the metric",
            },
            {"level": "warning", "rule": "checkpoint", "key": None, "line": None, "message": "a name may differ"},
        ],
    } == found["files"][1]
    assert ("/elsewhere/base one.py", False) == (found["files"][5]["path"], found["files"][5]["asked"])


def test_json_has_no_number_that_json_lacks() -> None:
    found = json.loads(render(document(converted("a.py", worst=float("inf"))), "json"))

    assert {"iterations": 87960, "max_relative_deviation": None, "where": "at iteration 9", "exact": False} == found[
        "files"
    ][0]["proof"]


def test_every_field_of_the_json_report_is_documented() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    names = set(keys(json.loads(render(document(*MIXED), "json"))))

    assert set() == {name for name in names if f"`{name}`" not in text}


def keys(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(name for item in value.values() for name in keys(item))]
    return [name for item in value for name in keys(item)] if isinstance(value, list) else []


def test_every_step_and_status_is_documented() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    names = [*STEPS, *(status.value for status in Status), *(level.value for level in Level)]

    assert [] == [name for name in names if f"`{name}`" not in text]


def test_sarif_has_the_required_shape() -> None:
    log = json.loads(render(document(*MIXED), "sarif"))
    (run,) = log["runs"]
    driver = run["tool"]["driver"]

    assert "2.1.0" == log["version"]
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    assert "mmbridge" == driver["name"]
    assert [False] == [invocation["executionSuccessful"] for invocation in run["invocations"]]
    assert ["checkpoint", "evaluators", "read"] == [rule["id"] for rule in driver["rules"]]
    assert {"text": "Evaluation becomes an evaluator."} == driver["rules"][1]["shortDescription"]
    assert {"text": STEPS["read"]} == driver["rules"][2]["fullDescription"]
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]


def test_sarif_names_file_line_and_level() -> None:
    (run,) = json.loads(render(document(*MIXED), "sarif"))["runs"]
    places = [
        (place["artifactLocation"]["uri"], place.get("region"), result["level"])
        for result in run["results"]
        for place in [result["locations"][0]["physicalLocation"]]
    ]

    assert [
        ("a.py", {"startLine": 3}, "warning"),
        ("b/c.py", {"startLine": 8}, "warning"),
        ("b/c.py", None, "warning"),
        ("bad.py", {"startLine": 7}, "error"),
    ] == places


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        pytest.param("/project/a b#c%.py", "a%20b%23c%25.py", id="reserved characters"),
        pytest.param("/else where/a.py", "file:///else%20where/a.py", id="outside"),
        pytest.param("/project/caf\xe9.py", "caf%C3%A9.py", id="not ASCII"),
    ],
)
def test_uri(path: str, uri: str) -> None:
    assert uri == Names(HERE).uri(Path(path))


def test_junit() -> None:
    suites = ElementTree.fromstring(render(document(*MIXED), "junit"))
    (suite,) = suites
    cases = {case.get("name"): case for case in suite}
    failure = cases["bad.py"].find("failure")

    assert ("testsuites", "testsuite") == (suites.tag, suite.tag)
    for element in (suites, suite):
        assert {"tests": "6", "failures": "1", "errors": "0", "skipped": "2"}.items() <= element.attrib.items()
    assert ["a.py", "b/c.py", "bad.py", "new.py", "setup.py", "/elsewhere/base one.py"] == list(cases)
    assert failure is not None
    assert (
        "bad.py:7: this is not Python: found <b> & \"'; correct the file. [read]"
        == failure.text
        == failure.get("message")
    )
    assert [
        ("status", "converted"),
        ("todo", "b/c.py:8: evaluation.metric: name the metric [evaluators]"),
        ("warning", "b/c.py: a name may differ [checkpoint]"),
    ] == [(p.get("name"), p.get("value")) for p in cases["b/c.py"].iter("property")]
    assert "already new" == cases["new.py"].find("skipped").get("message")  # type: ignore[union-attr]


@given(name=st.text(min_size=1), message=st.text())
def test_nothing_said_can_break_a_format(name: str, message: str) -> None:
    """Not even surrogates, which stand for bytes that are no UTF-8 in a file's name."""
    path = Path("/project") / name.replace("/", "-").replace("\0", "-").lstrip(".")
    files = document(FileReport(path, Status.FAILED, [Note(Level.ERROR, "read", "", 1, message)]))
    rendered = {form: render(files, form) for form in FORMATS}

    assert message == "" or "\n" in rendered["text"]
    assert 3 >= rendered["text"].count("\n") >= 2
    assert 1 == len(json.loads(rendered["json"])["files"])
    assert 1 == len(json.loads(rendered["sarif"])["runs"][0]["results"])
    assert "1" == ElementTree.fromstring(rendered["junit"].encode()).get("failures")
    for text in rendered.values():
        assert text.encode()
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)


@pytest.mark.parametrize(
    ("message", "line", "rest"),
    [
        pytest.param("/project/a.py:12: wrong; correct it.", 12, "wrong; correct it.", id="path and line"),
        pytest.param("/project/a.py: wrong.", 0, "wrong.", id="path"),
        pytest.param("/project/b.py:3: wrong.", 0, "/project/b.py:3: wrong.", id="another file"),
        pytest.param("wrong.", 0, "wrong.", id="no path"),
    ],
)
def test_fail_takes_the_place_out_of_the_sentence(message: str, line: int, rest: str) -> None:
    report = FileReport(Path("/project/a.py"), Status.UNCHANGED)
    report.fail("read", message)

    assert [Note(Level.ERROR, "read", "", line, rest)] == report.notes


@pytest.mark.parametrize(
    ("files", "strict", "code"),
    [
        pytest.param([converted("a.py")], True, 0, id="done"),
        pytest.param([converted("a.py", todo(1))], False, 0, id="something left"),
        pytest.param([converted("a.py", todo(1))], True, 1, id="something left, strict"),
        pytest.param([converted("a.py", todo(1)), failed("b.py", "x")], True, 2, id="failed"),
        pytest.param([], True, 0, id="nothing"),
    ],
)
def test_exit_code(files: list[FileReport], strict: bool, code: int) -> None:
    assert code == Report(files).exit_code(strict=strict)


@pytest.mark.parametrize("form", FORMATS)
def test_report_goes_to_a_file_and_the_text_stays(migrate: Callable[..., Any], detection: Path, form: str) -> None:
    ran = migrate("convert", detection, "--check", "--report", "out/report", "--format", form)
    alone = migrate("convert", detection, "--check", "--format", form)
    written = Path("out/report").read_text(encoding="utf-8")

    assert "21 files: 17 converted" in ran.err
    assert form == "text" or alone.err == written
    assert written


def test_sarif_of_a_real_run_describes_every_rule(migrate: Callable[..., Any], detection: Path) -> None:
    (run,) = json.loads(migrate("convert", detection, "--check", "--format", "sarif").err)["runs"]
    described = {rule["id"]: rule["fullDescription"]["text"] for rule in run["tool"]["driver"]["rules"]}

    assert {rule.id for rule in RULES} <= described.keys()
    assert all(len(text) > 20 for text in described.values())


def test_report_that_cannot_be_written_is_a_sentence(migrate: Callable[..., Any], detection: Path) -> None:
    Path("file").write_text("")

    ran = migrate("convert", detection, "--check", "--report", "file/report")

    assert 2 == ran.code
    assert "file/report: cannot be written (Not a directory)" in ran.err
