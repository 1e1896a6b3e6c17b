"""How long each iteration takes, how much of it is waiting for data, and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from mmbridge.compat.hook import EngineHook, takes
from mmbridge.runners.loop.registry import HOOKS

_DATA_TIME: Mapping[str, str] = {mode: f"{mode}/data_time" for mode in ("train", "val", "test")}
_TIME: Mapping[str, str] = {mode: f"{mode}/time" for mode in ("train", "val", "test")}


@HOOKS.register_module()
class IterTimerHook(EngineHook):
    """Logs ``<mode>/data_time`` and ``<mode>/time`` (seconds per iteration, the former within the latter).

    The fact ``eta`` is the seconds left: of training, by the mean of all its iterations so far; of a validation or
    test, by the mean of its own. MMEngine 0.10.7, mmengine/hooks/iter_timer_hook.py.
    """

    def __init__(self) -> None:
        self.t = time.time()
        self.time_sec_tot = 0.0
        self.time_sec_test_val = 0.0
        self.start_iter = 0
        self._length = 0
        self._done = 0

    def before_train(self, runner: Any) -> None:
        """Remember where training starts."""
        self.start_iter = runner.iter

    def _before_epoch(self, runner: Any, mode: str = "train") -> None:
        """Start the clock; look up once how many iterations there will be."""
        if mode == "train":
            self._length = runner.max_iters
        else:
            self._length = len(runner.val_dataloader if mode == "val" else runner.test_dataloader)
        self._done = 0
        self.t = time.time()

    def _after_epoch(self, runner: Any, mode: str = "train") -> None:
        """Forget what a validation or test took."""
        self.time_sec_test_val = 0.0

    @takes()
    def _before_iter(self, runner: Any, batch_idx: int = 0, data_batch: Any = None, mode: str = "train") -> None:
        """The batch is there: log how long that took."""
        runner.message_hub.update_scalar(_DATA_TIME[mode], time.time() - self.t)

    @takes()
    def _after_iter(
        self, runner: Any, batch_idx: int = 0, data_batch: Any = None, outputs: Any = None, mode: str = "train"
    ) -> None:
        """Log how long the iteration took and what is left, and start the next."""
        now = time.time()
        own = self.__dict__  # past Hook.__setattr__, which would cost as much as all of the rest
        elapsed = now - own["t"]
        own["t"] = now
        hub = runner.message_hub
        hub.update_scalar(_TIME[mode], elapsed)
        if mode == "train":
            own["time_sec_tot"] += elapsed
            done = runner.iter + 1
            per_iter = own["time_sec_tot"] / (done - own["start_iter"])
        else:
            own["time_sec_test_val"] += elapsed
            done = own["_done"] = own["_done"] + 1
            per_iter = own["time_sec_test_val"] / done
        hub.update_info("eta", per_iter * (own["_length"] - done))
