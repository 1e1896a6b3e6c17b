"""The public trees are the ones that were measured: the counts below are part of what a version is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import corpora
import pytest

CONFIGS = {
    "mmdet-2.28.2": 666,
    "mmsegmentation-0.30.0": 720,
    "mmcls-0.25.0": 477,
    "mmrotate-0.3.4": 91,
}


@pytest.mark.ecosystem
@pytest.mark.parametrize("name", CONFIGS)
def test_tree_has_all_its_configs(corpus: Callable[[str], Path], name: str) -> None:
    files = list(corpus(name).rglob("*.py"))

    assert CONFIGS[name] == len(files)


def test_every_old_tree_names_a_listed_successor() -> None:
    listed = corpora.listed()
    successors = [corpus.successor for corpus in listed.values() if corpus.successor]

    assert set(listed) == set(CONFIGS) | set(successors)
