"""Files on disk: what is found, and that writing leaves every file old or new."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mmbridge.compat.errors import BridgeError
from mmbridge.migrate import files
from mmbridge.migrate.files import Asked, Write, encoding, find, read_exactly, write_all

Snapshot = Callable[[Path], dict[str, bytes]]


def full_disk(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_find_takes_files_as_they_are_and_folders_with_all_below(tmp_path: Path) -> None:
    for name in ("b.py", "a/z.py", "a/c.py", "a/notes.txt", "a/.hidden/d.py", "a/data.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")

    expected = [Asked(tmp_path / "b.py", True), Asked(tmp_path / "a/c.py", False), Asked(tmp_path / "a/z.py", False)]

    assert expected == find([tmp_path / "b.py", tmp_path / "a"])


@pytest.mark.parametrize("folder_first", [True, False], ids=["folder first", "file first"])
def test_find_gives_a_file_once_and_knows_that_it_was_named(tmp_path: Path, folder_first: bool) -> None:
    path = tmp_path / "a.py"
    path.write_text("")

    assert [Asked(path, True)] == find([tmp_path, path] if folder_first else [path, tmp_path])


def test_find_says_what_a_missing_file_may_have_meant(tmp_path: Path) -> None:
    (tmp_path / "retinanet").mkdir()
    (tmp_path / "retinanet/retinanet_r50.py").write_text("")
    wrong = [tmp_path / "retinanet/retinanet_r5.py", tmp_path / "retinanett/retinanet_r50.py", tmp_path / "zzz.py"]

    said = [asked.wrong for asked in find(wrong)]

    assert [
        f"this file does not exist; did you mean '{tmp_path}/retinanet/retinanet_r50.py'?",
        f"this file does not exist; did you mean '{tmp_path}/retinanet'?",
        "this file does not exist; correct the path.",
    ] == said


def test_find_says_that_a_folder_is_empty(tmp_path: Path) -> None:
    assert ["this folder holds no config file (.py, .json, .yaml); name the right one."] == [
        asked.wrong for asked in find([tmp_path])
    ]


@pytest.mark.parametrize(
    ("raw", "suffix", "expected"),
    [
        pytest.param(b"a = 1\n", ".py", "utf-8", id="nothing said"),
        pytest.param(b"\xef\xbb\xbfa = 1\n", ".py", "utf-8-sig", id="byte order mark"),
        pytest.param(b"# -*- coding: latin-1 -*-\n", ".py", "iso-8859-1", id="coding line"),
        pytest.param(b"\xef\xbb\xbf{}", ".json", "utf-8-sig", id="byte order mark in JSON"),
        pytest.param(b"# -*- coding: latin-1 -*-\n", ".yaml", "utf-8", id="YAML has no coding line"),
    ],
)
def test_encoding(raw: bytes, suffix: str, expected: str) -> None:
    assert expected == encoding(raw, suffix)


def test_read_exactly_keeps_line_ends(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"a = 1\r\nb = 2\rc = 3\n")

    assert "a = 1\r\nb = 2\rc = 3\n" == read_exactly(tmp_path / "a.py")


def test_write_all_makes_folders_and_keeps_permissions(tmp_path: Path) -> None:
    like = tmp_path / "like.py"
    like.write_text("")
    like.chmod(0o754)

    write_all([Write(tmp_path / "new/deep/a.py", b"text", like), Write(tmp_path / "new/b.py", b"")])

    assert b"text" == (tmp_path / "new/deep/a.py").read_bytes()
    assert 0o754 == (tmp_path / "new/deep/a.py").stat().st_mode & 0o777
    assert (tmp_path / "probe").touch() or (tmp_path / "probe").stat().st_mode == (tmp_path / "new/b.py").stat().st_mode
    assert ["a.py"] == os.listdir(tmp_path / "new/deep")


@pytest.mark.parametrize("place", ["fsync", "chmod"])
def test_a_full_disk_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: Snapshot, place: str
) -> None:
    (tmp_path / "a.py").write_bytes(b"old")
    calls = iter([False, True])
    real: Callable[..., Any] = getattr(os, place)
    monkeypatch.setattr(files.os, place, lambda *given: full_disk() if next(calls) else real(*given))

    with pytest.raises(BridgeError, match=r"b\.py: cannot be written \(No space left on device\); nothing was written"):
        write_all([Write(tmp_path / "a.py", b"new"), Write(tmp_path / "deep/er/b.py", b"new")])

    assert {"a.py": b"old"} == snapshot(tmp_path)
    assert ["a.py"] == os.listdir(tmp_path)


def test_an_error_while_files_are_put_in_place_says_how_far_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: Snapshot
) -> None:
    real = os.replace
    monkeypatch.setattr(files.os, "replace", lambda a, b: full_disk() if b.name == "b.py" else real(a, b))

    with pytest.raises(BridgeError, match=r"b\.py: cannot be written .*; 1 of 2 files were written before it\."):
        write_all([Write(tmp_path / "a.py", b"new"), Write(tmp_path / "b.py", b"new")])

    assert {"a.py": b"new"} == snapshot(tmp_path)


@pytest.mark.usefixtures("ctrl_c_counts")
def test_ctrl_c_while_writing_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: Snapshot
) -> None:
    (tmp_path / "a.py").write_bytes(b"old")
    monkeypatch.setattr(files.os, "fsync", lambda _: signal.raise_signal(signal.SIGINT))

    with pytest.raises(KeyboardInterrupt):
        write_all([Write(tmp_path / "a.py", b"new")])

    assert {"a.py": b"old"} == snapshot(tmp_path)


def test_two_texts_for_one_place_are_refused(tmp_path: Path, snapshot: Snapshot) -> None:
    with pytest.raises(BridgeError, match=r"a\.py: two files would be written here with different texts"):
        write_all([Write(tmp_path / "a.py", b"1"), Write(tmp_path / "a.py", b"2")])

    assert {} == snapshot(tmp_path)


def test_what_is_being_written_is_never_taken_for_a_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[Asked]] = []
    monkeypatch.setattr(files.os, "fsync", lambda _: seen.append(find([tmp_path])))

    write_all([Write(tmp_path / "a.py", b"a = 1"), Write(tmp_path / "b.json", b'{"model": 1}')])

    assert [True, True] == [bool(found[0].wrong) for found in seen]
