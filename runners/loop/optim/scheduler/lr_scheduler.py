"""MMEngine's place for :mod:`mmbridge.runners.loop.scheduler.lr_scheduler`."""

from mmbridge.runners.loop.scheduler.lr_scheduler import *  # noqa: F403
