"""What a rule says where it would have to guess."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.compat.config import Undecided
from mmbridge.migrate.edit import Path, Todo
from mmbridge.migrate.view import View


def undecided(view: View, *paths: Path) -> Iterator[Todo]:
    """A Todo for each of ``paths`` where only running the file would tell what stands there."""
    for path in paths:
        found = view.get(*path)
        if isinstance(found, Undecided):
            yield Todo(path, f"only running the file tells its value ({found.reason}); convert it by hand.")
