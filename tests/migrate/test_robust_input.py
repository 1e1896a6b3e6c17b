"""Whatever is given: one sentence with the place, the documented exit code, nothing written, no traceback."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mmbridge.migrate import convert
from mmbridge.migrate.convert import Run

FIXTURES = Path(__file__).parents[2] / "fixtures/configs"
OLD = "optimizer = dict(type='SGD', lr=0.1)\nrunner = dict(type='EpochBasedRunner', max_epochs=12)\n"
NEW = "optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))\n"

Migrate = Callable[..., Any]
Snapshot = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the fixtures, with ``bad`` as the current folder."""
    shutil.copytree(FIXTURES, tmp_path / "configs")
    monkeypatch.chdir(tmp_path / "configs/bad")
    return tmp_path / "configs"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, with one good config in it."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("good.py").write_text(OLD)
    return folder


FAILING = {
    "base_cycle_a.py": "base_cycle_b.py:2: the bases form a circle",
    "base_cycle_b.py": "base_cycle_a.py:2: the bases form a circle",
    "base_is_a_tuple.py": "base_is_a_tuple.py:2: error: _base_ must be a path or a list of paths",
    "base_is_itself.py": "base_is_itself.py:2: error: the bases form a circle",
    "dict_over_list.py": "dict_over_list.py: error: workflow is a dict here, but list in the base",
    "duplicate_keys_in_bases.py": "duplicate_keys_in_bases.py:2: error: two bases set 'model'",
    "evil.py": "evil.py:3: error: _base_ must be a path",
    "half_migrated.py": "half_migrated.py: error: is half migrated: it sets evaluation, runner of the old generation",
    "missing_base.py": "missing_base.py:2: error: the base './_base_/nowhere.py' does not exist",
    "not_utf8.py": "not_utf8.py:1: error: the text cannot be decoded",
    "plain_script.py": "plain_script.py: error: it is no config",
    "syntax_error.py": "syntax_error.py:3: error: this is not Python: '(' was never closed",
    "url_base.py": "url_base.py:2: error: the base 'https://example.org/configs/toy_rcnn_r50_1x.py' is a URL",
}
PASSING = ("already_new.py", "exhausting.py", "invalid_values.py", "unknown_variable.py")


def test_every_bad_fixture_is_listed_here() -> None:
    assert sorted([*FAILING, *PASSING]) == sorted(path.name for path in (FIXTURES / "bad").glob("*.py"))


@pytest.mark.parametrize("name", FAILING)
def test_bad_file_is_one_sentence_and_2(migrate: Migrate, bad: Path, snapshot: Snapshot, name: str) -> None:
    before = snapshot(bad.parent)

    ran = migrate("convert", name, "-o", bad.parent / "new")

    assert (2, "") == (ran.code, ran.out)
    assert FAILING[name] in ran.err
    assert 1 == ran.err.count("error: ")
    assert 2 == ran.err.count("\n")
    assert before == snapshot(bad.parent)


@pytest.mark.parametrize("name", PASSING)
def test_strange_file_passes(migrate: Migrate, bad: Path, name: str) -> None:
    assert 0 == migrate("convert", name).code


def test_one_bad_file_stops_no_other(migrate: Migrate, bad: Path) -> None:
    ran = migrate("convert", ".", "-o", bad.parent / "new")
    written = {path.name for path in (bad.parent / "new").rglob("*.py")}

    assert 2 == ran.code
    assert f"{len(FAILING) - 1} failed" in ran.err
    assert "1 not a config" in ran.err
    assert set(PASSING) <= written
    assert set() == written & FAILING.keys()


def test_a_config_whose_base_fails_says_so(migrate: Migrate, here: Path) -> None:
    Path("base.py").write_text("optimizer = dict(type='SGD')\noptim_wrapper = dict()\nrunner = dict()\n")
    Path("leaf.py").write_text("_base_ = 'base.py'\n")

    ran = migrate("convert", "leaf.py")

    assert (2, "") == (ran.code, ran.out)
    assert "base.py: error: is half migrated" in ran.err
    assert "leaf.py: error: its base base.py could not be converted. [convert]" in ran.err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("god.py", "god.py: error: this file does not exist; did you mean 'good.py'?", id="missing"),
        pytest.param("empty", "empty: error: this folder holds no config file", id="empty folder"),
        pytest.param("notes.txt", "notes.txt: error: a config ends in .py, .json, .yaml, .yml", id="another kind"),
        pytest.param("list.json", "list.json:1: error: a config is a mapping of keys, found list", id="JSON list"),
        pytest.param("other.json", "other.json: error: it is no config", id="JSON of something else"),
        pytest.param("broken.yaml", "error: this is not YAML", id="broken YAML"),
        pytest.param("nul.py", "nul.py:1: error: this ", id="a null byte"),
    ],
)
def test_what_is_no_config_fails_and_the_good_one_is_written(
    migrate: Migrate, here: Path, name: str, said: str
) -> None:
    Path("empty").mkdir()
    for file, text in {
        "notes.txt": "x",
        "list.json": "[]",
        "other.json": "{}",
        "broken.yaml": "{",
        "nul.py": "\0",
    }.items():
        Path(file).write_text(text)

    ran = migrate("convert", name, "good.py", "-o", "new")

    assert 2 == ran.code
    assert said in ran.err
    assert "good.py: converted" in ran.err
    assert ["good.py"] == [path.name for path in Path("new").rglob("*") if path.is_file()]


