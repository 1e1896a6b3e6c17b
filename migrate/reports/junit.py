"""The report as JUnit XML: one test case per file, so that continuous integration shows which file failed and why."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

from mmbridge.migrate.report import FileReport, Level, Note, Status
from mmbridge.migrate.reports import Document
from mmbridge.migrate.reports.names import Names

_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SKIPPED: Final = (Status.ALREADY_NEW, Status.NOT_A_CONFIG)
_FAILURES: Final = (Status.FAILED, Status.FAULTY)


def render(document: Document) -> str:
    """The report as one test suite: failed and faulty files are failures, other notes properties of their case."""
    counts = document.report.counts()
    numbers = {
        "tests": str(len(document.report.files)),
        "failures": str(sum(counts[status] for status in _FAILURES)),
        "errors": "0",
        "skipped": str(sum(counts[status] for status in _SKIPPED)),
    }
    suites = ElementTree.Element("testsuites", {"name": "mmbridge", **numbers})
    suite = ElementTree.SubElement(suites, "testsuite", {"name": f"migrate {document.command}", **numbers})
    for file in document.report.files:
        _case(suite, file, document)
    ElementTree.indent(suites)
    text = ElementTree.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(suite: ElementTree.Element, file: FileReport, document: Document) -> None:
    name = _legal(document.names.of(file.path))
    case = ElementTree.SubElement(suite, "testcase", classname=f"migrate.{document.command}", name=name, file=name)
    properties = ElementTree.SubElement(case, "properties")
    ElementTree.SubElement(properties, "property", name="status", value=file.status.value)
    for note in file.notes:
        if not _is_fault(file, note):
            said = _said(file, note, document.names)
            ElementTree.SubElement(properties, "property", name=note.level.value, value=said)
    if file.status in _FAILURES:
        said = "\n".join(_said(file, note, document.names) for note in file.notes if _is_fault(file, note))
        failure = ElementTree.SubElement(case, "failure", type=file.status.value, message=said.split("\n")[0])
        failure.text = said
    elif file.status in _SKIPPED:
        ElementTree.SubElement(case, "skipped", message=file.status.value)


def _is_fault(file: FileReport, note: Note) -> bool:
    """Whether the note is why its file fails: errors, and in a faulty file all that was found."""
    return note.level is Level.ERROR or (file.status is Status.FAULTY and note.level is not Level.INFO)


def _said(file: FileReport, note: Note, names: Names) -> str:
    where = f"{names.of(file.path)}:{note.line}" if note.line else names.of(file.path)
    return _legal(f"{where}: {names.within(note.sentence)} [{note.rule}]")


def _legal(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
