"""How long each iteration takes, how much of it is waiting for data, and how long the rest will take."""

from __future__ import annotations

import time
from typing import Any

from mmbridge.compat.hook import EngineHook, takes
from mmbridge.runners.loop.registry import HOOKS


class Stopwatch:
    """The times of one mode: where they are logged, their sum in seconds, and how many there are and will be."""

    __slots__ = ("append_data_time", "append_time", "done", "length", "mode", "total")

    def __init__(self, mode: str, hub: Any, length: int) -> None:
        self.mode = mode
        self.length = length
        self.total = 0.0
        self.done = 0
        self.find(hub)

    def find(self, hub: Any) -> None:
        """Look up once what is the same in all iterations: the histories, if they have begun."""
        histories = hub.log_scalars
        found = (histories.get(f"{self.mode}/{name}") for name in ("data_time", "time"))
        self.append_data_time, self.append_time = (None if history is None else history.add for history in found)


@HOOKS.register_module()
class IterTimerHook(EngineHook):
    """Logs ``<mode>/data_time`` and ``<mode>/time`` (seconds per iteration, the former within the latter).

    The fact ``eta`` is the seconds left: of training, by the mean of all its iterations so far; of a validation or
    test, by the mean of its own. MMEngine 0.10.7, mmengine/hooks/iter_timer_hook.py.
    """

    def __init__(self) -> None:
        self.t = time.time()
        self.start_iter = 0
        self._training: Stopwatch | None = None
        self._watch: Any = None  # of the present mode

    def before_train(self, runner: Any) -> None:
        """Remember where training starts."""
        self.start_iter = runner.iter
        self._training = self._watch = Stopwatch("train", runner.message_hub, runner.max_iters - runner.iter)

    def _before_epoch(self, runner: Any, mode: str = "train") -> None:
        """Start the clock."""
        if mode == "train":
            self._watch = self._training
            self._watch.find(runner.message_hub)
        else:
            length = len(runner.val_dataloader if mode == "val" else runner.test_dataloader)
            self._watch = Stopwatch(mode, runner.message_hub, length)
        self.t = time.time()

    def _after_epoch(self, runner: Any, mode: str = "train") -> None:
        """After a validation, training goes on."""
        self._watch = self._training

    @takes()
    def _before_iter(self, runner: Any, batch_idx: int = 0, data_batch: Any = None, mode: str = "train") -> None:
        """The batch is there: log how long that took."""
        elapsed = time.time() - self.t
        watch = self._watch
        if watch.append_data_time is None:
            runner.message_hub.update_scalar(f"{watch.mode}/data_time", elapsed)
        else:
            watch.append_data_time(elapsed)

    @takes()
    def _after_iter(
        self, runner: Any, batch_idx: int = 0, data_batch: Any = None, outputs: Any = None, mode: str = "train"
    ) -> None:
        """Log how long the iteration took and what is left, and start the next."""
        now = time.time()
        own = self.__dict__  # past Hook.__setattr__, which would cost as much as all of the rest
        elapsed = now - own["t"]
        own["t"] = now
        watch = own["_watch"]
        watch.total += elapsed
        watch.done += 1
        hub = runner.message_hub
        if watch.append_time is None:
            hub.update_scalar(f"{watch.mode}/time", elapsed)
            watch.find(hub)
        else:
            watch.append_time(elapsed)
        hub.update_info("eta", watch.total / watch.done * (watch.length - watch.done))
