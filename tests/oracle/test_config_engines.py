"""Config behaviour against the real MMCV 1.7.2 and MMEngine 0.10.7, on small files and values."""

from __future__ import annotations

import argparse
import copy
import warnings
from pathlib import Path
from typing import Any

import pytest
from mmbridge.compat.config import Config, ConfigError, Reader, parse_options

pytestmark = pytest.mark.oracle

# name -> files; the last one is read
TREES: dict[str, dict[str, str]] = {
    "delete": {
        "b.py": "m = dict(a=dict(x=1), b=dict(y=1))",
        "c.py": "_base_ = 'b.py'\nm = dict(a=dict(_delete_=True, z=1), b=dict(_delete_=False, w=1))",
    },
    "delete-without-base-key": {
        "b.py": "m = 1",
        "c.py": "_base_ = 'b.py'\nn = dict(_delete_=True, x=dict(_delete_=True))",
    },
    "references": {
        "b.py": "i = dict(n='x', l=[1])",
        "c.py": "_base_ = ['./b.py']\nd = dict(a={{_base_.i}}, b=[{{ _base_.i.l }}], c=({{_base_.i.n}}, 1))",
    },
    "predefined": {"c.py": "a = '{{ fileDirname }}|{{fileBasename}}|{{fileBasenameNoExtension}}|{{ fileExtname }}'"},
    "leaking-names": {"c.py": "_x = [i for i in range(2)]\nfor k in (1, 2):\n    y = k\n__z = 1"},
    "order": {"b.py": "z = 1\na = dict(q=1)", "c.py": "_base_ = 'b.py'\nn = 1\na = dict(b=2)\nz = 2"},
    "yaml-and-json": {
        "b.json": '{"a": {"b": 1}}',
        "m.yaml": "_base_: b.json\nlr: 1e-3\nc: {{_base_.a}}",
        "c.py": "_base_ = 'm.yaml'\na = dict(d=2)",
    },
    "deprecated": {"b.py": "_deprecation_ = dict(expected='x')\na = 1", "c.py": "_base_ = 'b.py'"},
    "duplicate-key": {"a.py": "x = 1", "b.py": "x = 2", "c.py": "_base_ = ['a.py', 'b.py']"},
    "dict-over-list": {"b.py": "x = [1]", "c.py": "_base_ = 'b.py'\nx = dict(a=1)"},
    "dict-over-none": {"b.py": "x = None", "c.py": "_base_ = 'b.py'\nx = dict(a=1)"},
    "missing-base": {"c.py": "_base_ = 'no.py'"},
    "missing-reference": {"b.py": "x = 1", "c.py": "_base_ = 'b.py'\ny = {{_base_.z}}"},
    "tuple-of-bases": {"b.py": "x = 1", "c.py": "_base_ = ('b.py',)"},
    "same-object": {
        "b.py": "n = dict(t=1)\nm = dict(a=n, b=n)\nn['s'] = 2",
        "c.py": "_base_ = 'b.py'\nm = dict(a=dict(t=3))",
    },
}
MMENGINE_ONLY: dict[str, dict[str, str]] = {
    "expression": {
        "b.py": "m = dict(d=50, l=[dict(k=1)])\ne = 12",
        "c.py": "_base_ = 'b.py'\na = _base_.m.d * 2\nb = _base_.m.l[0].k\nc = [_base_.e] * 2\nd = _base_.m",
    },
    "edited-base": {
        "b.py": "s = [dict(e=1)]\nm = dict(x=1)",
        "c.py": "_base_ = 'b.py'\n_base_.s[0].e = 2\nm = dict(y=2)",
    },
    "environment": {"c.py": "a = '{{$MMBRIDGE_NOT_SET:./x}}'\nb = {'k': '{{ $MMBRIDGE_NOT_SET:3 }}'}"},
}
MMCV_ONLY: dict[str, dict[str, str]] = {
    "variable-base": {"b.py": "x = 1", "c.py": "name = 'b.py'\n_base_ = [f'./{name}']"},
    "imports-are-no-keys": {"c.py": "import math\nfrom os.path import join\nfrom math import pi\na = join('x', 'y')"},
    "no-environment": {"c.py": "a = '{{ $HOME:x }}'"},
}


