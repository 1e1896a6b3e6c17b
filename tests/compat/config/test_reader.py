"""Files with their bases: what is merged, what is shared, and every sentence when something is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.compat.config import ConfigError, Reader, Undecided, merge

ROOT = Path("/configs")


def reader(dialect: Any = "mmcv", **files: str) -> Reader:
    """A Reader of files that exist only here: ``a_py`` is /configs/a.py, ``sub__a_py`` /configs/sub/a.py."""
    names = {name: name.replace("__", "/").replace("_py", ".py") for name in files}
    names = {name: new.replace("_json", ".json").replace("_yaml", ".yaml") for name, new in names.items()}
    return Reader(overlay={ROOT / names[name]: text for name, text in files.items()}, dialect=dialect)


def test_child_over_base() -> None:
    read = reader(
        base_py="a = 1\nmodel = dict(type='X', neck=dict(w=1, h=2), head=dict(k=1))\nlast = [1, 2]",
        child_py=(
            "_base_ = 'base.py'\nnew = 0\nlast = [3]\n"
            "model = dict(neck=dict(_delete_=True, d=3), head=dict(j=2), extra=dict(_delete_=True, e=1))"
        ),
    )

    resolved = read.resolved(ROOT / "child.py")

    model = {"type": "X", "neck": {"d": 3}, "head": {"k": 1, "j": 2}, "extra": {"_delete_": True, "e": 1}}
    assert {"a": 1, "model": model, "last": [3], "new": 0} == resolved
    assert ["a", "model", "last", "new"] == list(resolved)


def test_bases_are_listed_first_and_once() -> None:
    read = reader(
        root_py="a = 1",
        sub__left_py="_base_ = '../root.py'\nb = 1",
        right_py="c = 1",
        leaf_py="_base_ = ['sub/left.py', './right.py']\nd = 1",
    )

    assert (ROOT / "sub/left.py", ROOT / "right.py") == read.base_paths(ROOT / "leaf.py")
    expected = (ROOT / "root.py", ROOT / "sub/left.py", ROOT / "right.py", ROOT / "leaf.py")
    assert expected == read.closure(ROOT / "leaf.py")
    assert {"a": 1, "b": 1, "c": 1} == read.inherited(ROOT / "leaf.py")
    assert {} == read.inherited(ROOT / "root.py")


def test_results_are_cached() -> None:
    read = reader(root_py="a = [1]", leaf_py="_base_ = 'root.py'")
    path = ROOT / "leaf.py"

    assert read.file(path) is read.file(path)
    assert read.resolved(path) is read.resolved(path)


def test_references_to_the_bases() -> None:
    read = reader(
        root_py="info = dict(name='x', parts=[1])",
        leaf_py="_base_ = 'root.py'\ndata = dict(a={{_base_.info}}, b=[{{_base_.info.parts}}], c=({{_base_.info.name}},))",  # noqa: E501
    )

    data = read.resolved(ROOT / "leaf.py")["data"]

    assert {"a": {"name": "x", "parts": [1]}, "b": [[1]], "c": ("x",)} == data


def test_json_and_yaml() -> None:
    read = reader(
        root_json='{"a": {"b": 1}, "lr": 0.1}',
        mid_yaml="_base_: root.json\nc:\n  d: 1e-3\n  e: {{_base_.a.b}}\n",
        leaf_json='{"_base_": ["mid.yaml"], "f": {{ _base_.c }}, "g": "{{fileBasename}}"}',
    )

    expected = {
        "a": {"b": 1},
        "lr": 0.1,
        "c": {"d": "1e-3", "e": 1},
        "f": {"d": "1e-3", "e": 1},
        "g": "leaf.json",
    }
    assert expected == read.resolved(ROOT / "leaf.json")
    assert {"c": (2,)} == read.file(ROOT / "mid.yaml").bindings


def test_environment_in_data_files() -> None:
    read = reader(dialect="mmengine", a_json='{"x": "{{$ROOT:/data}}/x", "y": 1}')

    found = read.resolved(ROOT / "a.json")

    assert Undecided("/configs/a.json", 1, "the environment variable ROOT (default '/data')") == found["x"]
    assert 1 == found["y"]


def test_mmengine_edits_the_bases_in_place() -> None:
    read = reader(
        dialect="mmengine",
        root_py="scheduler = [dict(end=1), dict(end=2)]\nmodel = dict(depth=50)",
        leaf_py="_base_ = 'root.py'\n_base_.scheduler[0].end = 5\ndepth = _base_.model.depth * 2\nmodel = dict(k=1)",
    )

    expected = {"scheduler": [{"end": 5}, {"end": 2}], "model": {"depth": 50, "k": 1}, "depth": 100}
    assert expected == read.resolved(ROOT / "leaf.py")
    assert 1 == read.resolved(ROOT / "root.py")["scheduler"][0]["end"]


def test_mmengine_bases_in_unknown_hands_are_undecided() -> None:
    read = reader(dialect="mmengine", root_py="a = dict(x=1)\nb = 2", leaf_py="_base_ = 'root.py'\nf(_base_)")

    assert {"a", "b"} == {k for k, v in read.resolved(ROOT / "leaf.py").items() if isinstance(v, Undecided)}


def test_dict_over_an_undecided_value_is_undecided() -> None:
    read = reader(root_py="import os\na = os.environ['X']", leaf_py="_base_ = 'root.py'\na = dict(b=1)")

    assert (
        Undecided("/configs/root.py", 2, "os.environ is not known without running the file")
        == (read.resolved(ROOT / "leaf.py")["a"])
    )


def test_reference_without_a_base_is_undecided() -> None:
    found = reader(a_py="x = {{_base_.y}}").resolved(ROOT / "a.py")["x"]

    assert Undecided("/configs/a.py", 1, "{{_base_.y}} in a file without _base_") == found


def test_deprecation_note_is_no_key() -> None:
    read = reader(root_py="_deprecation_ = dict(expected='x')\na = 1", leaf_py="_base_ = 'root.py'")

    assert {"a": 1} == read.resolved(ROOT / "leaf.py")


def test_verbatim_files_keep_predefined_variables() -> None:
    text = "a = '{{ fileBasename }}'"
    read = Reader(overlay={ROOT / "a.py": text}, verbatim=[ROOT / "a.py"])

    assert {"a": "{{ fileBasename }}"} == read.resolved(ROOT / "a.py")


def test_coding_line_and_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes("# -*- coding: latin-1 -*-\na = 'é'\n".encode("latin-1"))
    (tmp_path / "marked.py").write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 2\r\n")

    assert {"a": "é"} == Reader().resolved(tmp_path / "latin.py")
    assert {"a": 1, "b": 2} == Reader().resolved(tmp_path / "marked.py")
    assert "a = 1\nb = 2\n" == Reader().file(tmp_path / "marked.py").text


ERRORS: dict[str, tuple[dict[str, str], str]] = {
    "missing-base": (
        {"a_py": "x = 1\n_base_ = [\n    'no.py',\n]"},
        r"/configs/a\.py:3: the base 'no\.py' does not exist \(/configs/no\.py\); correct the path",
    ),
    "circle": (
        {"a_py": "_base_ = 'b.py'", "b_py": "x = 1\n_base_ = 'a.py'"},
        r"/configs/b\.py:2: the bases form a circle: /configs/a\.py -> /configs/b\.py -> /configs/a\.py",
    ),
    "own-base": ({"a_py": "_base_ = 'a.py'"}, r"/configs/a\.py:1: the bases form a circle"),
    "url": (
        {"a_py": "_base_ = 'https://x.y/z.py'"},
        r"/configs/a\.py:1: the base .* is a URL and is not fetched",
    ),
    "bucket": (
        {"a_py": "_base_ = ['s3://x/z.py']"},
        r"/configs/a\.py:1: the base .* is a URL and",
    ),
    "folder": (
        {"a_py": "_base_ = '../usr'"},
        r"a\.py:1: the base '\.\./usr' is a directory \(/usr\)",
    ),
    "duplicate": (
        {"b_py": "x = 1", "c_py": "y = 1\nx = 1", "a_py": "_base_ = ['b.py',\n'c.py']"},
        r"/configs/a\.py:2: two bases set 'x': /configs/b\.py and /configs/c\.py; keep it in one",
    ),
    "dict-over-list": (
        {"b_py": "m = dict(x=[1])", "a_py": "_base_ = 'b.py'\nm = dict(x=dict(y=1))"},
        r"/configs/a\.py: m\.x is a dict here, but list in the base; write _delete_=True",
    ),
    "dict-over-none": (
        {"b_py": "m = None", "a_py": "_base_ = 'b.py'\nm = dict(y=1)"},
        r"m is a dict here, but None",
    ),
    "missing-reference": (
        {"b_py": "m = dict(x=1)", "a_py": "_base_ = 'b.py'\n\ny = {{_base_.m.z}}"},
        r"/configs/a\.py:3: \{\{_base_\.m\.z\}\}: the bases have no 'z'; found 'x'\.",
    ),
    "reference-below-a-number": (
        {"b_py": "m = 1", "a_py": "_base_ = 'b.py'\ny = {{_base_.m.z}}"},
        r"the bases have no 'z'; found a int\.",
    ),
    "no-such-package": (
        {"a_py": "_base_ = 'no_such_package::x.py'"},
        r"/configs/a\.py:1: the base .* needs the package no_such_package, which is not installed",
    ),
    "package-without-configs": (
        {"a_py": "_base_ = 'yaml::x.py'"},
        r"yaml is installed in .*, but has no config",
    ),
    "two-colons-only": ({"a_py": "_base_ = '::x.py'"}, r"the base '::x\.py' is no path; write package::path"),
    "json": ({"a_json": '{"x": 1,\n"y" 2}'}, r"/configs/a\.json:2: this is not JSON"),
    "yaml": ({"a_yaml": "x: 1\ny: [\n"}, r"/configs/a\.yaml:3: this is not YAML"),
    "yaml-list": ({"a_yaml": "- 1\n"}, r"/configs/a\.yaml:1: a config is a mapping of keys, found list"),
    "yaml-base": (
        {"a_yaml": "x: 1\n_base_: 5\n"},
        r"/configs/a\.yaml:2: _base_ must be a path or",
    ),
    "syntax-in-a-base": (
        {"b_py": "x = (", "a_py": "_base_ = 'b.py'"},
        r"/configs/b\.py:1: this is not",
    ),
}


@pytest.mark.parametrize("dialect", ["mmcv", "mmengine"])
@pytest.mark.parametrize(("files", "sentence"), ERRORS.values(), ids=ERRORS.keys())
def test_error_sentence(files: dict[str, str], sentence: str, dialect: str) -> None:
    name = next(name for name in files if name.startswith("a_"))

    with pytest.raises(ConfigError, match=sentence):
        reader(dialect, **files).resolved(ROOT / name.replace("_", "."))


def test_errors_of_files_on_disk(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_bytes(b"a = 1\nb = '\xff'\n")
    (tmp_path / "folder.py").mkdir()

    with pytest.raises(ConfigError, match=r"none\.py: this file does not exist; correct the path\."):
        Reader().file(tmp_path / "none.py")
    with pytest.raises(ConfigError, match=r"folder\.py: this is a directory, not a config file"):
        Reader().file(tmp_path / "folder.py")
    with pytest.raises(ConfigError, match=r"x\.toml: a config ends in \.py, \.json, \.yaml, \.yml, found"):
        Reader().file(tmp_path / "x.toml")
    with pytest.raises(ConfigError, match=r"bad\.py:\d: the text cannot be decoded \(.*\); save it as UTF-8"):
        Reader().file(tmp_path / "bad.py")


KEYS = st.sampled_from("abcd")
VALUES = st.recursive(
    st.one_of(st.integers(0, 3), st.none(), st.lists(st.integers(0, 3), max_size=2)),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
CONFIGS = st.dictionaries(KEYS, VALUES, max_size=4)


def merged_or_none(child: dict[str, Any], base: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return merge(child, base)
    except ConfigError:
        return None


@given(CONFIGS)
def test_merge_with_nothing_is_identity(config: dict[str, Any]) -> None:
    assert config == merge({}, config)
    assert config == merge(config, {})
    assert config == merge(config, config)


@given(CONFIGS, CONFIGS)
def test_merge_changes_no_input_and_keeps_base_order(child: dict[str, Any], base: dict[str, Any]) -> None:
    before = (repr(child), repr(base))
    merged = merged_or_none(child, base)

    assert before == (repr(child), repr(base))
    if merged is not None:
        assert [*base, *(key for key in child if key not in base)] == list(merged)


@given(CONFIGS, CONFIGS, CONFIGS)
def test_merge_is_associative_where_defined(a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]) -> None:
    inner, outer = merged_or_none(b, c), merged_or_none(a, b)
    left = None if inner is None else merged_or_none(a, inner)
    right = None if outer is None else merged_or_none(outer, c)

    if left is not None and right is not None:
        assert left == right


@given(CONFIGS, CONFIGS)
def test_delete_replaces_everything(child: dict[str, Any], base: dict[str, Any]) -> None:
    assert {"k": child} == merge({"k": {"_delete_": True, **child}}, {"k": base})
