"""Small projects that ``migrate run`` trains, and the command itself, for the tests of its parts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

TOYS = Path(__file__).parents[2] / "fixtures/toys"
Run = Callable[..., subprocess.CompletedProcess[str]]


def new_style(folder: Path) -> Path:
    """The small new-style project, in ``folder``."""
    shutil.copy(TOYS / "new_style_library.py", folder)
    shutil.copy(TOYS / "new_style/classify.py", folder)
    return folder


@contextmanager
def forked() -> Iterator[Run]:
    """``run(*arguments)``: ``migrate run`` in the current folder, in a process that starts at once."""
    pytest.importorskip("torch")
    if not hasattr(os, "fork"):
        pytest.skip("the runs are forked from one process")
    script = Path(__file__).with_name("forked_run.py")
    with subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert "0\n" == process.stdout.readline()

        def run(*arguments: object) -> subprocess.CompletedProcess[str]:
            assert process.stdin is not None and process.stdout is not None
            given = list(map(str, arguments))
            process.stdin.write(json.dumps([str(Path.cwd()), given]) + "\n")
            process.stdin.flush()
            return subprocess.CompletedProcess(given, *json.loads(process.stdout.readline()))

        yield run
        process.stdin.close()


def append(path: str, text: str) -> None:
    """Write ``text`` at the end of a file."""
    with Path(path).open("a") as file:
        file.write(text)


def sentence(ran: subprocess.CompletedProcess[str]) -> str:
    """What the command line says of bad input: one line, and exit code 2."""
    assert 2 == ran.returncode, ran.stderr
    assert "Traceback" not in ran.stderr
    (line,) = [line for line in ran.stderr.splitlines() if line.startswith("migrate: ")]
    return line.removeprefix("migrate: ")


def saved(path: str) -> Any:
    """Weights, optimizer, schedulers, epoch and iteration of a checkpoint, in plain values."""
    torch = pytest.importorskip("torch")
    found = torch.load(path, weights_only=True)
    counters = {name: found["meta"][name] for name in ("epoch", "iter")}
    return _plain([found["state_dict"], found["optimizer"], found["param_schedulers"], counters])


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value