def test_scripts_in_a_folder_are_passed_over_and_counted(migrate: Migrate, here: Path) -> None:
    Path("setup.py").write_text("from setuptools import setup\n\nsetup()\n")
    Path("train.py").write_text("import sys\n\ndef main():\n    print(sys.argv)\n\nmain()\n")
    Path("empty.py").write_text("")

    ran = migrate("convert", ".", "-o", here.parent / "new")

    assert 0 == ran.code
    assert "setup.py: not a config\n" in ran.err
    assert "4 files: 1 converted, 1 unchanged, 2 not a config, 0 failed" in ran.err
    assert ["empty.py", "good.py"] == sorted(os.listdir(here.parent / "new"))


def test_a_script_that_is_a_base_is_written_with_its_user(migrate: Migrate, here: Path) -> None:
    Path("shared.py").write_text("import os\n\ndef name():\n    return os.getcwd()\n")
    Path("leaf.py").write_text("_base_ = 'shared.py'\n" + OLD)

    ran = migrate("convert", ".", "-o", here.parent / "new")

    assert 0 == ran.code
    assert "shared.py: unchanged\n" in ran.err
    assert {"shared.py", "leaf.py", "good.py"} == set(os.listdir(here.parent / "new"))


def test_a_file_without_permission_is_a_sentence(migrate: Migrate, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated, because the administrator may read everything."""
    Path("closed.py").write_text(OLD)
    real = Path.read_bytes

    def read(path: Path) -> bytes:
        if path.name == "closed.py":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    ran = migrate("convert", "closed.py", "good.py", "-o", "new")

    assert 2 == ran.code
    assert "closed.py: error: this file cannot be read (Permission denied); correct its permissions. [read]" in ran.err
    assert ["good.py"] == os.listdir("new")


def test_already_new_is_0_and_nothing_changes(migrate: Migrate, here: Path, snapshot: Snapshot) -> None:
    Path("good.py").write_text(NEW)
    before = snapshot(here)

    ran = migrate("convert", ".", "--in-place")

    assert 0 == ran.code
    assert "good.py: already new\n" in ran.err
    assert before == snapshot(here)


def test_what_was_left_for_a_person_is_left_and_told_again(migrate: Migrate, here: Path, snapshot: Snapshot) -> None:
    Path("good.py").write_text(OLD + "lr_config = dict(policy='Unheard', warmup='exp')\n")
    Path("leaf.py").write_text("_base_ = 'good.py'\noptimizer = dict(lr=0.2)\n")
    Path("left.py").write_text(NEW + "# TODO(param-scheduler): by hand\nparam_scheduler = None\n\nlr_config = dict()\n")
    first = migrate("convert", ".", "--in-place")
    once = snapshot(here)

    again = migrate("convert", ".", "--in-place")

    assert (0, 0) == (first.code, again.code)
    assert once == snapshot(here)
    assert "lr_config" in Path("good.py").read_text()
    assert "left.py:5: todo: lr_config: by hand [param-scheduler]" in again.err
    assert "todo: lr_config: lr_config.policy: MMCV has no lr policy 'Unheard'" in again.err
    assert "3 files: 0 converted, 0 unchanged, 3 already new, 0 failed; 2 left for a person" in again.err


ABSURD = {
    "brackets": OLD + "x = " + "[" * 190 + "]" * 190,
    "a sum": OLD + "x = " + "1 + " * 4000 + "1",
    "a sum that is moved": "optimizer = dict(type='SGD', lr=" + "0.1 + " * 300 + "0)\ntotal_epochs = 3",
    "lambdas": OLD + "x = " + "lambda: " * 2000 + "1",
    "conditions": OLD + "x = " + "1 if a else " * 2000 + "1",
    "attributes": OLD + "x = a" + ".b" * 3000,
    "branches": OLD + "if x:\n  pass\n" + "elif y:\n  pass\n" * 3000,
    "one long line": OLD + "x = '" + "a" * 3_000_000 + "'",
}


@pytest.mark.parametrize("text", ABSURD.values(), ids=ABSURD)
def test_an_absurd_file_converts_or_is_a_sentence(migrate: Migrate, here: Path, text: str) -> None:
    Path("absurd.py").write_text(text)

    ran = migrate("convert", "absurd.py", "--check")

    assert ran.code in (1, 2)
    assert ran.code == 1 or ran.err.startswith("absurd.py")
    assert "[internal]" not in ran.err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(MemoryError(), "there is not enough memory to convert it; simplify it. [convert]", id="memory"),
        pytest.param(RecursionError(), "it is nested too deeply to be converted; simplify it. [convert]", id="depth"),
        pytest.param(
            ZeroDivisionError("division by zero"),
            "this program failed on it (ZeroDivisionError: division by zero at test_robust_input.py:",
            id="anything else",
        ),
    ],
)
def test_an_error_inside_one_file_is_told_and_the_others_go_on(
    migrate: Migrate, here: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    Path("other.py").write_text(OLD)
    real = convert.apply_source

    def explode(file: Any, *rest: Any, **named: Any) -> str:
        if file.path.name == "other.py":
            raise error
        return real(file, *rest, **named)

    monkeypatch.setattr(convert, "apply_source", explode)
    ran = migrate("convert", "other.py", "good.py", "-o", "new")

    assert 2 == ran.code
    assert f"other.py: error: {said}" in ran.err
    assert "please report it together with this file" in ran.err or "internal" not in ran.err
    assert ["good.py"] == os.listdir("new")


def test_ctrl_c_is_130_and_a_sentence(migrate: Migrate, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "convert", interrupted)
    ran = migrate("convert", "good.py", "--in-place")

    assert (130, "") == (ran.code, ran.out)
    assert "migrate: stopped; every file is whole" in ran.err
    assert OLD == Path("good.py").read_text()


def test_a_folder_that_cannot_be_written_is_a_sentence(
    migrate: Migrate, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    ran = migrate("convert", "good.py", "-o", "new")

    assert 2 == ran.code
    assert "migrate: new/good.py: cannot be written (Permission denied); nothing was written.\n" == ran.err


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        pytest.param("", "utf-8-sig", id="byte order mark"),
        pytest.param("# -*- coding: latin-1 -*-\n", "latin-1", id="latin-1"),
        pytest.param("", "utf-8", id="UTF-8"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_encoding_line_ends_and_permissions_stay(
    migrate: Migrate, here: Path, head: str, encoding: str, end: str
) -> None:
    path = Path("a.py")
    path.write_bytes((head + "# caf\xe9\n" + OLD).replace("\n", end).encode(encoding))
    path.chmod(0o444)

    ran = migrate("convert", "a.py", "--in-place")
    text = path.read_bytes().decode(encoding)

    assert 0 == ran.code
    assert text.startswith(head.replace("\n", end) + "# caf\xe9" + end)
    assert "optim_wrapper" in text
    assert text.count("\n") == text.count(end)
    assert 0o444 == path.stat().st_mode & 0o777


def test_what_an_encoding_cannot_hold_is_a_sentence(
    migrate: Migrate, here: Path, monkeypatch: pytest.MonkeyPatch, snapshot: Snapshot
) -> None:
    Path("a.py").write_text("# -*- coding: latin-1 -*-\n" + OLD, "latin-1")
    real = convert.apply_source
    monkeypatch.setattr(convert, "apply_source", lambda *a, **b: real(*a, **b) + "# \N{SNOWMAN}\n")
    before = snapshot(here)

    ran = migrate("convert", "a.py", "--in-place")

    assert 2 == ran.code
    assert "a.py: error: '\N{SNOWMAN}' does not exist in its encoding, latin-1; save it as UTF-8. [write]" in ran.err
    assert before == snapshot(here)


def test_a_flat_file_is_utf_8(migrate: Migrate, here: Path) -> None:
    Path("base.py").write_text("note = '\N{SNOWMAN}'\n", "utf-8")
    Path("a.py").write_text("# -*- coding: latin-1 -*-\n_base_ = 'base.py'\n" + OLD, "latin-1")

    ran = migrate("convert", "a.py", "--flatten")

    assert 0 == ran.code
    assert "note = '\N{SNOWMAN}'" in ran.out


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_is_followed_in_place(migrate: Migrate, here: Path) -> None:
    Path("links").mkdir()
    Path("links/linked.py").symlink_to(here / "good.py")

    ran = migrate("convert", "links", "--in-place")

    assert 0 == ran.code
    assert Path("links/linked.py").is_symlink()
    assert "optim_wrapper" in Path("good.py").read_text()


def test_what_hinders_in_the_folder_beside_does_not_hinder(migrate: Migrate, here: Path) -> None:
    Path("broken.py").write_text("x = (\n")
    Path("loop.py").symlink_to("loop.py")
    Path("not_utf8.py").write_bytes(b"x = '\xff'\n")

    ran = migrate("convert", "good.py", "--in-place")

    assert 0 == ran.code
