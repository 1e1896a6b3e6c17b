"""``migrate run``: from the command line to a trained model, in processes of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from mmbridge.compat.config import Config
from mmbridge.migrate.commands.run import _one_each
from run_projects import TOYS, Run, append
from run_projects import sentence as told

NEW = "optim_wrapper = dict(type='OptimWrapper')\n"
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from mmbridge.migrate.cli import main
main()
"""
QUIET = ("--no-validate", "--seed", "0", "--cfg-options", "log_level='ERROR'")
IN_ORDER = ("data.train_dataloader.shuffle=False",)  # a checkpoint does not hold the state of the shuffling


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The toy library and its configs as a user has them: in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    shutil.copy(TOYS / "toy_library.py", tmp_path)
    shutil.copytree(TOYS / "configs", tmp_path / "configs")
    return tmp_path


def fresh(
    *arguments: object, program: tuple[str, ...] = ("-m", "mmbridge.migrate")
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *program, "run", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def sentence(ran: subprocess.CompletedProcess[str]) -> str:
    """What the command line says of bad input: one line, exit code 2, and nothing on standard output."""
    assert "" == ran.stdout
    return told(ran)


def state(path: str) -> tuple[Any, Any, int, int]:
    """Weights, momenta, epoch and iteration of a checkpoint, in plain values."""
    torch = pytest.importorskip("torch")
    saved = torch.load(path, weights_only=True)
    weights = {name: value.tolist() for name, value in saved["state_dict"].items()}
    momenta = {key: value["momentum_buffer"].tolist() for key, value in saved["optimizer"]["state"].items()}
    return weights, momenta, saved["meta"]["epoch"], saved["meta"]["iter"]


def test_a_classifier_is_trained_and_evaluated(project: Path, run: Run) -> None:
    ran = run("configs/classify.py", "--seed", 0, "--deterministic", "--cfg-options", "runner.max_epochs=2")

    assert (0, "Trained 2 epochs, 8 iterations; see work_dirs/classify.\n") == (ran.returncode, ran.stdout), ran.stderr
    assert "Epoch(val) [2][16]\taccuracy:" in ran.stderr
    assert (project / "work_dirs/classify/epoch_2.pth").is_file()


def test_a_segmenter_is_trained_by_iteration_where_it_is_told(project: Path, run: Run) -> None:
    ran = run("configs/segment.py", "--work-dir", "out", *QUIET, "runner.max_iters=3", "--runtime", "legacy")

    assert "Trained 3 iterations; see out.\n" == ran.stdout, ran.stderr


def test_resuming_equals_a_run_without_interruption(project: Path, run: Run) -> None:
    for arguments in (
        ["--work-dir", "whole", *QUIET, *IN_ORDER],
        ["--work-dir", "parts", *QUIET, *IN_ORDER, "runner.max_epochs=2"],
        ["--work-dir", "parts", *QUIET, *IN_ORDER, "--resume"],
        ["--work-dir", "named", *QUIET, *IN_ORDER, "--resume", "parts/epoch_2.pth"],
    ):
        ran = run("configs/classify.py", *arguments)
        assert 0 == ran.returncode, ran.stderr

    assert (4, 16) == state("whole/latest.pth")[2:]
    assert state("whole/latest.pth") == state("parts/latest.pth") == state("named/latest.pth")


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_other_formats_run_as_they_are(project: Path, run: Run, suffix: str) -> None:
    values = json.loads(json.dumps(Config.fromfile("configs/classify.py").to_dict()))
    text = json.dumps(values) if suffix == ".json" else yaml.safe_dump(values)
    Path(f"plain{suffix}").write_text(text)
    ran = run(f"plain{suffix}", *QUIET, "runner.max_epochs=1")

    assert "Trained 1 epochs, 4 iterations; see work_dirs/plain.\n" == ran.stdout, ran.stderr


SLOW = """
import time
from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.hooks.registry import HOOKS

@HOOKS.register_module()
class Slow(LegacyHook):
    def __init__(self, at):
        self.at = at
    def after_train_iter(self, runner):
        if runner.iter + 1 == self.at:
            print("now", flush=True)
            time.sleep(2)  # in which Ctrl-C comes
"""


def interrupted(config: str, at: int, *options: str) -> subprocess.CompletedProcess[str]:
    """A run that receives Ctrl-C, and its data workers with it, while iteration ``at`` is ending."""
    append("toy_library.py", SLOW)
    Path("configs/slow.py").write_text(f"_base_ = './{config}.py'\ncustom_hooks = [dict(type='Slow', at={at})]\n")
    command = [sys.executable, "-m", "mmbridge.migrate", "run", "configs/slow.py", "--work-dir", "cut"]
    with subprocess.Popen(
        [*command, *QUIET, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline() == "now\n":
            os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a group of processes")
@pytest.mark.usefixtures("ctrl_c_counts")
@pytest.mark.parametrize("workers", [pytest.param(0, id="no worker"), pytest.param(2, id="workers")])
def test_ctrl_c_at_the_end_of_an_epoch_loses_nothing(project: Path, workers: int) -> None:
    pytest.importorskip("torch")
    options = [*IN_ORDER, f"data.workers_per_gpu={workers}"]
    cut = interrupted("classify", 8, *options)

    assert 130 == cut.returncode, cut.stderr
    assert (
        "migrate: stopped; the state is in cut/interrupted.pth. To go on, add --resume cut/interrupted.pth"
        in cut.stderr
    )
    assert "Traceback" not in cut.stderr
    assert (2, 8) == state("cut/interrupted.pth")[2:]
    for arguments in (["--work-dir", "cut", "--resume", "cut/interrupted.pth"], ["--work-dir", "whole"]):
        # Not forked: that has one thread, and sums in another order.
        assert 0 == fresh("configs/classify.py", *arguments, *QUIET, *options).returncode
    assert state("whole/latest.pth") == state("cut/latest.pth")


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a group of processes")
@pytest.mark.usefixtures("ctrl_c_counts")
@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param("classify", (1, 4), id="the epoch begins again"),
        pytest.param("segment", (1, 6), id="the next iteration follows"),
    ],
)
def test_what_ctrl_c_writes_down(project: Path, config: str, expected: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    cut = interrupted(config, 6)
    meta = torch.load("cut/latest.pth", weights_only=True)["meta"]

    assert 130 == cut.returncode, cut.stderr
    assert expected == (meta["epoch"], meta["iter"])


def test_a_half_migrated_config_is_told(project: Path) -> None:
    append("configs/classify.py", NEW)

    assert "has keys of MMCV 1.x (checkpoint_config, " in sentence(fresh("configs/classify.py"))


def test_a_half_migrated_config_runs_where_the_runtime_is_chosen(project: Path, run: Run) -> None:
    shutil.copy("configs/classify.py", "configs/mixed.py")
    append("configs/mixed.py", NEW)

    ran = run("configs/mixed.py", "--runtime", "legacy", *QUIET, "runner.max_epochs=1")
    assert 0 == ran.returncode, ran.stderr


def test_without_torch_the_extra_is_named(project: Path) -> None:
    ran = fresh("configs/classify.py", program=("-c", WITHOUT_TORCH))

    assert 'training needs torch, which is not installed; pip install "mmbridge[run]".' == sentence(ran)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["configs/clasify.py"], "configs/clasify.py: this file does not exist", id="file"),
        pytest.param(["runner.type=EpochRunner"], "runner: .*did you mean 'EpochBasedRunner'", id="runner"),
        pytest.param(["custom_hooks.0.type=EMAHok"], "hooks: custom_hooks: .*did you mean 'EMAHook'", id="hook"),
        pytest.param(["lr_config.policy=stpe"], "hooks: lr_config.policy: .*did you mean 'Step'", id="policy"),
        pytest.param(["model.type=SmalClassifier"], "model: .*did you mean 'SmallClassifier'", id="model"),
        pytest.param(["lr"], "--cfg-options: expected KEY=VALUE, found 'lr'", id="option"),
        pytest.param(
            ["log_level=ERROR", "--resume", "no.pth"], "resume_from: checkpoint no.pth cannot be found", id="checkpoint"
        ),
        pytest.param(["load_from=no.pth"], "load_from: checkpoint no.pth cannot be found", id="weights"),
    ],
)
def test_bad_input_is_one_sentence(project: Path, run: Run, arguments: list[str], expected: str) -> None:
    asked = arguments if arguments[0].startswith("configs") else ["configs/classify.py", "--cfg-options", *arguments]

    assert re.search(expected, sentence(run(*asked)))


