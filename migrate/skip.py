"""``# migrate: skip``: statements that a person wants left alone."""

from __future__ import annotations

import re
from typing import Final

from mmbridge.compat.config import StaticFile

SKIP: Final = re.compile(r"#\s*migrate:\s*skip\b")


def skipped_keys(file: StaticFile) -> frozenset[str]:
    """The keys bound by statements that carry the comment, on one of their lines or alone on the line above."""
    if SKIP.search(file.text) is None:
        return frozenset()
    lines = file.text.split("\n")
    skipped: set[int] = set()
    for node in file.tree.body:
        above = lines[node.lineno - 2].lstrip() if node.lineno > 1 else ""
        covered = lines[node.lineno - 1 : node.end_lineno]
        if any(SKIP.search(line) for line in (above if above.startswith("#") else "", *covered)):
            skipped.add(node.lineno)
    return frozenset(key for key, numbers in file.bindings.items() if skipped.intersection(numbers))
