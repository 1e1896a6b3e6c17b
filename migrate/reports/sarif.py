"""The report as SARIF 2.1.0 (OASIS standard), for code scanning services and editors."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any, Final

from mmbridge.migrate.report import STEPS, FileReport, Level, Note, Status
from mmbridge.migrate.reports import Document
from mmbridge.migrate.reports.names import Names, printable

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {Level.INFO: "note", Level.WARNING: "warning", Level.TODO: "warning", Level.ERROR: "error"}


def render(document: Document) -> str:
    """The report as a SARIF log of one run; every rule that a result names is described."""
    found = list(document.report.everything())
    about = {**STEPS, **document.rules}
    ids = sorted({*document.rules, *(note.rule for _, note in found)})
    run = {
        "tool": {
            "driver": {
                "name": "mmbridge",
                "version": version("mmbridge"),
                "rules": [_rule(name, about.get(name, name)) for name in ids],
            }
        },
        "invocations": [
            {
                "commandLine": f"migrate {document.command}",
                "executionSuccessful": not document.report.counts()[Status.FAILED],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(file, note, document.names, ids.index(note.rule)) for file, note in found],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(name: str, about: str) -> dict[str, Any]:
    first = " ".join(about.split("\n\n")[0].split())
    return {
        "id": name,
        "shortDescription": {"text": printable(first)},
        "fullDescription": {"text": printable(" ".join(about.split()))},
    }


def _result(file: FileReport, note: Note, names: Names, index: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": names.uri(file.path)}}
    if note.line:
        place["region"] = {"startLine": note.line}
    return {
        "ruleId": note.rule,
        "ruleIndex": index,
        "level": _LEVELS[note.level],
        "message": {"text": names.within(note.sentence)},
        "locations": [{"physicalLocation": place}],
        "properties": {"level": note.level.value},
    }
