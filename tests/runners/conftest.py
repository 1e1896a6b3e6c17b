"""Stand-ins for the clients of experiment trackers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

Call = tuple[str, tuple[Any, ...], dict[str, Any]]


class Client(ModuleType):
    """Stands for a tracker's module: every call of anything below it is kept, with its dotted name."""

    def __init__(self, name: str, calls: list[Call]) -> None:
        super().__init__(name)
        self.__path__ = []
        self._calls, self._name = calls, name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Client(f"{self._name}.{name}", self._calls)

    def __getitem__(self, key: str) -> Any:
        return Client(f"{self._name}[{key}]", self._calls)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._calls.append((self._name, args, kwargs))
        return Client(f"{self._name}()", self._calls)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Call]]:
    """Put recorded stand-ins in the place of modules; returns the list that their calls go to."""

    def replace(*modules: str) -> list[Call]:
        calls: list[Call] = []
        for module in modules:
            monkeypatch.setitem(sys.modules, module, Client(module, calls))
        return calls

    return replace
