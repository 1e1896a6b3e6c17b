"""Stand-ins for the clients of experiment trackers."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from recorded_client import Call, Client


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Call]]:
    """Put recorded stand-ins in the place of modules; returns the list that their calls go to."""

    def replace(*modules: str) -> list[Call]:
        calls: list[Call] = []
        for module in modules:
            monkeypatch.setitem(sys.modules, module, Client(module, calls))
        return calls

    return replace
