"""What the hooks for experiment trackers have in common."""

from __future__ import annotations

from abc import abstractmethod
from importlib import import_module
from typing import Any

from mmbridge.compat.errors import BridgeError
from mmbridge.runners.hooks.logger import LoggerHook


class TrackerHook(LoggerHook):
    """Base: the process of rank 0 opens the tracker before the run, logs to it, and closes it after the run."""

    def start(self, runner: Any) -> None:
        """Open the tracker."""

    @abstractmethod
    def write(self, runner: Any, tags: dict[str, Any]) -> None:
        """Log ``tags``."""

    def finish(self, runner: Any) -> None:
        """Close the tracker."""

    def tags(self, runner: Any) -> dict[str, Any]:
        """What is logged: scalars, learning rate and momentum."""
        return self.get_loggable_tags(runner)

    def before_run(self, runner: Any) -> None:
        """Open the tracker, in rank 0."""
        super().before_run(runner)
        if runner.rank == 0:
            self.start(runner)

    def log(self, runner: Any) -> None:
        """Log, in rank 0, if there is anything."""
        if runner.rank == 0:
            tags = self.tags(runner)
            if tags:
                self.write(runner, tags)

    def after_run(self, runner: Any) -> None:
        """Close the tracker, in rank 0."""
        if runner.rank == 0:
            self.finish(runner)


def package(name: str, user: str, install: str = "") -> Any:
    """The module ``name``. Raises BridgeError, with what to install for ``user``, where it is missing."""
    try:
        return import_module(name)
    except ImportError as error:
        missing = install or name.partition(".")[0]
        raise BridgeError(
            f'{user} needs the package {missing}: run "pip install {missing}", or leave {user} out ({error})'
        ) from error
