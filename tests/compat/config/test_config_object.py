"""Config and ConfigDict as training code uses them; options; text that reads back equal."""

from __future__ import annotations

import argparse
import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.compat.config import (
    Config,
    ConfigDict,
    ConfigError,
    DictAction,
    evaluate,
    parse_options,
    parse_value,
    to_python,
)


def test_config_dict_access() -> None:
    config = ConfigDict(a={"b": [{"c": 1}], "d": ({"e": 2},)})

    assert (1, 2) == (config.a.b[0].c, config.a.d[0].e)
    with pytest.raises(AttributeError, match="'ConfigDict' object has no attribute 'x'"):
        _ = config.x
    with pytest.raises(KeyError, match="x"):
        _ = config["x"]
    with pytest.raises(AttributeError, match="'keys' is a method of every dict"):
        config.keys = 1


def test_config_dict_converts_what_is_put_in() -> None:
    config = ConfigDict()
    config.a = {"b": 1}
    config["c"] = [{"d": 2}]
    config.setdefault("e", {})["f"] = 3

    assert (1, 2, 3) == (config.a.b, config.c[0].d, config.e.f)


def test_config_dict_update_merges_dicts_and_replaces_lists() -> None:
    config = ConfigDict(a={"b": 1, "l": [1, 2]}, x=1)
    config.update({"a": {"c": 2, "l": [3]}}, x={"y": 1})

    assert {"a": {"b": 1, "l": [3], "c": 2}, "x": {"y": 1}} == config
    assert 1 == config.x.y


def test_config_dict_copies() -> None:
    config = ConfigDict(a={"b": [1]})
    shallow, deep, pickled = config.copy(), copy.deepcopy(config), pickle.loads(pickle.dumps(config))
    config.a.b.append(2)

    assert [[1, 2], [1], [1]] == [shallow.a.b, deep.a.b, pickled.a.b]
    assert {ConfigDict} == {type(c) for c in (shallow, deep, pickled, deep.a, pickled.a, config | {"z": {}})}
    assert dict is type(config.to_dict()["a"])


def test_config_object() -> None:
    config = Config({"a": {"b": 1}, "l": [{}]}, filename=None)
    config.c = {"d": 2}
    config["e"] = 3

    assert (1, 2, 3, 4) == (config.a.b, config.c.d, config.get("e"), len(config))
    assert ["a", "l", "c", "e"] == list(config)
    assert "a" in config and "x" not in config
    assert (None, "", {}) == (config.filename, config.text, config.env_variables)
    assert repr(config).startswith("Config (path: None): {'a': ")
    assert not Config()


def test_config_object_copies() -> None:
    config = Config({"a": {"b": [1]}}, cfg_text="text")
    shallow, deep, pickled = config.copy(), copy.deepcopy(config), pickle.loads(pickle.dumps(config))
    config.a.b.append(2)
    config.new = 1

    assert [[1, 2], [1], [1]] == [shallow.a.b, deep.a.b, pickled.a.b]
    assert ["text"] * 3 == [c.text for c in (shallow, deep, pickled)]
    assert "new" not in shallow


@pytest.mark.parametrize("key", ["filename", "text", "pretty_text", "env_variables"])
def test_reserved_key(key: str) -> None:
    with pytest.raises(ConfigError, match=f"the key '{key}' is reserved; choose another name"):
        Config({key: 1})


def test_config_of_something_else() -> None:
    with pytest.raises(TypeError, match="cfg_dict must be a dict, but got <class 'list'>"):
        Config([1])  # type: ignore[arg-type]


