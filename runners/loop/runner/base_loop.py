"""BaseLoop: what the runner starts, be it training, validation or a test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class BaseLoop(ABC):
    """Goes through ``dataloader``, a DataLoader or the dict of one, and calls the runner's hooks on its way.

    A subclass gives :meth:`run`. It may take further arguments, which come from the config that names it, and may
    call points of its own with ``self.runner.call_hook(name, **facts)``.
    """

    def __init__(self, runner: Any, dataloader: Any) -> None:
        self._runner = runner
        if isinstance(dataloader, Mapping):
            diff_rank_seed = runner.diff_rank_seed
            dataloader = runner.build_dataloader(dataloader, seed=runner.seed, diff_rank_seed=diff_rank_seed)
        self.dataloader: Any = dataloader

    @property
    def runner(self) -> Any:
        """The runner that this loop belongs to."""
        return self._runner

    @abstractmethod
    def run(self) -> Any:
        """Do the whole of it."""
