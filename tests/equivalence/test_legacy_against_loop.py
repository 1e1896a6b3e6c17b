"""An old project in the legacy runtime, its converted config in the loop runtime: the same training, bit for bit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import assume, given, settings
from mmbridge.compat.hook import EngineHook, LegacyHook
from mmbridge.migrate.cli import cli
from mmbridge.runners.legacy import entry as legacy_entry
from mmbridge.runners.loop import entry as loop_entry
from mmbridge.runners.trace import Recorder

TOYS = Path(__file__).parents[2] / "fixtures" / "toys"
sys.path.insert(0, str(TOYS))
from drawn_configs import configs  # noqa: E402


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(TOYS), *sys.path])
    shutil.copytree(TOYS / "configs", tmp_path / "old")
    return tmp_path


def converted(name: str, lr: str) -> Path:
    command = [sys.executable, "-m", "mmbridge.migrate", "convert", f"old/{name}.py", "-o", "new", "--lr", lr]
    subprocess.run(command, check=True, capture_output=True)
    return Path("new", f"{name}.py")


def trained(entry: Any, path: Path, base: type, options: dict[str, Any]) -> tuple[Any, list[tuple[Any, ...]]]:
    """The runner, and of each step the counter, rates and momenta before it, loss and parameters after it."""
    recorder = Recorder()
    hook = recorder.hook(base)
    type(hook).priority = "LOWEST"
    runner = entry.train_file(path, seed=0, options={"log_level": "ERROR", **options}, hooks=[hook])
    before = [event for event in recorder.events if event.point == "before_train_iter"]
    after = [event for event in recorder.events if event.point == "after_train_iter"]
    groups = len(runner.optimizer.param_groups)  # without MMEngine's own one for the base rate
    return runner, [
        (b.iter, (b.lr or ())[:groups], (b.momentum or ())[:groups], a.loss, a.params)
        for b, a in zip(before, after, strict=True)
    ]


each_task = pytest.mark.parametrize("name", ["classify", "segment"])
IN_ORDER_OLD = {"data.train_dataloader.shuffle": False, "work_dir": "there"}
IN_ORDER_NEW = {"train_dataloader.sampler.shuffle": False, "work_dir": "here"}


@each_task
def test_with_the_old_formula_every_bit_is_the_same(project: Path, name: str) -> None:
    legacy, old_steps = trained(legacy_entry, Path("old", f"{name}.py"), LegacyHook, IN_ORDER_OLD)
    loop, new_steps = trained(loop_entry, converted(name, "closed-form"), EngineHook, IN_ORDER_NEW)

    assert new_steps == old_steps
    assert len(old_steps) == legacy.iter == loop.iter > 8
    there, here = (sorted(path.name for path in Path(place).glob("best_*")) for place in ("there", "here"))
    assert here == there != []
    assert loop.val_loop.dataloader.dataset.test_mode  # as 1.x train scripts do it


@each_task
def test_with_built_in_schedulers_only_the_rounding_differs(project: Path, name: str) -> None:
    _, old_steps = trained(legacy_entry, Path("old", f"{name}.py"), LegacyHook, IN_ORDER_OLD)
    _, new_steps = trained(loop_entry, converted(name, "builtin"), EngineHook, IN_ORDER_NEW)

    for (_, old_lr, _, old_loss, _), (_, new_lr, _, new_loss, _) in zip(old_steps, new_steps, strict=True):
        assert new_lr == pytest.approx(old_lr, rel=1e-12)  # what the proof of the conversion promises
        assert new_loss == pytest.approx(old_loss, rel=1e-4, abs=1e-6)  # float32, which doubles what rounding differs


@settings(max_examples=int(os.environ.get("MMBRIDGE_LAWS", 40)))
@given(config=configs())
def test_whatever_is_converted_trains_the_same(config: dict[str, Any]) -> None:
    """Bit for bit with the old formula; what has no value at all with its arguments is refused, and not converted."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(TOYS)
        Path("old.py").write_text("".join(f"{key} = {value!r}\n" for key, value in config.items()))
        told = CliRunner().invoke(cli, ["convert", "old.py", "-o", "new", "--lr", "closed-form"])
        assume("has no value" not in told.output and "cover" not in told.output)
        assert told.exit_code == 0, told.output
        _, old_steps = trained(legacy_entry, Path("old.py"), LegacyHook, {"work_dir": "there"})
        _, new_steps = trained(loop_entry, Path("new", "old.py"), EngineHook, {"work_dir": "here"})

    assert new_steps == old_steps != []