def write(files: dict[str, str], folder: Path) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text + "\n")
    return folder / list(files)[-1]


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(item) for item in value)
    return value


def theirs(engine: str, path: Path) -> Any:
    config = pytest.importorskip("mmcv" if engine == "mmcv" else "mmengine.config").Config
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain(config.fromfile(str(path), import_custom_modules=False)._cfg_dict)
        except Exception:
            return "refused"


def check(engine: Any, path: Path, *, execute: bool = False) -> None:
    expected = theirs(engine, path)
    try:
        if execute:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                actual: Any = Config.fromfile(path, execute=True).to_dict()
        else:
            actual = Reader(dialect=engine).resolved(path)
    except ConfigError:
        actual = "refused"

    assert expected == actual
    assert repr(expected) == repr(actual)


@pytest.mark.parametrize("engine", ["mmcv", "mmengine"])
@pytest.mark.parametrize("files", TREES.values(), ids=TREES.keys())
def test_both_engines(files: dict[str, str], engine: str, tmp_path: Path) -> None:
    check(engine, write(files, tmp_path))


@pytest.mark.parametrize("files", MMCV_ONLY.values(), ids=MMCV_ONLY.keys())
def test_mmcv(files: dict[str, str], tmp_path: Path) -> None:
    check("mmcv", write(files, tmp_path))


@pytest.mark.parametrize("name", [name for name in MMENGINE_ONLY if name != "environment"])
def test_mmengine(name: str, tmp_path: Path) -> None:
    check("mmengine", write(MMENGINE_ONLY[name], tmp_path))


@pytest.mark.parametrize("files", [*TREES.values(), *MMENGINE_ONLY.values()], ids=[*TREES, *MMENGINE_ONLY])
def test_executing(files: dict[str, str], tmp_path: Path) -> None:
    check("mmengine", write(files, tmp_path), execute=True)


OPTIONS = [
    "1", "1e-3", "inf", "-2", "1_000", "0x10", "True", "false", "None", "none", "1,", "1,2", "(1)", "(1,2)", "[]",
    "()", "", "''", '"1"', "x y", "{x:1}", "x=y", "a,[b,c],(d)", "[(1,2),[3,[4]]]", "a.b/c", "'a,b'", "[ 1 , 2 ]",
]  # fmt: skip


@pytest.mark.parametrize("text", OPTIONS)
def test_option_values(text: str) -> None:
    action = pytest.importorskip("mmcv").DictAction
    parser = argparse.ArgumentParser()
    parser.add_argument("--cfg-options", nargs="+", action=action)

    expected = parser.parse_args(["--cfg-options", f"k={text}"]).cfg_options

    assert repr(expected) == repr(parse_options([f"k={text}"]))


MERGES: list[dict[str, Any]] = [
    {"a.b": 2}, {"a.c.d": 3}, {"l.0.k": 5}, {"l.0.n.m": 5}, {"l.9.k": 1}, {"new.x": 1},
    {"a": {"_delete_": True, "z": 1}},
    {"a._delete_": True}, {"n.k": 1}, {"l": [3]}, {"a": {"b": {"c": 1}}},
]  # fmt: skip


@pytest.mark.parametrize("lists", [True, False], ids=["list-keys", "no-list-keys"])
@pytest.mark.parametrize("options", MERGES, ids=repr)
def test_merge_from_dict(options: dict[str, Any], lists: bool) -> None:
    values = {"a": {"b": 1}, "l": [{"k": 1}, 2], "n": 1}
    config = pytest.importorskip("mmcv").Config(values)
    try:
        config.merge_from_dict(copy.deepcopy(options), allow_list_keys=lists)
        expected: Any = plain(config._cfg_dict)
    except Exception:
        expected = "refused"

    mine = Config(values)
    try:
        mine.merge_from_dict(options, allow_list_keys=lists)
        actual: Any = mine.to_dict()
    except ConfigError:
        actual = "refused"

    assert expected == actual
