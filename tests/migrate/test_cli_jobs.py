"""Several processes give what one gives; a process that dies or is interrupted takes nothing with it."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from mmbridge.migrate import workers
from mmbridge.migrate.convert import Run, convert
from mmbridge.migrate.tree import config_files

FIXTURES = Path(__file__).parents[2] / "fixtures/configs"
SIZES = {"large": 8, "middle": 5, "small": 2}
METHODS = [method for method in ("fork", "spawn") if method in multiprocessing.get_all_start_methods()]

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # where a test runner has threads


@pytest.fixture
def paths(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Some fixtures, good and bad; a few are enough for a process."""
    monkeypatch.setattr(workers, "_LEAST", 5)
    return [path for name in ("bad", "comments", "detection", "segmentation") for path in config_files(FIXTURES / name)]


def told(files: Any) -> list[Any]:
    return [(f.path, f.old, f.new, f.bases, f.encoding, f.part, f.report) for f in files]


@pytest.mark.parametrize(
    ("method", "jobs", "flatten"),
    [
        pytest.param("fork", 3, False, id="three processes"),
        pytest.param("fork", 2, True, id="flat"),
        pytest.param("spawn", 2, False, id="spawned"),
    ],
)
def test_order_text_and_reports_are_those_of_one_process(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch, method: str, jobs: int, flatten: bool
) -> None:
    if method not in METHODS:
        pytest.skip(f"no {method} on this system")
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: [method])
    steps: list[int] = []
    expected = convert(paths, flatten=flatten)

    found = workers.convert_in_processes(paths, jobs=jobs, flatten=flatten, step=lambda: steps.append(1))

    assert [file.path for file in expected.files] == [file.path for file in found.files]
    assert [] == [a for a, b in zip(told(expected.files), told(found.files), strict=True) if a != b]
    assert 0 < len(steps) <= 2 * len(paths)


def test_a_project_is_cut_only_if_it_is_larger_than_a_share(tmp_path: Path) -> None:
    large, middle, small = ([tmp_path / name / f"configs/{i}.py" for i in range(n)] for name, n in SIZES.items())

    assert ([[*large[:4]], [*large[4:]]], large) == workers._parts(large, 2)
    assert ([[*middle, *small], [*large]], []) == workers._parts([*middle, *large, *small], 2)


def test_several_projects_are_told_in_the_order_of_one_process(
    tmp_path: Path, detection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_LEAST", 5)
    for name in SIZES:
        shutil.copytree(detection, tmp_path / name / "configs")
    paths = list(config_files(tmp_path))

    assert told(convert(paths).files) == told(workers.convert_in_processes(paths, jobs=2).files)


def test_the_command_says_the_same(
    migrate: Callable[..., Any], detection: Path, snapshot: Callable[[Path], dict[str, bytes]]
) -> None:
    one = migrate("convert", detection, "-o", "one")
    two = migrate("convert", detection, "-o", "two", "--jobs", "2")

    assert one == two
    assert snapshot(Path("one")) == snapshot(Path("two"))


@pytest.mark.skipif("fork" not in METHODS, reason="the process that dies must inherit that it does")
def test_files_of_a_process_that_dies_are_reported_and_the_others_go_on(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Run.convert

    def die(run: Run, part: Any, step: Any, asked: Any) -> Any:
        if part[0] == paths[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(run, part, step, asked)

    monkeypatch.setattr(Run, "convert", die)
    half = len(paths) // 2
    found = workers.convert_in_processes(paths, jobs=2)
    dead = [file.report for file in found.files if file.report.notes and file.report.notes[-1].rule == "internal"]

    assert half == len(dead)
    assert (
        f"ended early (exit code -9), with {half - 1} others; run it again with --jobs 1." in dead[0].notes[0].message
    )
    assert any(file.report.proof is not None for file in found.files)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C reaches processes otherwise there")
@pytest.mark.usefixtures("ctrl_c_counts")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_ends_all_processes_with_130(tmp_path: Path, jobs: str) -> None:
    for number in range(40):  # some seconds of work
        shutil.copytree(FIXTURES / "detection", tmp_path / "trees" / str(number))
    command = [sys.executable, "-m", "mmbridge.migrate", "convert", "trees", "--in-place", "--jobs", jobs]
    for seconds in (1.2, 2.4, 4.8, 9.6):  # it reads or converts by then, unless the machine is busy
        with subprocess.Popen(
            command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            time.sleep(seconds)
            os.killpg(process.pid, signal.SIGINT)
            try:
                err = process.communicate(timeout=120)[1]
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        if process.returncode == 130:  # else Python itself was starting or ending
            break

    assert 130 == process.returncode, err
    assert "Traceback" not in err
    assert [] == list(tmp_path.rglob("*.migrating"))
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)


def test_ctrl_c_while_processes_start_waits_until_all_can_be_ended(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch, ctrl_c_counts: None
) -> None:
    real = workers._Worker.start
    started: list[Any] = []

    def start(*arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        started.append(real(*arguments))
        return started[-1]

    monkeypatch.setattr(workers._Worker, "start", start)
    with pytest.raises(KeyboardInterrupt):
        workers.convert_in_processes(paths, jobs=2)

    assert [-signal.SIGTERM] * 2 == [worker.process.exitcode for worker in started]


def test_processes_start_from_another_thread_than_the_main_one(paths: list[Path]) -> None:
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(workers.convert_in_processes, paths, jobs=2).result()

    assert told(convert(paths).files) == told(found.files)
