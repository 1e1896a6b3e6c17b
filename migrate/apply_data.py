"""JSON and YAML configs: edits applied to the values, printed in the file's own format.

Such a file has no expressions to keep. YAML comments cannot be kept either; the report names them.
"""

from __future__ import annotations

import re
from typing import Any

from mmbridge.compat.config import StaticFile
from mmbridge.compat.config.formats import write_data
from mmbridge.migrate.apply_dict import materialise, plan
from mmbridge.migrate.edit import Edit


def apply_data(file: StaticFile, edits: list[Edit]) -> str:
    """The text of a JSON or YAML ``file`` after ``edits``.

    Raises ConfigError for what the format has no form for: a value taken from the environment, a tuple.
    """
    values: dict[str, Any] = materialise(plan(file.values, edits), file.values)
    if file.bases:
        values = {"_base_": file.bases[0] if len(file.bases) == 1 else list(file.bases), **values}
    return write_data(values, like=file.text, suffix=file.path.suffix)


def yaml_comments(text: str) -> list[str]:
    """The comments of a YAML text, as far as lines that begin with one or follow a blank show them."""
    return re.findall(r"(?m)(?:^|(?<=\s))#.*$", text)
