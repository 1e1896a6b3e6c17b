"""Learning rate and momentum curves: one file per curve, named and computed in both dialects."""

from __future__ import annotations

from .bound_scheduler import BoundScheduler
from .catalogue import CURVES, POLICIES, SCHEDULERS, hook_stem, policy_named, scheduler_named
from .legacy import BoundPolicy, legacy_series, read_policy
from .modern import modern_series, read_scheduler
from .record import Curve, Parameter, Policy, Scheduler
from .series import Deviation, Loop, Run, Series, deviation
from .warmup import Warmup, warmup_factor

__all__ = [
    "CURVES",
    "POLICIES",
    "SCHEDULERS",
    "BoundPolicy",
    "BoundScheduler",
    "Curve",
    "Deviation",
    "Loop",
    "Parameter",
    "Policy",
    "Run",
    "Scheduler",
    "Series",
    "Warmup",
    "deviation",
    "hook_stem",
    "legacy_series",
    "modern_series",
    "policy_named",
    "read_policy",
    "read_scheduler",
    "scheduler_named",
    "warmup_factor",
]
