"""What goes wrong around a run, in either runtime: slips on the command line, folders, pipes, Ctrl-C twice."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from run_projects import TOYS, Run, append, new_style, sentence

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the runs are forked from one process")
OLD, NEW = "configs/classify.py", "classify.py"
BOTH = pytest.mark.parametrize("config", [OLD, NEW])
ONE = {OLD: "runner.max_epochs=1", NEW: "train_cfg.max_epochs=1"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Toys of both styles in the current folder."""
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    shutil.copy(TOYS / "toy_library.py", tmp_path)
    shutil.copytree(TOYS / "configs", tmp_path / "configs")
    new_style(tmp_path)


def warned(run: Run, config: str, *options: str) -> list[str]:
    """The warnings of a run of one epoch."""
    ran = run(config, "--seed", 0, "--no-validate", "--cfg-options", ONE[config], *options)
    assert 0 == ran.returncode, ran.stderr
    start = f"migrate: warning: {config}: "
    return [line.removeprefix(start) for line in ran.stderr.splitlines() if line.startswith(start)]


@pytest.mark.parametrize(
    ("config", "option", "added", "meant"),
    [
        (OLD, "runer.max_epochs=9", "runer", "runner"),
        (OLD, "data.sample_per_gpu=1", "sample_per_gpu", "samples_per_gpu"),
        (OLD, "log_config.hooks.0.by_epoch=True", None, None),
        (OLD, "optimizer.nesterov=True", None, None),
        (NEW, "optim_wraper.optimizer.lr=1", "optim_wraper", "optim_wrapper"),
        (NEW, "train_dataloader2.batch_size=1", None, None),
    ],
)
def test_an_option_beside_a_key_that_it_may_mean_is_a_warning(
    run: Run, config: str, option: str, added: str | None, meant: str | None
) -> None:
    told = f"--cfg-options {option.partition('=')[0]}: adds a key {added!r}; did you mean {meant!r}, which is there?"

    assert ([told] if added else []) == warned(run, config, option)


def test_misspelt_keys_of_an_old_config_are_told(run: Run) -> None:
    append(OLD, "evaluaton = evaluation\ndel evaluation\nlr_confg = lr_config\n")

    assert ["nothing reads 'evaluaton'; did you mean 'evaluation'?"] == warned(run, OLD)
    append(OLD, "del lr_config\n")
    assert "has no 'lr_config', which training needs; did you mean it by 'lr_confg'?" in run(OLD).stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "runner['max_epoch'] = 3",
            "runner: .*'max_epoch' .while building 'EpochBasedRunner' .*did you mean 'max_epochs'",
        ),
        ("evaluation['save_best'] = 'acuracy'", "evaluation: save_best='acuracy' is not among the results: accuracy"),
    ],
)
def test_slips_in_an_old_config(run: Run, text: str, expected: str) -> None:
    append(OLD, text)

    assert re.search(f"^configs/classify.py: {expected}", sentence(run(OLD)))


@BOTH
def test_a_work_dir_that_cannot_be_made(run: Run, config: str) -> None:
    Path("file").touch()

    assert f"{config}: work_dir: file/x: Not a directory" == sentence(run(config, "--work-dir", "file/x"))


def test_a_folder_is_no_config(run: Run) -> None:
    assert "configs: is a folder; name a config in it." == sentence(run("configs"))


def test_the_advice_for_a_module_depends_on_what_is_missing(run: Run) -> None:
    Path("mine.py").write_text("from toy_library import Nothing\n")
    append(OLD, "custom_imports = dict(imports=['mine'])\n")
    ran = run(OLD)

    assert 1 == ran.returncode
    assert "custom_imports: mine cannot be imported (cannot import name 'Nothing'" in ran.stderr
    assert "PYTHONPATH" not in ran.stderr


@BOTH
def test_training_goes_on_where_nobody_reads_the_log(config: str) -> None:
    command = [sys.executable, "-m", "mmbridge.migrate", "run", config, "--seed", "0", "--work-dir", "out"]
    reader, writer = os.pipe()
    with subprocess.Popen(command, stdout=writer, stderr=writer if config == OLD else subprocess.PIPE) as process:
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)
        _, err = process.communicate(timeout=120)

    assert (0, b"") == (process.returncode, err or b"")
    assert Path("out/epoch_4.pth").exists()


SLOW = """
import time
from mmbridge.compat.hook import LegacyHook
from mmbridge.runners.hooks.registry import HOOKS
@HOOKS.register_module()
class Slow(LegacyHook):
    def after_train_iter(self, runner):
        print("now", flush=True)
        time.sleep(9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.usefixtures("ctrl_c_counts")
@BOTH
def test_a_second_ctrl_c_stops_at_once(config: str) -> None:
    append("toy_library.py" if config == OLD else "new_style_library.py", SLOW)
    append(config, "custom_hooks = [dict(type='Slow')]\nlog_level = 'ERROR'\n")
    command = [sys.executable, "-m", "mmbridge.migrate", "run", config]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert "now\n" == process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert any(line.startswith("Ctrl-C: ") for line in iter(process.stderr.readline, ""))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)

    assert 130 == process.returncode
    assert "migrate: stopped at once; --resume goes on from the latest checkpoint, if there is one." in err


@BOTH
def test_two_processes_train_and_leave_their_group(config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of a group that is there when Python ends may abort the process. The first alone tells of the end."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    left = "atexit.register(lambda: print('left', not torch.distributed.is_initialized()))"
    append("toy_library.py" if config == OLD else "new_style_library.py", f"\nimport atexit, torch\n{left}\n")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    options = ["--launcher", "pytorch", "--seed", "0", "--cfg-options", ONE[config]]
    ran = subprocess.run(
        [*torchrun, "-m", "mmbridge.migrate", "run", config, *options], capture_output=True, text=True, timeout=120
    )

    assert 0 == ran.returncode, ran.stderr
    assert 2 == ran.stdout.count("left True\n")
    assert 1 == ran.stdout.count("Trained 1 epochs")
