"""The command line in this process, and copies of config trees that a test may change."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from mmbridge.migrate.cli import main
from run_projects import Run, forked

FIXTURES = Path(__file__).parents[2] / "fixtures/configs"


@dataclass(frozen=True)
class Ran:
    """What one command did."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()


@pytest.fixture
def migrate(capsysbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Ran]:
    """``migrate("convert", path)``: the exit code, standard output and standard error."""

    def run(*arguments: object) -> Ran:
        capsysbinary.readouterr()
        with pytest.raises(SystemExit) as exited:
            main([str(argument) for argument in arguments])
        captured = capsysbinary.readouterr()
        return Ran(int(exited.value.code or 0), captured.out, captured.err.decode())

    return run


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """``run("classify.py", ...)``: ``migrate run``, forked from a process that has torch already."""
    with forked() as run:
        yield run


@pytest.fixture
def ctrl_c_counts() -> Iterator[None]:
    """A process started now obeys Ctrl-C; one of a shell's background may be told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def detection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the detection tree, ``configs`` in the current folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(FIXTURES / "detection", tmp_path / "configs")
    return Path("configs")


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, bytes]]:
    """``snapshot(folder)``: the content of every file below it."""

    def take(folder: Path) -> dict[str, bytes]:
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    return take
