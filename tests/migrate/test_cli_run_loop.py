"""``migrate run`` of new-style configs: trained, stopped and resumed in the loop runtime."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from mmbridge.compat.config import Config
from run_projects import TOYS, Run, append, new_style, saved, sentence

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the runs are forked from one process")
QUIET = ("--seed", 0, "--cfg-options", "log_level=ERROR")
LAZY = "from mmengine.config import read_base\nwith read_base():\n    from .x import *\n"
WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from mmbridge.migrate.cli import main; main()"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return new_style(tmp_path)


@pytest.mark.parametrize("runtime", ["auto", "loop"])
def test_a_new_style_config_is_trained_and_validated(run: Run, project: Path, runtime: str) -> None:
    ran = run("classify.py", "--seed", 0, "--deterministic", "--runtime", runtime)

    assert 0 == ran.returncode, ran.stderr
    assert "Trained 4 epochs, 16 iterations; see work_dirs/classify." == ran.stdout.splitlines()[-1]
    assert "Epoch(val) [4][2/2]    accuracy: 1.0000" in ran.stdout
    assert "deterministic: True" in ran.stdout
    results = project / "work_dirs/classify"
    assert {f"epoch_{n}.pth" for n in range(1, 5)} <= {path.name for path in results.iterdir()}
    assert str(results / "epoch_4.pth") == (results / "last_checkpoint").read_text()
    assert 1 == len(list(results.glob("best_accuracy_epoch_*.pth")))
    assert 4 == Config.fromfile(results / "classify.py").train_cfg.max_epochs


def test_a_project_is_converted_and_run(run: Run, migrate: Callable[..., object], project: Path) -> None:
    shutil.copy(TOYS / "toy_library.py", project)
    shutil.copytree(TOYS / "configs", "old")
    migrate("convert", "old", "-o", "new", "--library", "none")
    for name, expected in (("classify", "4 epochs, 16 iterations"), ("segment", "40 iterations")):
        ran = run(f"new/{name}.py", "--work-dir", "out", *QUIET)

        assert (0, f"Trained {expected}; see out.\n") == (ran.returncode, ran.stdout), ran.stderr


def test_an_optimizer_for_each_part_needs_a_constructor_once_it_is_converted(
    run: Run, migrate: Callable[..., object], project: Path
) -> None:
    shutil.copy(TOYS / "toy_library.py", project)
    shutil.copytree(TOYS / "configs", "old")
    migrate("convert", "old/rivals.py", "-o", "new")

    assert "new/rivals.py: optim_wrapper: not set, while train_dataloader and train_cfg are" in sentence(
        run("new/rivals.py")
    )


def test_options_of_the_command_line(run: Run) -> None:
    ran = run("classify.py", "--work-dir", "out", "--no-validate", *QUIET, "train_cfg.max_epochs=1", "model.channels=2")

    assert (0, "Trained 1 epochs, 4 iterations; see out.\n") == (ran.returncode, ran.stdout), ran.stderr
    weights, *_ = saved("out/epoch_1.pth")
    assert 2 == len(weights["features.0.weight"])
    assert not list(Path("out").glob("best_*"))


def test_one_seed_gives_one_model(run: Run) -> None:
    for place, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert 0 == run("classify.py", "--work-dir", place, "--seed", seed, "--no-validate").returncode

    assert saved("a/epoch_4.pth") == saved("b/epoch_4.pth") != saved("c/epoch_4.pth")


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_other_formats_run_as_they_are(run: Run, suffix: str) -> None:
    values = json.loads(json.dumps(Config.fromfile("classify.py").to_dict()))
    Path(f"plain{suffix}").write_text(json.dumps(values) if suffix == ".json" else yaml.safe_dump(values))
    ran = run(f"plain{suffix}", *QUIET, "train_cfg.max_epochs=1")

    assert "Trained 1 epochs, 4 iterations; see work_dirs/plain.\n" == ran.stdout, ran.stderr


def test_resuming_equals_a_run_without_interruption(run: Run) -> None:
    for arguments in (
        ["--work-dir", "whole", *QUIET],
        ["--work-dir", "parts", *QUIET, "train_cfg.max_epochs=2"],
        ["--work-dir", "parts", *QUIET, "--resume"],
        ["--work-dir", "named", *QUIET, "--resume", "parts/epoch_2.pth"],
    ):
        ran = run("classify.py", *arguments)
        assert 0 == ran.returncode, ran.stderr

    assert {"epoch": 4, "iter": 16} == saved("whole/epoch_4.pth")[-1]
    assert saved("whole/epoch_4.pth") == saved("parts/epoch_4.pth") == saved("named/epoch_4.pth")


def test_nothing_to_resume_is_a_run_from_the_beginning(run: Run) -> None:
    ran = run("classify.py", "--resume", "--seed", 0, "--cfg-options", "train_cfg.max_epochs=1")

    assert 0 == ran.returncode, ran.stderr
    assert "Did not find a checkpoint in" in ran.stdout


SLOW = """
import time

@HOOKS.register_module()
class Slow(Hook):
    def __init__(self, at):
        self.at = at
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.at:
            print("now", flush=True)
            time.sleep(2)  # in which Ctrl-C comes
