"""The two ways to train: so many epochs, or so many iterations."""

from __future__ import annotations

import bisect
from abc import abstractmethod
from collections.abc import Sequence
from itertools import islice
from typing import Any

from mmbridge.compat.errors import ConfigError
from mmbridge.runners.blame import blaming
from mmbridge.runners.hooks.sampler_seed import tell_epoch
from mmbridge.runners.loop.registry import LOOPS
from mmbridge.runners.loop.runner.base_loop import BaseLoop
from torch import nn

Intervals = Sequence[tuple[int, int]]


class TrainLoop(BaseLoop):
    """What both have in common: counters, and when to validate.

    ``val_begin`` and ``val_interval`` count in the loop's own unit, from 1; the last epoch or iteration is always
    validated. ``dynamic_intervals`` are pairs (milestone, interval): from the unit before ``milestone`` on,
    ``interval`` holds. ``stop_training``, set by a hook, ends the run.
    """

    mode = "train"
    unit = "epoch"

    def __init__(
        self, runner: Any, dataloader: Any, limit: int, val_begin: int, val_interval: int, dynamic_intervals: Any
    ) -> None:
        if limit is None or int(limit) != limit or limit < 0:
            raise ConfigError(f"train_cfg.max_{self.unit}s: must be a whole number, found {limit!r}")
        if not isinstance(val_interval, int) or val_interval < 1:
            raise ConfigError(f"train_cfg.val_interval: must be a whole number from 1 on, found {val_interval!r}")
        super().__init__(runner, dataloader)
        self._epoch = self._iter = 0
        self.val_begin = val_begin
        self.val_interval = val_interval
        self.stop_training = False
        self.dynamic_milestones, self.dynamic_intervals = _dynamic(val_interval, dynamic_intervals)
        runner.see_dataset(self.dataloader)

    @property
    def epoch(self) -> int:
        """How many epochs are finished."""
        return self._epoch

    @property
    def iter(self) -> int:
        """How many iterations are finished."""
        return self._iter

    def _decide_current_val_interval(self) -> None:
        """Set ``val_interval`` for the moment: MMEngine's name, called after each epoch or iteration."""
        done, _ = self._progress()
        self.val_interval = self.dynamic_intervals[bisect.bisect(self.dynamic_milestones, done + 1)]

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        loop, (done, last) = self.runner.val_loop, self._progress()
        if loop is not None and done >= self.val_begin and (done % self.val_interval == 0 or done == last):
            loop.run()

    @abstractmethod
    def _progress(self) -> tuple[int, int]:
        """How many epochs or iterations are finished, and how many there will be."""

    def _step(self, idx: int, data_batch: Any) -> None:
        runner = self._runner
        runner.inner_iter = idx
        runner.data_batch = data_batch
        runner.call_hook("before_train_iter", batch_idx=idx, data_batch=data_batch)
        runner.outputs = outputs = runner.model.train_step(data_batch, optim_wrapper=runner.optim_wrapper)
        runner.call_hook("after_train_iter", batch_idx=idx, data_batch=data_batch, outputs=outputs)
        self._iter += 1


@LOOPS.register_module()
class EpochBasedTrainLoop(TrainLoop):
    """Trains for ``max_epochs`` passes over the data.

    ``iter`` counts once after_train_iter is over, ``epoch`` once after_train_epoch is. MMEngine 0.10.7,
    mmengine/runner/loops.py.
    """

    def __init__(
        self,
        runner: Any,
        dataloader: Any,
        max_epochs: int,
        val_begin: int = 1,
        val_interval: int = 1,
        dynamic_intervals: Intervals | None = None,
    ) -> None:
        super().__init__(runner, dataloader, max_epochs, val_begin, val_interval, dynamic_intervals)
        self._max_epochs = int(max_epochs)
        self._max_iters = self._max_epochs * len(self.dataloader)
        if self._max_epochs and not self._max_iters:
            with blaming("train_dataloader"):
                raise ConfigError("gives no batch: its data are none, or fewer than one batch is made of")
        self.first_batch = 0  # of the next epoch; more where a run goes on that was interrupted in an epoch

    @property
    def max_epochs(self) -> int:
        """How many epochs to train."""
        return self._max_epochs

    @property
    def max_iters(self) -> int:
        """How many iterations that makes."""
        return self._max_iters

    def run(self) -> nn.Module:
        """Train; returns the model."""
        with self.runner.at_work("train", self.dataloader):
            self.runner.call_hook("before_train")
            while self._epoch < self._max_epochs and not self.stop_training:
                self.run_epoch()
                self._validate_if_due()
            self.runner.call_hook("after_train")
        return self.runner.model  # type: ignore[no-any-return]

    def run_epoch(self) -> None:
        """One pass over the data."""
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        first, self.first_batch = self.first_batch, 0
        for idx, data_batch in enumerate(islice(self.dataloader, first, None), first):
            self.run_iter(idx, data_batch)
        self.runner.call_hook("after_train_epoch")
        self._epoch += 1

    def run_iter(self, idx: int, data_batch: Any) -> None:
        """One step on ``data_batch``, the batch number ``idx`` of its epoch, from 0."""
        self._step(idx, data_batch)

    def _progress(self) -> tuple[int, int]:
        return self._epoch, self._max_epochs