def test_a_reference_to_nothing_is_one_sentence(project: Path, run: Run) -> None:
    append("configs/classify.py", "work_dir = '${wrk}'\n")

    assert "configs/classify.py: ${wrk}: the config has no 'wrk' there" == sentence(run("configs/classify.py"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(
            ["configs/classify.py", "--script", "mmsge"], "no train script 'mmsge'; did you mean 'mmseg'", id="none"
        ),
        pytest.param(["new.py", "--script", "mmseg"], "new.py: --script is for configs of MMCV 1.x", id="loop"),
    ],
)
def test_train_scripts(project: Path, run: Run, arguments: list[str], expected: str) -> None:
    Path("new.py").write_text(NEW)

    assert expected in sentence(run(*arguments))


def test_a_missing_module_of_the_config_is_one_sentence(project: Path, run: Run) -> None:
    Path("toy_library.py").rename("other.py")

    assert "classify.py: custom_imports: toy_library cannot be imported" in sentence(run("configs/classify.py"))


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        pytest.param("import nowhere", "No module named 'nowhere'", id="in its imports"),
        pytest.param("raise ValueError('own')", "ValueError: own", id="in its code"),
    ],
)
def test_errors_of_the_users_code_keep_their_traceback(project: Path, run: Run, broken: str, error: str) -> None:
    append("toy_library.py", f"\n{broken}\n")
    ran = run("configs/classify.py")

    assert 1 == ran.returncode
    assert "Traceback" in ran.stderr
    assert f'toy_library.py", line {len(Path("toy_library.py").read_text().splitlines())}' in ran.stderr
    assert error in ran.stderr


