"""A converted config written out with all it inherits: values only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmbridge.compat.config import ConfigError, Undecided, evaluate, to_python
from mmbridge.migrate.prove import check_same


def flat_text(path: Path, config: Mapping[str, Any], old: Mapping[str, Any]) -> str:
    """Python text that sets what ``config``, the resolved ``path``, holds; it names no base.

    Raises ConfigError for a value that is not known without running the file. It names the line in the ``old``
    config, for that is the one people have.
    """
    for key, value in config.items():
        for unknown in _undecided(value):
            lines = {u.line for u in _undecided(old) if (u.path, u.reason) == (unknown.path, unknown.reason)}
            raise ConfigError(
                f"{unknown.path}:{min(lines, default=unknown.line)}: {key} cannot be written out, as it is not known "
                f"without running the file ({unknown.reason}); convert {path} without --flatten."
            )
    text = to_python(config, strict=True)
    check_same("flatten", config, evaluate(text, path).values)
    return text


def _undecided(value: Any) -> Iterator[Undecided]:
    if isinstance(value, Undecided):
        yield value
    elif isinstance(value, (Mapping, list, tuple)):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _undecided(part)
