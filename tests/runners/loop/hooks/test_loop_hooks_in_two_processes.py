from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).with_name("hooks_of_two.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where two processes that torchrun started have trained and written what they found."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    run = subprocess.run(
        [*launch, str(SCRIPT), str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return tmp_path


def test_hooks_in_two_processes(folder: Path, make: Callable[..., object], saved: Callable[[], list[str]]) -> None:
    """Both stop at one epoch and know what was saved; the files are there once; the buffers are the mean."""
    expected = {
        "epoch": 4,
        "seen": 0.5,
        "best_score": 0.5,
        "best_ckpt": str(folder / "work" / "best_acc_epoch_2.pth"),
        "last_ckpt": str(folder / "work" / "epoch_4.pth"),
        "keep_ckpt_ids": [3, 4],
    }

    assert [expected, expected] == [torch.load(folder / f"rank{rank}.pt") for rank in range(2)]
    published = ["best_acc_epoch_2-HASH.pth", "epoch_4-HASH.pth"]
    assert sorted([*published, "best_acc_epoch_2.pth", "epoch_3.pth", "epoch_4.pth"]) == saved()
    assert str(folder / "work" / "epoch_4.pth") == (folder / "work" / "last_checkpoint").read_text("utf-8")