"""
BY_ITERATION = """
train_cfg = dict(type='IterBasedTrainLoop', max_iters=16, val_interval=8)
train_dataloader['sampler'] = dict(type='InfiniteSampler', shuffle=True)
default_hooks = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=16))
log_processor = dict(by_epoch=False)
param_scheduler[1]['by_epoch'] = False
"""


def interrupted(at: int, *options: object) -> subprocess.CompletedProcess[str]:
    """A run that receives Ctrl-C, and its data workers with it, while iteration ``at`` is ending."""
    append("new_style_library.py", SLOW)
    shutil.copy("classify.py", "slow.py")
    append("slow.py", f"custom_hooks = [dict(type='Slow', at={at})]\n")
    command = [sys.executable, "-m", "mmbridge.migrate", "run", "slow.py", "--work-dir", "cut", *map(str, options)]
    pipe = subprocess.PIPE
    alike = {**os.environ, "OMP_NUM_THREADS": "1"}  # the forked runs have one thread, and sums depend on how many
    with subprocess.Popen(command, env=alike, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() == "now\n":
            os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.mark.usefixtures("ctrl_c_counts")
@pytest.mark.parametrize(
    ("text", "workers", "at", "last"),
    [
        pytest.param("", 0, 6, "epoch_4.pth", id="within an epoch"),
        pytest.param("", 2, 6, "epoch_4.pth", id="within an epoch, with workers"),
        pytest.param("", 0, 8, "epoch_4.pth", id="at the end of an epoch"),
        pytest.param(BY_ITERATION, 0, 6, "iter_16.pth", id="in iterations"),
    ],
)
def test_ctrl_c_loses_nothing(run: Run, text: str, workers: int, at: int, last: str) -> None:
    append("classify.py", text)
    options = [*QUIET, f"train_dataloader.num_workers={workers}"]
    cut = interrupted(at, *options)

    assert 130 == cut.returncode, cut.stderr
    assert (
        "migrate: stopped; the state is in cut/interrupted.pth. To go on, add --resume cut/interrupted.pth"
        in cut.stderr
    )
    assert "Traceback" not in cut.stderr
    assert at == saved("cut/interrupted.pth")[-1]["iter"]
    for arguments in (
        ["--work-dir", "cut", "--resume", "cut/interrupted.pth"],
        ["--work-dir", "whole"],
    ):
        ran = run("classify.py", *arguments, *options)
        assert 0 == ran.returncode, ran.stderr
    assert saved(f"whole/{last}") == saved(f"cut/{last}")


@pytest.mark.usefixtures("ctrl_c_counts")
def test_after_ctrl_c_the_flag_alone_goes_on_from_there(run: Run) -> None:
    cut = interrupted(6, *QUIET)
    ran = run("classify.py", "--work-dir", "cut", "--resume", "--seed", 0)

    assert 130 == cut.returncode, cut.stderr
    assert "cut/interrupted.pth" in ran.stdout
    assert "Epoch(train) [2][2/4]" not in ran.stdout  # it was trained before
    assert "Epoch(train) [2][4/4]" in ran.stdout


def test_a_half_migrated_config_is_told_unless_the_runtime_is_chosen(run: Run) -> None:
    append("classify.py", "lr_config = dict(policy='step', step=[3])\noptimizer_config = dict()\n")

    assert (
        "classify.py: has keys of MMCV 1.x (lr_config, optimizer_config) and of MMEngine (default_hooks, "
        "optim_wrapper, param_scheduler, train_cfg, train_dataloader, val_cfg, val_dataloader, val_evaluator); finish "
        "its conversion, or say --runtime legacy or loop to train with the keys of one alone."
    ) == sentence(run("classify.py"))
    ran = run("classify.py", "--runtime", "loop", *QUIET, "train_cfg.max_epochs=1")
    assert 0 == ran.returncode, ran.stderr


def test_a_config_of_pure_python_style_is_told(run: Run) -> None:
    Path("lazy.py").write_text(LAZY)

    assert (
        "lazy.py: is a config in MMEngine's pure Python style (read_base()), which is not read here; write it as text "
        "with Config.dump() of MMEngine, and run that."
    ) == sentence(run("lazy.py"))


def test_a_misspelt_key_is_a_warning_without_lines_of_source(run: Run) -> None:
    append("classify.py", "param_schedulers = param_scheduler\ndel param_scheduler\n")
    ran = run("classify.py", *QUIET, "train_cfg.max_epochs=1")

    assert 0 == ran.returncode, ran.stderr
    assert "migrate: warning: classify.py: nothing reads 'param_schedulers'; did you mean 'param_scheduler'?" in (
        ran.stderr.splitlines()
    )
    assert "entry.py" not in ran.stderr


def test_two_letters_exchanged_in_a_needed_key_are_found(run: Run) -> None:
    append("classify.py", "train_cgf = train_cfg\ndel train_cfg\n")

    assert "classify.py: has no train_cfg, so there is nothing to train; did you mean it by 'train_cgf'?" == sentence(
        run("classify.py")
    )


def test_warnings_of_others_say_where_they_come_from(run: Run) -> None:
    append("new_style_library.py", "import warnings\nwarnings.warn('mind the gap')\n")
    ran = run("classify.py", *QUIET, "train_cfg.max_epochs=1")

    assert "new_style_library.py:" in ran.stderr
    assert "UserWarning: mind the gap" in ran.stderr


def test_without_torch_the_extra_is_named() -> None:
    command = [sys.executable, "-c", WITHOUT_TORCH, "run", "classify.py"]
    ran = subprocess.run(command, capture_output=True, text=True)

    assert 'training needs torch, which is not installed; pip install "mmbridge[run]".' == sentence(ran)
