"""A converted config written out with all it inherits: values only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmbridge.compat.config import ConfigError, evaluate, to_python
from mmbridge.migrate.prove import check_same
from mmbridge.migrate.view import first_undecided


def flat_text(path: Path, config: Mapping[str, Any]) -> str:
    """Python text that sets what ``config``, the resolved ``path``, holds; it names no base.

    Raises ConfigError, naming file and line, for a value that is not known without running the file.
    """
    for key, value in config.items():
        unknown = first_undecided(value)
        if unknown is not None:
            raise ConfigError(
                f"{unknown.path}:{unknown.line}: {key} cannot be written out, as it is not known without running the "
                f"file ({unknown.reason}); convert {path} without --flatten."
            )
    text = to_python(config, strict=True)
    check_same("flatten", config, evaluate(text, path).values)
    return text
