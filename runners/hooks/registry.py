"""The registry of hooks that configs name."""

from __future__ import annotations

from mmbridge.compat.registry import LegacyRegistry

HOOKS = LegacyRegistry("hook", scope="mmcv")
"""Hook classes by the names that configs of MMCV 1.x use."""
