"""MMEngine's place for what is in :mod:`mmbridge.runners.loop.scheduler`."""

from mmbridge.runners.loop.scheduler import *  # noqa: F403
