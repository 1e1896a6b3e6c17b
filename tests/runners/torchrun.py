"""Several processes on this machine, started as users start them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
SECONDS = 300


def in_two_processes(script: Path, folder: Path, *arguments: str) -> list[Any]:
    """What the two processes of ``script FOLDER ARGUMENTS`` have saved as ``rank0.pt`` and ``rank1.pt``."""
    run_processes(script, str(folder), *arguments)
    return found_by(2, folder)


def found_by(count: int, folder: Path) -> list[Any]:
    """What each of ``count`` processes has saved in ``folder``."""
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(count)]


def run_processes(script: Path, *arguments: str, cwd: Path | None = None, count: int = 2) -> None:
    """Run ``script`` in ``count`` processes of one thread each, which see no CUDA; all must end well."""
    run = subprocess.run(
        [*LAUNCH, f"--nproc_per_node={count}", str(script), *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stderr
