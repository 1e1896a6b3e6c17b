"""How long each iteration takes, how much of it is waiting for data, and how long the rest will take."""

from __future__ import annotations

import time
from typing import Any

from mmbridge.compat.hook import EngineHook, takes
from mmbridge.runners.loop.hooks.appending import Appending
from mmbridge.runners.loop.registry import HOOKS


class Stopwatch:
    """The times of one mode: where they are logged, their sum in seconds, and how many there are and will be.

    How many there will be of a validation or test is looked up once they are needed: loops may have no data before.
    """

    __slots__ = ("done", "length", "log", "mode", "total")

    def __init__(self, mode: str, hub: Any, length: int | None = None) -> None:
        self.mode = mode
        self.log = Appending(hub, f"{mode}/")
        self.length = length
        self.total = 0.0
        self.done = 0


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

    @property
    def time_sec_tot(self) -> float:
        """The seconds that training has taken so far. A subclass that times iterations itself may add to it."""
        return 0.0 if self._training is None else self._training.total

    @time_sec_tot.setter
    def time_sec_tot(self, seconds: float) -> None:
        if self._training is not None:  # it begins at 0
            self._training.total = seconds

    @property
    def time_sec_test_val(self) -> float:
        """As :attr:`time_sec_tot`, of the validation or test that goes on."""
        return 0.0 if self._watch is self._training else self._watch.total

    @time_sec_test_val.setter
    def time_sec_test_val(self, seconds: float) -> None:
        if self._watch is not self._training:
            self._watch.total = seconds

    def before_train(self, runner: Any) -> None:
        """Remember where training starts."""
        self.start_iter = runner.iter
        self._training = self._watch = Stopwatch("train", runner.message_hub, runner.max_iters - runner.iter)

    def _before_epoch(self, runner: Any, mode: str = "train") -> None:
        """Start the clock."""
        if mode == "train":
            if self._training is None:  # a loop of the user's may not call before_train
                self.before_train(runner)
            self._watch = self._training
            self._watch.log = Appending(runner.message_hub, "train/")
        else:
            self._watch = Stopwatch(mode, runner.message_hub)
        self.t = time.time()

    def _after_epoch(self, runner: Any, mode: str = "train") -> None:
        """After a validation, training goes on."""
        self._watch = self._training

    @takes()
    def _before_iter(self, runner: Any, batch_idx: int = 0, data_batch: Any = None, mode: str = "train") -> None:
        """The batch is there: log how long that took."""
        self._watch.log["data_time"](time.time() - self.t)

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
        watch.log["time"](elapsed)
        if watch.length is None:
            watch.length = len(getattr(runner, f"{watch.mode}_dataloader"))
        runner.message_hub.update_info("eta", watch.total / watch.done * (watch.length - watch.done))
