"""What both processes of ``test_loop_hooks_in_two_processes.py`` run: ``torchrun ... hooks_of_two.py FOLDER``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch
from mmbridge.runners.dist import get_dist_info
from mmbridge.runners.loop.hooks import Hook

sys.path.insert(0, str(Path(__file__).parents[4] / "fixtures" / "toys" / "loop"))
from hook_toys import make
from loop_engines import ours


class Uneven(Hook):
    """Makes the buffers of the processes differ."""

    priority = "HIGH"

    def after_train_epoch(self, runner: object) -> None:
        runner.bare_model.seen.fill_(get_dist_info()[0])  # type: ignore[attr-defined]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    checkpoint = {"type": "CheckpointHook", "interval": 1, "save_best": "acc", "max_keep_ckpts": 2}
    runner = make(
        ours(),
        folder / "work",
        epochs=9,
        scores=[{"acc": score} for score in (0.1, 0.5, 0.5, 0.5)],
        test_scores=[{"acc": 0.5}],
        launcher="pytorch",
        env_cfg={"dist_cfg": {"backend": "gloo"}},
        default_hooks={"checkpoint": {**checkpoint, "published_keys": "state_dict"}},
        custom_hooks=[
            Uneven(),
            {"type": "SyncBuffersHook"},
            {"type": "EMAHook", "momentum": 0.1},
            {"type": "EarlyStoppingHook", "monitor": "acc", "patience": 2},
        ],
    )
    runner.train()
    runner.test()
    facts = {key: runner.message_hub.get_info(key) for key in ("best_score", "best_ckpt", "last_ckpt", "keep_ckpt_ids")}
    found = {"epoch": runner.epoch, "seen": runner.bare_model.seen.item(), **facts}
    torch.save(found, folder / f"rank{get_dist_info()[0]}.pt")
    torch.distributed.destroy_process_group()
    time.sleep(0.2)  # a thread of gloo that has not let go of the last tensor when Python ends aborts the process
