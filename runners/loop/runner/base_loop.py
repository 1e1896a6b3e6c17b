"""BaseLoop: what the runner starts, be it training, validation or a test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from mmbridge.runners.blame import WrongSetting, blaming


class BaseLoop(ABC):
    """Goes through ``dataloader``, a DataLoader or the dict of one, and calls the runner's hooks on its way.

    A subclass gives :meth:`run`. It may take further arguments, which come from the config that names it, and may
    call points of its own with ``self.runner.call_hook(name, **facts)``.
    """

    mode: ClassVar[str] = ""
    """``train``, ``val`` or ``test``, for errors to name the config's section."""

    def __init__(self, runner: Any, dataloader: Any) -> None:
        self._runner = runner
        with blaming(f"{self.mode}_dataloader".lstrip("_")):
            if isinstance(dataloader, Mapping):
                diff_rank_seed = runner.diff_rank_seed
                dataloader = runner.build_dataloader(dataloader, seed=runner.seed, diff_rank_seed=diff_rank_seed)
            elif not isinstance(dataloader, Iterable) or isinstance(dataloader, str):
                raise WrongSetting(f"must be a DataLoader or the dict of one, found {type(dataloader).__name__}")
        self.dataloader: Any = dataloader

    @property
    def runner(self) -> Any:
        """The runner that this loop belongs to."""
        return self._runner

    @abstractmethod
    def run(self) -> Any:
        """Do the whole of it."""
