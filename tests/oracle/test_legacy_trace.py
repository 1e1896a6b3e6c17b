"""The same training in real MMCV 1.7.2 and here: the same events, lines, records and files."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mmbridge.runners.hooks as our_hooks
import mmbridge.runners.legacy as our_runners
import pytest
from hypothesis import assume, given, settings
from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.trace import Recorder

TOYS = Path(__file__).parents[2] / "fixtures" / "toys"
sys.path.insert(0, str(TOYS))
from cases import CASES, PRODUCT  # noqa: E402
from drawn_legacy_runs import runs  # noqa: E402
from toys import train  # noqa: E402

pytestmark = pytest.mark.oracle
OURS = SimpleNamespace(build_runner=our_runners.build_runner, EvalHook=our_hooks.EvalHook)


@pytest.fixture(scope="module")
def theirs() -> Any:
    return pytest.importorskip("mmcv.runner")


def trained(engine: Any, base: type, name: str, work_dir: Path) -> tuple[Recorder, Any]:
    recorder = Recorder()
    work_dir.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MMCV warns about today's torch
        result = train(engine, recorder.hook(base), {**CASES, **PRODUCT}[name], str(work_dir))
    return recorder, result


@pytest.mark.parametrize("name", CASES)
def test_training_is_the_same(name: str, theirs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    expected, their_result = trained(theirs, theirs.Hook, name, tmp_path / "theirs" / "work")
    actual, our_result = trained(OURS, LegacyHook, name, tmp_path / "ours" / "work")

    assert actual.events == expected.events
    assert our_result.counters == their_result.counters
    assert our_result.records == their_result.records
    assert our_result.lines == their_result.lines
    assert our_result.latest == their_result.latest
    assert our_result.files == their_result.files


@pytest.mark.parametrize("name", PRODUCT)
def test_every_policy_with_every_warm_up(
    name: str, theirs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    expected, _ = trained(theirs, theirs.Hook, name, tmp_path / "theirs")
    actual, _ = trained(OURS, LegacyHook, name, tmp_path / "ours")

    assert actual.events == expected.events


@settings(max_examples=int(os.environ.get("MMBRIDGE_LAWS", 100)))
@given(case=runs())
def test_a_run_as_it_is_drawn_is_mmcvs(case: dict[str, Any], theirs: Any) -> None:
    """Where MMCV trains; it fails with settings that are taken here, see docs/known-differences.md."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda seconds: None)
        there = left(theirs, theirs.Hook, case)
        here = left(OURS, LegacyHook, case)

    assume(there is not None)
    assert here == there


def left(engine: Any, base: type, case: dict[str, Any]) -> tuple[list[str], str] | None:
    """The events of a run, and what it leaves, as texts: in them NaN is equal to NaN. None if it fails.

    Numbers as repr shows them, but with nine digits: MMCV rounds averages for the log as numpy does, by multiplying.
    """
    recorder = Recorder()
    with tempfile.TemporaryDirectory() as directory, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work_dir = Path(directory, "work")
        work_dir.mkdir()
        try:
            result = train(engine, recorder.hook(base), case, str(work_dir))
        except Exception:
            return None
    digits = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.9g}", str(vars(result)))
    return [*map(repr, recorder.events)], digits
