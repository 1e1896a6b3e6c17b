"""What ``migrate run`` looks like on a terminal: a line of progress under whole lines of the log."""

from __future__ import annotations

import os
import re
import struct
import sys
from pathlib import Path

import pytest
from run_projects import TOYS, new_style

pty = pytest.importorskip("pty")
COLOUR = re.compile(r"\x1b\[[\d;]*m")
BAR = re.compile(r"(\d+)/8 [━╸╺ ]+ (?:\d+:\d\d:\d\d|-:--:--)(?: +epoch [12]/2)?(?:  loss [\d.e-]+)?")
LOG = re.compile(r"[\d/]+ [\d:]+ - mmengine - INFO - (.*)")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    new_style(tmp_path)


def shown(columns: int, *arguments: str) -> str:
    """All that a run writes to a terminal of this width."""
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    pid = os.fork()
    if not pid:
        os.setsid()
        for number in (0, 1, 2):
            os.dup2(slave, number)
        os.close(master)
        # With this environment, as readline, which pytest imports, puts a size into C's.
        os.execve(sys.executable, [sys.executable, "-m", "mmbridge.migrate", "run", *arguments], dict(os.environ))
    os.close(slave)
    written = b""
    try:
        while chunk := os.read(master, 2**16):
            written += chunk
    except OSError:  # Linux tells so that the other end is closed
        pass
    os.close(master)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), written.decode()
    return written.decode()


def lines(text: str) -> list[str]:
    """What stood in a line at any moment, without colours: each was overwritten or followed by the next."""
    plain = COLOUR.sub("", text).replace("\x1b[?25h", "").replace("\x1b[?25l", "")
    found = re.split(r"\r\n|\r|\n|\x1b\[2K|\x1b\[1A", plain)
    return [line.rstrip() for line in found if line.strip()]


@pytest.mark.parametrize("columns", [60, 120])
@pytest.mark.parametrize("colours", [True, False], ids=["colours", "NO_COLOR"])
def test_the_log_is_above_the_line_of_progress(monkeypatch: pytest.MonkeyPatch, columns: int, colours: bool) -> None:
    if not colours:
        monkeypatch.setenv("NO_COLOR", "1")
    options = ["train_cfg.max_epochs=2", "default_hooks.logger.interval=1"]
    written = shown(columns, "classify.py", "--seed", "0", "--cfg-options", *options)
    stood = lines(written)
    bars = [line for line in stood if BAR.match(line)]
    logged = [found[1] for line in stood if (found := LOG.fullmatch(line))]

    assert colours == (COLOUR.search(written) is not None)
    assert "8" == BAR.match(bars[-1])[1]  # type: ignore[index]
    assert [] == [bar for bar in bars if not BAR.fullmatch(bar) or len(bar) > columns]
    assert 8 == sum(line.startswith("Epoch(train)") for line in logged)
    assert [] == [line for line in stood if "Epoch(" in line and not LOG.fullmatch(line)]  # no line is torn
    assert "Trained 2 epochs, 8 iterations; see work_dirs/classify." == stood[-1]
    assert written.endswith("\x1b[1A\x1b[2KTrained 2 epochs, 8 iterations; see work_dirs/classify.\r\n")
    assert "warning" not in written.replace("WARNING", "")


def test_the_legacy_runtime_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TOYS))
    written = shown(100, f"{TOYS}/configs/classify.py", "--work-dir", "out", "--cfg-options", "runner.max_epochs=2")
    stood = lines(written)
    bars = [line for line in stood if BAR.match(line)]

    assert [] == [bar for bar in bars if not BAR.fullmatch(bar) or len(bar) > 100]
    assert "8" == BAR.match(bars[-1])[1]  # type: ignore[index]
    assert "Trained 2 epochs, 8 iterations; see out." == stood[-1]
