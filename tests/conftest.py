"""How hypothesis tries examples, everywhere.

The same examples on every machine, so that a run says something about the change and not about chance; other ones
with ``MMBRIDGE_LAWS=N``, which also sets how many programs ``tests/laws`` tries. No deadlines: time is never tested.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "mmbridge",
    deadline=None,
    derandomize="MMBRIDGE_LAWS" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("mmbridge")
