"""``migrate convert``: where results go, what is said, and which code it exits with."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mmbridge.compat.config import Reader

OLD = "optimizer = dict(type='SGD', lr=0.1)\nrunner = dict(type='EpochBasedRunner', max_epochs=12)\n"
CHILD = "toy_rcnn/toy_rcnn_r50_2x.py"

Migrate = Callable[..., Any]
Snapshot = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_file_is_printed_and_nothing_is_written(migrate: Migrate, detection: Path, snapshot: Snapshot) -> None:
    before = snapshot(detection)

    ran = migrate("convert", detection / CHILD)

    assert 0 == ran.code
    assert ran.out.startswith("_base_ = './toy_rcnn_r50_1x.py'\n")
    assert "param_scheduler = [" in ran.out
    assert "3 base files need converting, too: " in ran.err
    assert before == snapshot(detection)


def test_out_holds_the_file_and_all_its_bases_in_their_arrangement(migrate: Migrate, detection: Path) -> None:
    ran = migrate("convert", detection / CHILD, "-o", "new")

    written = {path.relative_to("new").as_posix() for path in Path("new").rglob("*.py")}

    assert (0, "") == (ran.code, ran.out)
    assert written == {
        "_base_/datasets/toy_detection.py",
        "_base_/default_runtime.py",
        "_base_/models/toy_rcnn_r50.py",
        "_base_/schedules/schedule_1x.py",
        "toy_rcnn/toy_rcnn_r50_1x.py",
        CHILD,
    }
    assert "_base_" in Path("new", CHILD).read_text()
    assert "train_dataloader" in Reader(dialect="mmengine").resolved(Path("new", CHILD))


def test_a_folder_keeps_its_own_shape_below_out(migrate: Migrate, here: Path) -> None:
    Path("configs/only").mkdir(parents=True)
    Path("configs/only/a.py").write_text(OLD)

    migrate("convert", "configs", "-o", "new")

    assert Path("new/only/a.py").is_file()


def test_a_folder_and_a_list_of_its_files_give_the_same(migrate: Migrate, detection: Path, snapshot: Snapshot) -> None:
    migrate("convert", detection, "-o", "from-folder")
    migrate("convert", *sorted(detection.rglob("*.py")), "-o", "from-files")

    assert snapshot(Path("from-folder")) == snapshot(Path("from-files"))


def test_in_place_and_again_changes_nothing_more(migrate: Migrate, detection: Path, snapshot: Snapshot) -> None:
    before = snapshot(detection)
    first = migrate("convert", detection, "--in-place")
    once = snapshot(detection)
    second = migrate("convert", detection, "--in-place")

    assert (0, 0) == (first.code, second.code)
    assert before != once
    assert once == snapshot(detection)
    assert "0 converted" in second.err
    assert "0 left for a person, 0 warnings, 0 errors." in second.err


def test_in_place_leaves_no_config_behind_over_a_new_base(
    migrate: Migrate, detection: Path, snapshot: Snapshot
) -> None:
    before = snapshot(detection)

    ran = migrate("convert", detection / CHILD, "--in-place")

    assert 2 == ran.code
    assert "12 other configs build on bases that would change in place" in ran.err
    assert "convert the whole folder, configs, or" in ran.err
    assert before == snapshot(detection)


def test_in_place_takes_a_file_whose_bases_are_its_own(migrate: Migrate, here: Path) -> None:
    Path("base.py").write_text(OLD)
    Path("leaf.py").write_text("_base_ = 'base.py'\noptimizer = dict(lr=0.2)\n")

    ran = migrate("convert", "leaf.py", "--in-place")

    assert 0 == ran.code
    assert "optim_wrapper = dict(optimizer=dict(lr=0.2))" in Path("leaf.py").read_text()
    assert "optim_wrapper" in Path("base.py").read_text()


def test_in_place_says_what_to_do_about_a_failed_file_on_new_bases(migrate: Migrate, here: Path) -> None:
    Path("base.py").write_text(OLD)
    Path("bad.py").write_text("_base_ = 'base.py'\nparam_scheduler = []\noptim_wrapper = dict(type='X')\n")

    ran = migrate("convert", ".", "--in-place")

    assert 2 == ran.code
    assert "bad.py: todo: its bases are converted now; correct it, restore the old bases" in ran.err


def test_check_writes_nothing_and_exits_with_1(migrate: Migrate, detection: Path, snapshot: Snapshot) -> None:
    before = snapshot(detection)

    ran = migrate("convert", detection, "--check")

    assert (1, "") == (ran.code, ran.out)
    assert before == snapshot(detection)


def test_check_of_new_configs_is_0(migrate: Migrate, detection: Path) -> None:
    migrate("convert", detection, "--in-place")

    assert 0 == migrate("convert", detection, "--check").code


def test_strict_exits_with_1_while_something_is_left(migrate: Migrate, here: Path) -> None:
    Path("done.py").write_text(OLD)
    Path("left.py").write_text(OLD + "lr_config = dict(policy='Unheard')\n")

    assert 0 == migrate("convert", "done.py", "--strict").code
    assert 1 == migrate("convert", "left.py", "--strict").code
    assert 0 == migrate("convert", "left.py").code


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(OLD, id="plain"),
        pytest.param(OLD[:-1], id="no newline at the end"),
        pytest.param("# page\x0cbreak\n" + OLD, id="a form feed"),
        pytest.param(OLD.replace("\n", "\r\n"), id="CRLF"),
    ],
)
def test_diff_is_one_that_patch_applies(migrate: Migrate, here: Path, text: str) -> None:
    Path("a.py").write_bytes(text.encode())
    patch = migrate("convert", "a.py", "--diff").raw
    expected = migrate("convert", "a.py").raw

    subprocess.run(["patch", "--binary", "-s", "a.py"], input=patch, check=True)

    assert expected == Path("a.py").read_bytes()


def test_standard_input(migrate: Migrate, detection: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(detection / "toy_rcnn")
    raw = Path("toy_rcnn_r50_2x.py").read_bytes().replace(b"\n", b"\r\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))

    ran = migrate("convert", "-")

    assert 0 == ran.code
    assert migrate("convert", "toy_rcnn_r50_2x.py").raw.replace(b"\n", b"\r\n") == ran.raw
    assert ran.err.startswith("standard input: converted")


def test_flatten_prints_one_self_contained_file(migrate: Migrate, detection: Path, here: Path) -> None:
    migrate("convert", detection, "-o", "new")
    expected = Reader(dialect="mmengine").resolved(Path("new", CHILD))

    ran = migrate("convert", detection / CHILD, "--flatten")
    Path("flat.py").write_text(ran.out)

    assert 0 == ran.code
    assert "_base_" not in ran.out
    assert expected == Reader(dialect="mmengine").resolved(Path("flat.py"))
    assert "comments and expressions are not kept" in ran.err
    assert "need converting, too" not in ran.err


def test_flatten_of_a_folder_leaves_out_parts(migrate: Migrate, detection: Path) -> None:
    ran = migrate("convert", detection, "--flatten", "-o", "flat")

    written = {path.relative_to("flat").parts[0] for path in Path("flat").rglob("*.py")}

    assert 0 == ran.code
    assert {"toy_mask", "toy_rcnn", "toy_retina", "toy_yolo"} == written


def test_flatten_refuses_what_is_not_known(migrate: Migrate, here: Path) -> None:
    Path("a.py").write_text("import os\n" + OLD + "work_dir = os.environ['HOME']\n")

    ran = migrate("convert", "a.py", "--flatten")

    assert (2, "") == (ran.code, ran.out)
    assert ran.err.startswith("a.py:4: error: work_dir cannot be written out")


def test_flatten_writes_data_as_python(migrate: Migrate, here: Path) -> None:
    Path("a.json").write_text('{"optimizer": {"type": "SGD", "lr": 0.1}, "total_epochs": 12}')

    migrate("convert", "a.json", "--flatten", "-o", "flat")

    assert "SGD" in Path("flat/a.py").read_text()


def test_already_new_is_printed_as_it_is(migrate: Migrate, here: Path) -> None:
    new = "optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))\n"
    Path("a.py").write_text(new)

    ran = migrate("convert", "a.py")

    assert (0, new) == (ran.code, ran.out)
    assert ran.err.startswith("a.py: already new\n")


def test_text_in_another_encoding_is_printed_in_it(migrate: Migrate, here: Path) -> None:
    Path("a.py").write_bytes(f"# -*- coding: latin-1 -*-\n# caf\xe9\n{OLD}".encode("latin-1"))

    ran = migrate("convert", "a.py")

    assert b"# caf\xe9\n" in ran.raw


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["a.py", "-o", "x", "--in-place"], "--out and --in-place exclude each other", id="two modes"),
        pytest.param(["a.py", "--in-place", "--flatten"], "--in-place and --flatten exclude", id="flatten in place"),
        pytest.param(["."], ". is a folder: say where to write", id="a folder printed"),
        pytest.param(["a.py", "b.py"], "2 paths: say where to write", id="two files printed"),
        pytest.param(["-", "a.py"], "'-' is read alone", id="standard input among others"),
        pytest.param(["-", "-o", "x"], "'-' is read alone", id="standard input written"),
        pytest.param(["a.py", "--in-plac"], "--in-place", id="a misspelt option"),
        pytest.param(["a.py", "--library", "mmdet"], "'mmdet' is not 'none'", id="a library without a table"),
        pytest.param(["a.py", "--jobs", "0"], "0 is not in the range", id="no job"),
        pytest.param(["a.py", "-o", "a.py"], "a.py is a file; name a folder", id="out is a file"),
        pytest.param(["a.py", "-o", "a.py/x"], "a.py is a file; name a folder", id="out is below a file"),
        pytest.param(["a.py", "-o", "."], "a.py would be written over itself", id="out is the place of the file"),
        pytest.param([".", "-o", "new"], "lies inside ., the folder to convert", id="out inside of the source"),
        pytest.param([], "Missing argument 'PATHS...'", id="nothing"),
    ],
)
def test_wrong_usage_is_a_sentence_and_2(
    migrate: Migrate, here: Path, snapshot: Snapshot, arguments: list[str], said: str
) -> None:
    for name in ("a.py", "b.py"):
        Path(name).write_text(OLD)
    before = snapshot(here)

    ran = migrate("convert", *arguments)

    assert (2, "") == (ran.code, ran.out)
    assert said in ran.err
    assert before == snapshot(here)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("convrt", "did you mean 'convert'?", id="misspelt"),
        pytest.param("a.py", "did you mean 'migrate convert a.py'?", id="a file"),
        pytest.param("zzz", "the commands are convert", id="nothing like it"),
    ],
)
def test_unknown_command_is_a_sentence_and_2(migrate: Migrate, here: Path, name: str, said: str) -> None:
    Path("a.py").write_text(OLD)

    ran = migrate(name)

    assert 2 == ran.code
    assert said in ran.err


def test_a_reader_of_the_output_that_goes_away_is_no_traceback(here: Path) -> None:
    Path("a.py").write_text(OLD + "x = [\n" + "    'long',\n" * 50_000 + "]\n")
    command = f"{sys.executable} -m mmbridge.migrate convert a.py | head -c 10"

    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True)

    assert "optim_wrap" == ran.stdout
    assert "Traceback" not in ran.stderr


def test_colours_neither_in_a_pipe_nor_with_no_color(here: Path) -> None:
    Path("a.py").write_text(OLD)
    plain = subprocess.run([sys.executable, "-m", "mmbridge.migrate", "convert", "a.py"], capture_output=True)

    assert b"\x1b" not in plain.stdout + plain.stderr
    assert b"\x1b[3" in on_terminal({})
    assert b"\x1b[3" not in on_terminal({"NO_COLOR": "1"})


def test_a_narrow_terminal_wraps_between_words(here: Path) -> None:
    Path("a.py").write_text(OLD)

    shown = on_terminal({"COLUMNS": "40", "NO_COLOR": "1"}).decode()
    lines = re.sub(r"\x1b\[[\d;]*m", "", shown).splitlines()

    assert max(map(len, lines)) <= 40


def test_a_bar_on_a_terminal_only_and_for_several_files_only(here: Path) -> None:
    for name in ("a.py", "b.py"):
        Path(name).write_text(OLD)
    piped = subprocess.run([sys.executable, "-m", "mmbridge.migrate", "convert", ".", "--check"], capture_output=True)

    assert b"converting and proving" in on_terminal({}, ".")
    assert b"converting and proving" not in on_terminal({}, "a.py")
    assert b"converting and proving" not in piped.stderr


def on_terminal(environment: dict[str, str], path: str = "a.py") -> bytes:
    """What ``migrate convert PATH --check`` writes to a terminal."""
    import pty

    leader, follower = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    environment = {**inherited, "TERM": "xterm", "COLUMNS": "100", **environment}
    command = [sys.executable, "-m", "mmbridge.migrate", "convert", path, "--check"]
    subprocess.run(command, stdin=follower, stdout=follower, stderr=follower, env=environment, check=False)
    os.close(follower)
    written = b""
    try:
        while chunk := os.read(leader, 10_000):
            written += chunk
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(leader)
    return written
