"""Access to the public config trees; they are fetched by ``make corpora``, never by a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trees


@pytest.fixture(scope="session")
def corpus() -> Callable[[str], Path]:
    """``corpus(name)`` is the ``configs`` folder of one public tree; absent ones skip the test."""
    return trees.configs_of
