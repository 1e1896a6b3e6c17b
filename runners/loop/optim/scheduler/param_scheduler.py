"""MMEngine's place for :mod:`mmbridge.runners.loop.scheduler.param_scheduler`."""

from mmbridge.runners.loop.scheduler.param_scheduler import *  # noqa: F403
