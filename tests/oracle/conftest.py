"""The real engines: imported once, before any test, with what they need and without their own warnings.

Under ``MMBRIDGE_REQUIRE_ORACLE=1`` a test that skips because an engine is missing fails instead.
"""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Generator
from importlib.util import find_spec
from typing import Any

import pytest

REQUIRED = os.environ.get("MMBRIDGE_REQUIRE_ORACLE") == "1"
ENGINES = ("mmcv", "mmcv.runner", "mmcv.parallel", "mmcv.engine", "mmengine", "mmengine.runner")


def import_engines() -> None:
    """Import what is installed of the two engines; their deprecation warnings are not ours to fail on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ENGINES:
            if find_spec(name.partition(".")[0]) is not None:
                importlib.import_module(name)


if find_spec("mmcv") is not None:
    import_engines()


def fail_instead_of_skip(report: Any) -> None:
    """Turn the skip that ``pytest.importorskip`` causes into a failure."""
    if report.skipped and "could not import" in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"MMBRIDGE_REQUIRE_ORACLE=1, but: {report.longrepr[-1]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """A skipped test is a failed one where the engines are required."""
    report = yield
    if REQUIRED:
        fail_instead_of_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """A skipped module is a failed one where the engines are required."""
    report = yield
    if REQUIRED:
        fail_instead_of_skip(report)
    return report


@pytest.fixture
def mmengine_may_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """MMEngine 0.10.7 reads its own checkpoints on a torch of today only with safe loading switched off."""
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
