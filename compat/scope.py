"""The scope in force: where names without scope are looked up first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CURRENT: ContextVar[str | None] = ContextVar("mmbridge_scope", default=None)


def current_scope() -> str | None:
    """The scope in force; None where there is none."""
    return _CURRENT.get()


def set_scope(scope: str) -> None:
    """From now on, in this context, names without scope are looked up from ``scope``."""
    _CURRENT.set(scope)


@contextmanager
def default_scope(scope: str | None) -> Iterator[None]:
    """Within the block, names without scope are looked up from ``scope``; None changes nothing."""
    if scope is None:
        yield
        return
    token = _CURRENT.set(scope)
    try:
        yield
    finally:
        _CURRENT.reset(token)
