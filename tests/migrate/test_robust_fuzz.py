"""Five seconds of ``fuzz.py``, and that it would see what it looks for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from mmbridge.migrate import convert
from mmbridge.migrate.commands import convert as command

FIXTURES = Path(__file__).parents[2] / "fixtures/configs"
OLD = "optimizer = dict(type='SGD', lr=0.1)\nrunner = dict(type='EpochBasedRunner', max_epochs=12)\n"


@pytest.fixture
def fuzz(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import fuzz

    yield fuzz
    sys.modules.pop("fuzz")


def test_five_seconds(fuzz: ModuleType) -> None:
    rounds, bad = fuzz.fuzz(5, 1, [FIXTURES / name for name in ("detection", "segmentation", "traps")])

    assert {} == bad
    assert rounds >= 5


def broken_rule(*_: Any, **__: Any) -> str:
    raise KeyError("runner")


def half_written(writes: list[Any]) -> None:
    for write in writes:
        write.path.write_bytes(write.content[: len(write.content) // 2])


def left_behind(writes: list[Any]) -> None:
    for write in writes:
        (write.path.parent / f"{write.path.name}.tmp").write_bytes(b"")


@pytest.mark.parametrize(
    ("module", "name", "fault", "said"),
    [
        pytest.param(convert, "apply_source", broken_rule, "KeyError", id="an error inside the program"),
        pytest.param(command, "write_all", half_written, "is torn", id="a torn file"),
        pytest.param(command, "write_all", left_behind, "other files than before", id="a temporary file"),
        pytest.param(command, "find", broken_rule, "Traceback", id="a traceback"),
    ],
)
def test_it_sees_a_fault(
    fuzz: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, fault: Any, said: str
) -> None:
    (tmp_path / "a.py").write_text(OLD)
    monkeypatch.setattr(module, name, fault)

    assert any(said in complaint for complaint in fuzz.complaints(tmp_path))


def test_a_round_is_the_same_for_the_same_seed(fuzz: ModuleType, tmp_path: Path) -> None:
    configs = fuzz.closures([FIXTURES / "detection"])
    for name in ("a", "b"):
        fuzz.lay_out(configs, fuzz.random.Random("1 2"), tmp_path / name)

    first, second = ([path.read_bytes() for path in sorted((tmp_path / name).rglob("*.py"))] for name in ("a", "b"))
    assert first == second
