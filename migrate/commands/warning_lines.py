"""Warnings of this project on the command line: sentences, without the lines of source that Python shows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click


@contextmanager
def warning_lines() -> Iterator[None]:
    """Within the block, a UserWarning that comes from this project's files is one line on standard error.

    Those of other people keep Python's form, which says where they come from.
    """
    packages = [import_module(f"mmbridge.{name}") for name in ("compat", "runners", "migrate")]
    ours = tuple(place for package in packages for place in package.__path__)
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Any, category: type[Warning], filename: str, *rest: Any, **more: Any) -> None:
            if category is UserWarning and filename.startswith(ours):
                click.echo(f"migrate: warning: {message}", err=True)
            else:
                usual(message, category, filename, *rest, **more)

        warnings.showwarning = show
        yield
