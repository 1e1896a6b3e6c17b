"""JSON and YAML configs: edits applied to the values, printed in the file's own format.

Such a file has no expressions to keep. YAML comments cannot be kept either; the report names them.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml
from mmbridge.compat.config import BaseRef, StaticFile, Undecided
from mmbridge.migrate.apply_dict import materialise, plan
from mmbridge.migrate.edit import Edit
from mmbridge.migrate.render import NotExpressible


def apply_data(file: StaticFile, edits: list[Edit]) -> str:
    """The text of a JSON or YAML ``file`` after ``edits``.

    Raises NotExpressible for what the format has no form for: a value taken from the environment, a tuple.
    """
    values: dict[str, Any] = materialise(plan(file.values, edits), file.values)
    if file.bases:
        values = {"_base_": file.bases[0] if len(file.bases) == 1 else list(file.bases), **values}
    references: dict[str, str] = {}
    plain = _plain(values, references)
    if file.path.suffix == ".json":
        text = json.dumps(plain, indent=_indent(file.text), ensure_ascii=False) + "\n"
    else:
        text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, default_flow_style=None)
    for mark, reference in references.items():
        text = re.sub(rf"""["']?{mark}["']?""", reference, text)
    return text


def yaml_comments(text: str) -> list[str]:
    """The comments of a YAML text, as far as lines that begin with one or follow a blank show them."""
    return re.findall(r"(?m)(?:^|(?<=\s))#.*$", text)


def _indent(text: str) -> int | None:
    found = re.search(r"\n( +)\S", text)
    return len(found[1]) if found else None


def _plain(value: Any, references: dict[str, str]) -> Any:
    if isinstance(value, BaseRef):
        mark = f"mmbridge-reference-{len(references)}-"
        references[mark] = f"{{{{_base_.{value.dotted}}}}}"
        return mark
    if isinstance(value, dict):
        return {key: _plain(item, references) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, references) for item in value]
    if isinstance(value, (Undecided, tuple, set)):
        raise NotExpressible(f"{value!r} has no form in this file's format.")
    return value
