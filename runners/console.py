"""Log lines on the console."""

from __future__ import annotations

import logging
import sys


class ConsoleHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """A StreamHandler that falls silent where the reader of its stream went away, as ``head`` does: training goes on.

    ``logging`` itself would write a traceback for every further line.
    """

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Tell of any other error as ``logging`` does."""
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            self.setLevel(logging.CRITICAL + 1)
        else:
            super().handleError(record)
