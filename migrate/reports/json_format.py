"""The report as JSON; ``docs/reference/report.md`` describes every field."""

from __future__ import annotations

import json
from importlib.metadata import version
from math import isfinite
from typing import Any, Final

from mmbridge.migrate.prove import Proof
from mmbridge.migrate.report import FileReport, Level
from mmbridge.migrate.reports import Document
from mmbridge.migrate.reports.names import Names

VERSION: Final = 1
"""Of the schema: it grows by one whenever a field changes its meaning or goes; new fields may come at any time."""


def render(document: Document) -> str:
    """The report as one JSON object."""
    report = document.report
    value = {
        "version": VERSION,
        "tool": {"name": "mmbridge", "version": version("mmbridge")},
        "command": document.command,
        "summary": {
            "files": len(report.files),
            "statuses": {status.value: count for status, count in report.counts().items()},
            "notes": {level.value: report.notes(level) for level in Level},
        },
        "files": [_file(file, document.names) for file in report.files],
    }
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def _file(file: FileReport, names: Names) -> dict[str, Any]:
    return {
        "path": names.of(file.path),
        "asked": file.asked,
        "status": file.status.value,
        "proof": None if file.proof is None else _proof(file.proof),
        "notes": [
            {
                "level": note.level.value,
                "rule": note.rule,
                "key": note.key or None,
                "line": note.line or None,
                "message": names.within(note.message),
            }
            for note in file.notes
        ],
    }


def _proof(proof: Proof) -> dict[str, Any]:
    return {
        "iterations": proof.iterations,
        "max_relative_deviation": proof.worst if isfinite(proof.worst) else None,
        "where": proof.where or None,
        "exact": proof.exact,
    }
