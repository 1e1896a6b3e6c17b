"""The formats of a report, one module each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Literal, cast

from mmbridge.migrate.report import Report
from mmbridge.migrate.reports.names import Names

Format = Literal["text", "json", "sarif", "junit"]

_MODULES: Final[Mapping[Format, str]] = {
    "text": "plain_text",
    "json": "json_format",
    "sarif": "sarif",
    "junit": "junit",
}
FORMATS: Final = tuple(_MODULES)


@dataclass(frozen=True, slots=True)
class Document:
    """A report with what its formats need besides: the command, the names of files, what each rule is about."""

    command: str
    report: Report
    names: Names
    rules: Mapping[str, str]


def render(document: Document, form: Format) -> str:
    """The document in a format, as text that ends with a newline."""
    module = import_module(f"mmbridge.migrate.reports.{_MODULES[form]}")
    return cast("Callable[[Document], str]", module.render)(document)
