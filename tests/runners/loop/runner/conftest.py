from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mmbridge.runners.loop.runner import Runner

sys.path.insert(0, str(Path(__file__).parents[4] / "fixtures" / "toys" / "loop"))
from loop_engines import ours
from loop_toys import register

MakeRunner = Callable[..., Runner]


@pytest.fixture(scope="session")
def engine() -> Any:
    """The loop runtime's names, with the toys registered in it."""
    engine = ours()
    register(engine)
    return engine


@pytest.fixture
def make(engine: Any, tmp_path: Path) -> MakeRunner:
    """Runner(**settings) in a directory of its own."""

    def build(work_dir: Path = tmp_path, **settings: Any) -> Runner:
        return Runner(work_dir=work_dir, log_level="ERROR", **settings)

    return build
