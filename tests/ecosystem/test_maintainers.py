"""The maintainers migrated these configs by hand: what training depends on came out the same."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import maintainers
import pytest
import trees

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.ecosystem

CAUSES = tomllib.loads(Path(__file__).with_name("maintainers.toml").read_text(encoding="utf-8"))["cause"]
PAIRS = {"mmdet-2.28.2": 536, "mmsegmentation-0.30.0": 581, "mmcls-0.25.0": 192, "mmrotate-0.3.4": 48}


def excepted(tree: str) -> set[tuple[str, str]]:
    """(old file, fact) of the differences that are the maintainers' doing."""
    listed = ((entry.split(": "), fact) for cause in CAUSES for entry in cause["files"] for fact in cause["facts"])
    return {(file, fact) for (name, file), fact in listed if name == tree}


@pytest.mark.parametrize("name", trees.OLD)
def test_only_what_the_maintainers_changed_differs(name: str) -> None:
    found: dict[tuple[str, str], Any] = {
        (file, fact): values
        for file, unequal in maintainers.differences(name).items()
        for fact, values in unequal.items()
    }

    assert {} == {key: found[key] for key in found.keys() - excepted(name)}
    assert set() == excepted(name) - found.keys()


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_many(name: str) -> None:
    assert PAIRS[name] == len(maintainers.pairs(name))


def test_every_cause_has_a_reason_and_names_an_old_tree() -> None:
    assert [] == [cause for cause in CAUSES if not cause["reason"].strip()]
    assert {entry.split(": ")[0] for cause in CAUSES for entry in cause["files"]} <= set(trees.OLD)