def test_ranks_of_older_launchers(project: Path) -> None:
    pytest.importorskip("torch")
    append("toy_library.py", "\nimport os\nprint('rank', os.environ.get('LOCAL_RANK'))\n")
    for form in (["--local_rank=0"], ["--local-rank", "0"]):
        ran = fresh("configs/classify.py", *form, *QUIET, "runner.max_epochs=1")

        assert ran.stdout.startswith("rank 0\n"), ran.stderr


def test_a_launcher_that_did_not_start_it_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.delenv("RANK", raising=False)

    assert "launcher 'pytorch': the environment variable RANK is not set" in sentence(
        fresh("configs/classify.py", "--launcher", "pytorch")
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(["--cfg-options", "a=1", "b=2"], ["--cfg-options", "a=1", "--cfg-options", "b=2"], id="two"),
        pytest.param(["--cfg-options", "a=1", "x.py"], ["--cfg-options", "a=1", "x.py"], id="the config behind"),
        pytest.param(["x=1", "--seed=1", "y=2"], ["x=1", "--seed=1", "y=2"], id="none"),
        pytest.param(
            ["--cfg-options", "a=1", "--seed", "b=2"], ["--cfg-options", "a=1", "--seed", "b=2"], id="another option"
        ),
    ],
)
def test_values_behind_one_flag(given: list[str], expected: list[str]) -> None:
    assert expected == _one_each(given)