def test_fromfile(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("model = dict(depth=50)\n")
    (tmp_path / "leaf.py").write_text("_base_ = 'base.py'\nmodel = dict(k=_base_.model.depth)\n")

    config = Config.fromfile(tmp_path / "leaf.py")

    assert {"model": {"depth": 50, "k": 50}} == config.to_dict()
    assert str(tmp_path / "leaf.py") == config.filename
    base, leaf = tmp_path / "base.py", tmp_path / "leaf.py"
    assert f"{base}\n{base.read_text()}\n{leaf}\n{leaf.read_text()}" == config.text


def test_fromfile_warns_of_deprecated_files(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_text("_deprecation_ = dict(expected='new.py', reference='the docs')\na = 1\n")

    with pytest.warns(DeprecationWarning, match=r"is deprecated; use new\.py instead \(see the docs\)"):
        Config.fromfile(path)


def test_only_execute_runs_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBRIDGE_TEST_ROOT", "/data")
    (tmp_path / "base.py").write_text("import os\nroot = os.environ['MMBRIDGE_TEST_ROOT']\nn = dict(k=[1])\n")
    (tmp_path / "leaf.py").write_text(
        "_base_ = ['base.py']\ndef f(x):\n    return x + 1\nclass C:\n    pass\nold = {{_base_.n.k}}\n"
        "a = f(_base_.n.k[0])\nb = '{{$MMBRIDGE_TEST_ROOT:x}}'\nc = '{{$MMBRIDGE_TEST_NONE:7}}'\n"
        "name = '{{fileBasename}}'\nn = dict(m=2)\n"
    )

    with pytest.raises(ConfigError, match=r"base\.py:2: os\.environ .*; pass execute=True to run the file\."):
        Config.fromfile(tmp_path / "leaf.py")
    config = Config.fromfile(tmp_path / "leaf.py", execute=True)

    expected = {
        "root": "/data",
        "n": {"k": [1], "m": 2},
        "old": [1],
        "a": 2,
        "b": "/data",
        "c": "7",
        "name": "leaf.py",
    }
    assert expected == {key: value for key, value in config.to_dict().items() if key != "C"}
    assert {"MMBRIDGE_TEST_ROOT": "/data"} == config.env_variables


def test_predefined_variables_can_be_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("a = '{{fileBasename}}'\n")

    for execute in (False, True):
        kept = Config.fromfile(path, use_predefined_variables=False, execute=execute)
        put_in = Config.fromfile(path, execute=execute)

        assert ("{{fileBasename}}", "a.py") == (kept.a, put_in.a)


def test_custom_imports_happen_only_when_executing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "mmbridge_canary_module.py").write_text("raise RuntimeError('imported')\n")
    path = tmp_path / "a.py"
    path.write_text("custom_imports = dict(imports=['mmbridge_canary_module'])\n")

    Config.fromfile(path)
    Config.fromfile(path, import_custom_modules=False, execute=True)

    with pytest.raises(RuntimeError, match="imported"):
        Config.fromfile(path, execute=True)


def test_custom_imports_that_fail(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("custom_imports = dict(imports='mmbridge_no_such_module')\n")

    with pytest.raises(ImportError, match="custom_imports: mmbridge_no_such_module cannot be imported"):
        Config.fromfile(path, execute=True)
    path.write_text("custom_imports = dict(imports=['mmbridge_no_such_module'], allow_failed_imports=True)\n")
    with pytest.warns(UserWarning, match="mmbridge_no_such_module cannot be imported"):
        Config.fromfile(path, execute=True)


def test_fromstring() -> None:
    assert {"a": 1} == Config.fromstring("a = 1", ".py").to_dict()
    assert {"a": 1} == Config.fromstring('{"a": 1}', ".json").to_dict()
    with pytest.raises(ConfigError, match=r"file_format is one of \.py, \.json, \.yaml, \.yml, found 'py'"):
        Config.fromstring("a = 1", "py")
    with pytest.warns(UserWarning, match=r"is its format really \.yaml\?"):
        Config.fromstring("a: dict(b=1)", ".yaml")


def test_merge_from_dict() -> None:
    config = Config({"a": {"b": 1}, "l": [{"k": 1}, 2], "deep": [[{"x": 1}]]})
    config.merge_from_dict({"a.b": 2, "a.c.d": 3, "l.0.k": 5, "l.1": 7, "new.x": 1, "deep.0.0.x": 4})

    expected = {"a": {"b": 2, "c": {"d": 3}}, "l": [{"k": 5}, 7], "deep": [[{"x": 4}]], "new": {"x": 1}}
    assert expected == config.to_dict()
    assert 3 == config.a.c.d


MERGE_ERRORS = {
    "beyond-the-end": ({"l.9.k": 1}, True, r"l\.9: l has 2 items; the last one is 1"),
    "no-number": ({"l.x": 1}, True, r"l\.x: l is a list; name one of its items by a number"),
    "lists-not-allowed": ({"l.0.k": 1}, False, "l is a dict here, but list in the base"),
    "below-a-number": ({"n.k": 1}, True, "n is a dict here, but int in the base"),
}


@pytest.mark.parametrize(("options", "lists", "sentence"), MERGE_ERRORS.values(), ids=MERGE_ERRORS.keys())
def test_merge_from_dict_errors(options: dict[str, Any], lists: bool, sentence: str) -> None:
    config = Config({"l": [{"k": 1}, 2], "n": 1})

    with pytest.raises(ConfigError, match=sentence):
        config.merge_from_dict(options, allow_list_keys=lists)


# Measured on MMCV 1.7.2's DictAction.
OPTION_VALUES = {
    "1": 1, "1e-3": 0.001, "inf": float("inf"), "1_000": 1000, "0x10": "0x10", "True": True, "true": True,
    "None": None, "none": "none", "1,": [1], "(1)": (1,), "[]": [], "()": (), "": "", '"1"': 1, "x y": "xy",
    "{x:1}": "{x:1}", "x=y": "x=y", "a,[b,c],(d)": ["a", ["b", "c"], ("d",)], "[(1,2),3]": [(1, 2), 3],
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), OPTION_VALUES.items(), ids=OPTION_VALUES.keys())
def test_option_value(text: str, value: Any) -> None:
    parsed = parse_value(text)

    assert (type(value), value) == (type(parsed), parsed)


def test_options() -> None:
    assert {"a.b": 1, "c": "x=y"} == parse_options(["a.b=0", "c=x=y", "a.b=1"])
    with pytest.raises(ConfigError, match="expected KEY=VALUE, found 'ab'"):
        parse_options(["ab"])
    for text in ("[1,2", "1]", "([1)]", "(1,[2,)"):
        with pytest.raises(ConfigError, match=r"the brackets of .* do not match"):
            parse_value(text)


def test_dict_action(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cfg-options", nargs="+", action=DictAction)

    args = parser.parse_args(["--cfg-options", "a=1", "b.c=[2]", "--cfg-options", "a=3"])

    assert {"a": 3, "b.c": [2]} == args.cfg_options
    with pytest.raises(SystemExit):
        parser.parse_args(["--cfg-options", "a"])
    assert "expected KEY=VALUE, found 'a'" in capsys.readouterr().err


def test_pretty_text() -> None:
    config = Config({"z": {"type": "X", "l": [1, (2,), {"k.x": None}]}, "a": "it's", "long": ["x" * 60, "y" * 60]})

    expected = (
        "z = dict(type='X', l=[1, (2,), {'k.x': None}])\n"
        'a = "it\'s"\n'
        f"long = [\n    '{'x' * 60}',\n    '{'y' * 60}',\n]\n"
    )
    assert expected == config.pretty_text


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8),
    st.binary(max_size=4),
    st.sampled_from(["{{ fileDirname }}", "{{_base_.x}}", "{{$A:b}}", "a'b\"c\n", "class", "\\", range(3)]),
)  # fmt: skip
DICT_KEYS = st.one_of(st.text(max_size=5), st.integers(), st.sampled_from(["dict", "if"]))
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner),
        st.tuples(inner, inner),
        st.dictionaries(
            st.one_of(st.text(max_size=5), st.integers(), st.sampled_from(["dict", "if"])), inner, max_size=4
        ),
        st.sets(st.integers(), max_size=3),
        st.frozensets(st.integers(), max_size=3),
    ),
    max_leaves=12,
)
TOP = st.one_of(st.text(min_size=1, max_size=5), st.sampled_from(["dict", "lambda", "model", "range"]))


