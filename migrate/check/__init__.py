"""The linter for configs that are migrated already: what MMEngine would ignore, refuse or do otherwise than meant."""

from __future__ import annotations

from mmbridge.migrate.check.checks import CHECKS
from mmbridge.migrate.check.rule import Check, Example, Finding, Scope
from mmbridge.migrate.check.run import check_files

__all__ = ["CHECKS", "Check", "Example", "Finding", "Scope", "check_files"]
