"""A stand-in for the client of an experiment tracker."""

from __future__ import annotations

from types import ModuleType
from typing import Any

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

    def __setitem__(self, key: str, value: Any) -> None:
        self._calls.append((f"{self._name}[{key}] =", (value,), {}))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._calls.append((self._name, args, kwargs))
        return Client(f"{self._name}()", self._calls)