@given(st.dictionaries(TOP.filter(lambda key: not key.startswith("__")), PLAIN, max_size=4))
def test_text_reads_back_equal(values: dict[str, Any]) -> None:
    text = to_python(values, strict=True)

    for dialect in ("mmcv", "mmengine"):
        again = evaluate(text, Path("a.py"), dialect=dialect).values  # type: ignore[arg-type]

        assert values == again
        assert repr(sorted(values)) == repr(sorted(again))


def test_text_of_what_python_cannot_express() -> None:
    assert "a = <class 'int'>\n" == to_python({"a": int})
    with pytest.raises(ConfigError, match=r"a\.b\[1\]: a value of type type cannot be written"):
        to_python({"a": {"b": [1, int]}}, strict=True)
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ConfigError, match=r"a\[0\]: the value holds itself"):
        to_python({"a": circle})


@pytest.mark.parametrize("ending", [".py", ".json", ".yaml"])
def test_dump(tmp_path: Path, ending: str) -> None:
    values = {"b": {"lr": 0.001, "l": [1, None, "x"]}, "a": True}
    config = Config(values)
    path = tmp_path / f"out{ending}"

    assert None is config.dump(path)
    assert values == Config.fromfile(path).to_dict()
    assert ["b", "a"] == list(Config.fromfile(path))
    assert path.read_text() == Config.fromfile(path).dump()


def test_dump_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a config is written as \.py.*found '\.toml'"):
        Config({}).dump(tmp_path / "x.toml")
    with pytest.raises(ConfigError, match="a value cannot be written as JSON or YAML"):
        Config({"a": {1, 2}}).dump(tmp_path / "x.json")


def test_dumped_yaml_is_plain(tmp_path: Path) -> None:
    Config({"a": (1, {"b": 2})}).dump(tmp_path / "x.yaml")

    assert {"a": [1, {"b": 2}]} == yaml.safe_load((tmp_path / "x.yaml").read_text())
