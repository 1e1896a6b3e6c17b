"""What a rule says where it would have to guess."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mmbridge.compat.config import Undecided
from mmbridge.migrate.edit import Path, Todo, dotted
from mmbridge.migrate.view import View


def undecided(view: View, *paths: Path) -> Iterator[Todo]:
    """A Todo for each of ``paths`` where only running the file would tell what stands there."""
    for path in paths:
        found = view.get(*path)
        if isinstance(found, Undecided):
            yield Todo(path, f"only running the file tells its value ({found.reason}); convert it by hand.")


def beside(view: View, unknown: Sequence[Todo], keys: Iterable[str]) -> Iterator[Todo]:
    """A Todo for each of ``keys`` that stays only because it is converted together with what is ``unknown``."""
    named = {todo.path[0] for todo in unknown}
    for key in keys if unknown else ():
        if view.has(key) and key not in named:
            yield Todo((key,), f"is converted together with {dotted(unknown[0].path)}.")
