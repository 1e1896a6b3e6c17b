"""Where models report."""

from __future__ import annotations

import logging

from mmbridge.runners.loop.logging import MMLogger


def run_logger() -> logging.Logger:
    """The logger of the run in progress; outside of a run that of this package."""
    return MMLogger.in_progress() or logging.getLogger("mmbridge")
