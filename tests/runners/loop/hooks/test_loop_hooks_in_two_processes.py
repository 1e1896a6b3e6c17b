from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torchrun import in_two_processes

SCRIPT = Path(__file__).with_name("hooks_of_two.py")


def test_hooks_in_two_processes(tmp_path: Path, make: Callable[..., object], saved: Callable[[], list[str]]) -> None:
    """Both stop at one epoch and know what was saved; the files are there once; the buffers are the mean."""
    expected = {
        "epoch": 4,
        "seen": 0.5,
        "best_score": 0.5,
        "best_ckpt": str(tmp_path / "work" / "best_acc_epoch_2.pth"),
        "last_ckpt": str(tmp_path / "work" / "epoch_4.pth"),
        "keep_ckpt_ids": [3, 4],
    }

    assert [expected, expected] == in_two_processes(SCRIPT, tmp_path)
    published = ["best_acc_epoch_2-HASH.pth", "epoch_4-HASH.pth"]
    assert sorted([*published, "best_acc_epoch_2.pth", "epoch_3.pth", "epoch_4.pth"]) == saved()
    assert str(tmp_path / "work" / "epoch_4.pth") == (tmp_path / "work" / "last_checkpoint").read_text("utf-8")
