"""What a rule may see of the old config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from mmbridge.compat.config import Undecided
from mmbridge.migrate.apply_dict import MISSING, lookup
from mmbridge.migrate.edit import Path

LrStyle = Literal["builtin", "closed-form", "upstream"]


@dataclass(frozen=True, slots=True)
class RunLength:
    """How long a config trains, in ``unit``, and where it says so; ``length`` is MISSING in a partial config."""

    unit: Literal["epoch", "iter"]
    length: Any
    path: Path | None


@dataclass(frozen=True)
class View:
    """The old config merged with its bases; rules decide from it and never change it.

    ``lr`` is the arrangement asked for on the command line.
    """

    config: Mapping[str, Any]
    lr: LrStyle = "builtin"

    def get(self, *path: str | int, default: Any = None) -> Any:
        """The value at ``path``, or ``default`` where nothing stands there."""
        value = lookup(self.config, path)
        return default if value is MISSING else value

    def has(self, *path: str | int) -> bool:
        """Whether anything, even None, stands at ``path``."""
        return lookup(self.config, path) is not MISSING

    def known(self, *path: str | int) -> bool:
        """Whether the value at ``path`` was decided without running the file, in all its parts."""
        return first_undecided(lookup(self.config, path)) is None

    @cached_property
    def run(self) -> RunLength:
        """The run length; ``runner`` beats ``total_epochs`` and ``total_iters``, as in MMCV's train scripts.

        A config that says nothing is taken as one by epoch of unknown length: MMCV's own default.
        """
        for path, unit in (
            (("runner", "max_iters"), "iter"),
            (("runner", "max_epochs"), "epoch"),
            (("total_iters",), "iter"),
            (("total_epochs",), "epoch"),
        ):
            if lookup(self.config, path) not in (MISSING, None):
                return RunLength(unit, lookup(self.config, path), path)  # type: ignore[arg-type]
        by_iter = str(self.get("runner", "type", default="")).startswith("IterBased")
        return RunLength("iter" if by_iter else "epoch", MISSING, None)


def first_undecided(value: Any) -> Undecided | None:
    """The first part of ``value`` that static evaluation could not decide."""
    if isinstance(value, Undecided):
        return value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        found = first_undecided(part)
        if found is not None:
            return found
    return None
