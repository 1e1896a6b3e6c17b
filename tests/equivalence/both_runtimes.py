"""A config of MMCV 1.x trained in the legacy runtime, and converted in the loop runtime."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from mmbridge.compat.hook import EngineHook, LegacyHook
from mmbridge.migrate.cli import cli
from mmbridge.runners.legacy import entry as legacy_entry
from mmbridge.runners.loop import entry as loop_entry
from mmbridge.runners.trace import Recorder

TOYS = Path(__file__).parents[2] / "fixtures" / "toys"


class Trained(NamedTuple):
    """The runner; of each step its number, rates and momenta before it, loss and parameters after it; and weights."""

    runner: Any
    steps: list[tuple[Any, ...]]
    checkpoints: list[str]


@contextmanager
def in_folder(folder: str | Path) -> Iterator[None]:
    """Work there, with the toys to import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "path", [str(TOYS), *sys.path])
        yield


def converted(path: str | Path, lr: str) -> Path:
    """Where the converted config lies."""
    told = CliRunner().invoke(cli, ["convert", str(path), "-o", "new", "--lr", lr])
    assert told.exit_code == 0, told.output
    return Path("new", Path(path).name)


def trained_as_it_is(path: str | Path, **options: Any) -> Trained:
    """By the legacy runtime."""
    return _trained(legacy_entry, path, LegacyHook, "there", options)


def trained_as_new(path: str | Path, **options: Any) -> Trained:
    """By the loop runtime."""
    return _trained(loop_entry, path, EngineHook, "here", options)


def trained_in_both(config: dict[str, Any]) -> tuple[Trained, Trained]:
    """The old config as it is, and converted with the old formula of its schedule."""
    with tempfile.TemporaryDirectory() as folder, in_folder(folder):
        Path("old.py").write_text("".join(f"{key} = {value!r}\n" for key, value in config.items()))
        return trained_as_it_is("old.py"), trained_as_new(converted("old.py", "closed-form"))


def _trained(entry: Any, path: str | Path, base: type, work_dir: str, options: dict[str, Any]) -> Trained:
    recorder = Recorder()
    hook = recorder.hook(base)
    type(hook).priority = "LOWEST"
    settings = {"log_level": "ERROR", "work_dir": work_dir, **options}
    runner = entry.train_file(path, seed=0, options=settings, hooks=[hook])
    before = [event for event in recorder.events if event.point == "before_train_iter"]
    after = [event for event in recorder.events if event.point == "after_train_iter"]
    groups = len(runner.optimizer.param_groups)  # without MMEngine's own one for the base rate
    steps = [
        (b.iter, (b.lr or ())[:groups], (b.momentum or ())[:groups], a.loss, a.params)
        for b, a in zip(before, after, strict=True)
    ]
    weights = sorted(path.name for path in Path(work_dir).glob("*.pth") if not path.is_symlink())
    return Trained(runner, steps, weights)
