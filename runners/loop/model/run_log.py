"""Where models report."""

from __future__ import annotations

import logging

from mmbridge.runners.loop.logging import MMLogger
from mmbridge.runners.loop.logging.named import NoRun


def run_logger() -> logging.Logger:
    """The logger of the run in progress; outside of a run that of this package."""
    try:
        return MMLogger.get_current_instance()
    except NoRun:
        return logging.getLogger("mmbridge")
