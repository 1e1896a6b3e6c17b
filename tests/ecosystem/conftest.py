"""Access to the public config trees; they are fetched by ``make corpora``, never by a test."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import corpora
import pytest

REQUIRED = os.environ.get("MMBRIDGE_REQUIRE_ECOSYSTEM") == "1"


def find_corpus(name: str) -> Path:
    """The ``configs`` folder of one tree, e.g. ``find_corpus("mmdet-2.28.2")``."""
    corpus = corpora.listed()[name]
    configs = corpora.folder() / corpus.name / "configs"
    if not configs.is_dir():
        (pytest.fail if REQUIRED else pytest.skip)(f"{configs} is not there: run `make corpora`")
    return configs


@pytest.fixture(scope="session")
def corpus() -> Callable[[str], Path]:
    """``corpus(name)`` is the ``configs`` folder of one public tree; absent ones skip the test."""
    return find_corpus
