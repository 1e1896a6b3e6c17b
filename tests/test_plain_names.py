"""A plain ``import runners`` in the repository's root would shadow users' folders: it is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("statement", ["import {}", "import {}.anything", "from {} import anything"])
@pytest.mark.parametrize("name", ["compat", "runners", "migrate"])
def test_plain_import_says_what_to_import(name: str, statement: str) -> None:
    command = [sys.executable, "-c", statement.format(name)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    sentence = f"'{name}' is a folder of mmbridge, not a package of its own: import mmbridge.{name}."

    assert f"ImportError: {sentence}" == process.stderr.splitlines()[-1]