@LOOPS.register_module()
class IterBasedTrainLoop(TrainLoop):
    """Trains for ``max_iters`` batches, however often that goes through the data; to the hooks it is one epoch.

    A run that goes on at an iteration draws the batches before it and throws them away. MMEngine 0.10.7,
    mmengine/runner/loops.py, without its pause of two seconds at the end of the data.
    """

    unit = "iter"

    def __init__(
        self,
        runner: Any,
        dataloader: Any,
        max_iters: int,
        val_begin: int = 1,
        val_interval: int = 1000,
        dynamic_intervals: Intervals | None = None,
    ) -> None:
        super().__init__(runner, dataloader, max_iters, val_begin, val_interval, dynamic_intervals)
        self._max_epochs, self._max_iters = 1, int(max_iters)
        self.dataloader_iterator = EndlessIterator(self.dataloader)

    @property
    def max_epochs(self) -> int:
        """To the hooks it is one epoch."""
        return self._max_epochs

    @property
    def max_iters(self) -> int:
        """How many iterations to train."""
        return self._max_iters

    def run(self) -> nn.Module:
        """Train; returns the model."""
        with self.runner.at_work("train", self.dataloader):
            self._run()
        return self.runner.model  # type: ignore[no-any-return]

    def _run(self) -> None:
        runner = self.runner
        runner.call_hook("before_train")
        runner.call_hook("before_train_epoch")
        if self._iter > 0:
            runner.logger.info("going on at iteration %d: the batches before it are drawn first", self._iter)
            for _ in range(self._iter):
                next(self.dataloader_iterator)
        while self._iter < self._max_iters and not self.stop_training:
            runner.model.train()
            self.run_iter(next(self.dataloader_iterator))
            self._validate_if_due()
        runner.call_hook("after_train_epoch")
        runner.call_hook("after_train")

    def run_iter(self, data_batch: Any) -> None:
        """One step on ``data_batch``; to the hooks its number is that of the iteration in the run."""
        self._step(self._iter, data_batch)

    def _progress(self) -> tuple[int, int]:
        return self._iter, self._max_iters


class EndlessIterator:
    """The batches of ``dataloader`` over and over; its sampler is told the number of each pass but the first.

    Raises ConfigError where a pass gives nothing at all.
    """

    def __init__(self, dataloader: Any) -> None:
        self._dataloader = dataloader
        # At once, as this draws from torch's random numbers, and models draw after it.
        self._batches = iter(dataloader)
        self._epoch = 0

    def __iter__(self) -> EndlessIterator:
        return self

    def __next__(self) -> Any:
        for batch in self._batches:
            return batch
        self._epoch += 1
        tell_epoch(self._dataloader, self._epoch)
        self._batches = iter(self._dataloader)
        for batch in self._batches:
            return batch
        raise ConfigError("train_dataloader: gives no batch at all, so the run would never end")


def _dynamic(interval: int, pairs: Intervals | None) -> tuple[list[int], list[int]]:
    if pairs is None:
        return [], [interval]
    if not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
        raise ConfigError(f"train_cfg.dynamic_intervals: must be pairs (milestone, interval), found {pairs!r}")
    return [milestone for milestone, _ in pairs], [interval, *(each for _, each in pairs)]
