"""MMEngine's place for :mod:`mmbridge.runners.loop.scheduler.momentum_scheduler`."""

from mmbridge.runners.loop.scheduler.momentum_scheduler import *  # noqa: F403
