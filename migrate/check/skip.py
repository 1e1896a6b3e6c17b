"""The comment that silences what is told about a statement."""

from __future__ import annotations

from mmbridge.compat.config import Reader
from mmbridge.migrate.check.origin import Origin
from mmbridge.migrate.skip import SKIP


def is_skipped(reader: Reader, where: Origin) -> bool:
    """Whether ``# migrate: skip`` stands on the statement at ``where``, or alone on the line above it."""
    lines = reader.text(where.path).splitlines()
    if not any(SKIP.search(line) for line in lines):
        return False
    first = last = where.line
    if where.path.suffix == ".py":
        for node in reader.file(where.path).tree.body:
            if node.lineno <= where.line <= (node.end_lineno or node.lineno):
                first, last = node.lineno, node.end_lineno or node.lineno
    above = lines[first - 2].lstrip() if first > 1 else ""
    return any(SKIP.search(line) for line in (above if above.startswith("#") else "", *lines[first - 1 : last]))
