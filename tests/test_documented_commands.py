"""Every ``sh`` block of the README and of ``docs`` that needs nothing but ``migrate`` runs as it stands there.

Each runs in a folder of its own that holds ``fixtures``, and a tree of old configs as ``configs``, with what the page
has exported before. A line may end in ``# exit code N``; without that it must exit with 0. Blocks with other commands
are for CI, which runs the README's.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(text: str) -> list[str]:
    """The ``sh`` blocks of a page."""
    return re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands(block: str) -> list[tuple[str, int]]:
    """The commands of a block and the exit codes they must have; none if another program than ``migrate`` is used."""
    lines = [line for line in block.replace("\\\n", " ").splitlines() if re.match(r"(?!#|export \w+=)\s*\S", line)]
    if not all(re.match(r"migrate\b(?!.*(&&|;|\|))", line) for line in lines):
        return []
    return [(line, int(code[1]) if (code := re.search(r"# exit code (\d+)$", line)) else 0) for line in lines]


def documented() -> Iterator[object]:
    for page in PAGES:
        exported: dict[str, str] = {}
        for number, block in enumerate(blocks(page.read_text(encoding="utf-8")), 1):
            exported = {**exported, **dict(re.findall(r"^export (\w+)=(\S+)$", block, re.MULTILINE))}
            if commands(block):
                yield pytest.param(commands(block), exported, id=f"{page.relative_to(ROOT)}, block {number}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a reader of the documentation stands."""
    shutil.copytree(ROOT / "fixtures/configs", tmp_path / "fixtures/configs")
    shutil.copytree(ROOT / "fixtures/configs/detection", tmp_path / "configs")
    shutil.copytree(ROOT / "fixtures/toys", tmp_path / "fixtures/toys")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/migrate").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mmbridge.migrate "$@"\n')
    (tmp_path / "bin/migrate").chmod(0o755)
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="the blocks are for a POSIX shell")
@pytest.mark.parametrize(("lines", "exported"), list(documented()))
def test_documented_command_works(folder: Path, lines: list[tuple[str, int]], exported: dict[str, str]) -> None:
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **exported}
    for line, code in lines:
        ran = subprocess.run(["sh", "-c", line], cwd=folder, env=environment, capture_output=True, text=True)

        assert code == ran.returncode, f"{line}\n{ran.stderr}"
        assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param("migrate check a\n# said\nmigrate x  # exit code 2\n", [0, 2], id="only migrate"),
        pytest.param("migrate a \\\n  b\n", [0], id="a line that goes on"),
        pytest.param("pip install mmbridge\nmigrate check a\n", [], id="another program"),
        pytest.param("migrate check a && rm -r a\n", [], id="another program behind it"),
    ],
)
def test_commands_of_a_block(block: str, expected: list[int]) -> None:
    assert expected == [code for _, code in commands(block)]


def test_the_pages_on_commands_are_tested() -> None:
    tested = {param.id.split(",")[0] for param in documented()}  # type: ignore[attr-defined]

    assert {"docs/how-to/convert.md", "docs/how-to/run.md"} <= tested
