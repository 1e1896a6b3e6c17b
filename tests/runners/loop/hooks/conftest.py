"""A run of known numbers, whose hooks a test chooses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TOYS = str(Path(__file__).parents[4] / "fixtures" / "toys" / "loop")


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """``make(**options)``: a runner in ``tmp_path/work``, as hook_toys.make says."""
    monkeypatch.syspath_prepend(TOYS)
    from hook_toys import make as make_toy
    from loop_engines import ours

    engine = ours()
    return lambda **options: make_toy(engine, options.pop("work_dir", tmp_path / "work"), **options)


@pytest.fixture
def trained(make: Callable[..., Any]) -> Callable[..., Any]:
    """As ``make``, trained."""

    def train(**options: Any) -> Any:
        runner = make(**options)
        runner.train()
        return runner

    return train


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[], list[str]]:
    """The names of the checkpoints there are, without the digits of a hash."""

    def names() -> list[str]:
        from hook_toys import files

        return files(tmp_path / "work")  # type: ignore[no-any-return]

    return names
