"""The command line starts fast: it imports only what the command at hand needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FIXTURE = Path(__file__).parents[2] / "fixtures/configs/traps/loop_total_epochs.py"
LOADED = """
import sys
from mmbridge.migrate.cli import main

try:
    main()
except SystemExit:
    print(*sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def loaded(*arguments: str) -> set[str]:
    """The modules that a command leaves imported."""
    process = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True)
    return set(process.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["convrt"]], ids=" ".join)
def test_what_converts_nothing_loads_no_converter(arguments: list[str]) -> None:
    assert set() == loaded(*arguments) & {"libcst", "yaml", "rich", "deepdiff", "numpy", "asyncio"}


def test_converting_loads_what_it_needs_and_no_more() -> None:
    found = loaded("convert", str(FIXTURE))

    assert {"libcst", "yaml"} <= found
    assert set() == found & {"rich", "deepdiff", "numpy", "torch", "multiprocessing", "unittest", "asyncio"}
