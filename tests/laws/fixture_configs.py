"""The config files of this project, as lists."""

from __future__ import annotations

from pathlib import Path
from typing import Final

CONFIGS: Final = Path(__file__).resolve().parents[2] / "fixtures" / "configs"
ALL: Final = tuple(sorted(path for path in CONFIGS.rglob("*") if path.suffix in (".py", ".json", ".yaml")))
BAD: Final = tuple(path for path in ALL if path.is_relative_to(CONFIGS / "bad"))
GOOD: Final = tuple(path for path in ALL if path not in BAD)
"""Every file that MMCV can load, whole configs and parts."""


def name_of(path: Path) -> str:
    """The path below ``fixtures/configs``."""
    return path.relative_to(CONFIGS).as_posix()
