"""What cannot be known is Undecided, with everything it may have changed; and nothing explodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mmbridge.compat.config import BaseRef, ConfigError, Undecided, evaluate

PATH = Path("config.py")


def undecided(text: str) -> dict[str, Undecided]:
    values = evaluate(text, PATH).values
    return {name: value for name, value in values.items() if isinstance(value, Undecided)}


REASONS = {
    "environment": ("import os\na = os.environ['X']", "os.environ is not known"),
    "getcwd": ("import os\na = os.getcwd()", "os.getcwd() is not known"),
    "abspath": ("import os.path as osp\na = osp.abspath('x')", "os.path.abspath() is not known"),
    "foreign-import": ("from torch import nn as a", "nn is imported from torch"),
    "relative-import": ("from .base import a", "a is imported from .base"),
    "unknown-call": ("a = load('x')", "the call of load()"),
    "own-function": ("def f():\n    return 1\na = f()", "the call of f()"),
    "class": ("class a:\n    pass", "the class a"),
    "decorated": ("@wrap\ndef a():\n    pass", "the function a()"),
    "unknown-name": ("a = b", "the name 'b' is not defined"),
    "missing-key": ("a = {}['x']", "KeyError: 'x'"),
    "division-by-zero": ("a = 1 / 0", "ZeroDivisionError"),
    "type-error": ("a = 1 + 'x'", "TypeError"),
    "attribute-of-dict": ("b = dict(x=1)\na = b.x", "'dict' object has no attribute 'x'"),
    "attribute-of-base": ("a = _base_.x", "understood by MMEngine only"),
    "walrus": ("a = (b := 1)", "an assignment inside an expression"),
    "with": ("with open('x') as a:\n    pass", "a 'with' statement"),
    "while": ("a = 0\nwhile a < 3:\n    a += 1", "a 'while' statement"),
    "try": ("try:\n    a = 1\nexcept ValueError:\n    a = 2", "a 'try' statement"),
    "undecidable-if": ("import os\na = 1\nif os.environ:\n    a = 2", "os.environ is not known"),
    "undecidable-for": ("a = 0\nfor i in load():\n    a += 1", "the call of load()"),
    "break-on-unknown": ("a = 0\nfor i in [1, 2]:\n    a += 1\n    if x:\n        break", "the name 'x'"),
    "type-as-value": ("a = int", "the function int itself"),
    "iterator": ("a = zip([1], [2])", "a zip object"),
    "view": ("a = {}.keys()", "a dict_keys object"),
    "order-of-a-set": ("a = list({'x', 'y'})", "the order of this set"),
    "text-of-a-set": ("a = str({'x', 'y'})", "the order of this set"),
    "own-file": ("a = __file__", "the name '__file__'"),
    "inside-a-string": ("a = 'x{{_base_.b}}'", "a {{_base_.}} reference inside a string"),
    "operation-on-a-reference": ("a = {{_base_.b}} * 2", "an operation on {{_base_.b}}"),
    "truth-of-a-reference": ("a = 1 if {{_base_.b}} else 2", "an operation on {{_base_.b}}"),
    "assertion": ("a = 1\nassert a == 2", "AssertionError"),
    "raise": ("a = 1\nraise ValueError", "raises an exception"),
    "star-import": ("a = 1\nfrom x import *", "* is imported from x"),
    "exec": ("a = 1\nexec('a = 2')", "the call of exec()"),
    "repeated-keyword": ("a = dict(x=1, x=2)", "multiple values"),
    "long-text": ("a = 'a' * 10**9", "too long"),
    "huge-number": ("a = 10 ** 10 ** 10", "too large"),
    "shift": ("a = 1 << 10 ** 9", "too large"),
    "long-range": ("a = list(range(10**12))", "100,000 items"),
    "long-comprehension": ("a = [i for i in range(10**12)]", "100,000 items"),
    "nested-comprehension": ("a = [0 for i in range(9**5) for j in range(9**5)]", "too much work"),
    "wide-format": ("a = f'{1:1000000000}'", "absurd width"),
    "wide-percent": ("a = '%1000000000d' % 1", "absurd width"),
    "padding": ("a = 'x'.ljust(10**10)", "too long"),
    "replacing": ("a = ('a' * 10**5).replace('a', 'b' * 10**5)", "too long"),
    "doubling": ("a = [0]\nfor i in range(99):\n    a += a", "too long"),
    "slices": ("a = [0]\nfor i in range(99):\n    a[0:0] = a", "items"),
    "endless-loop": ("a = [0]\nfor i in a:\n    a.append(i)", "too much work"),
    "laughs": ("a = []\n" + "a = [a, a]\n" * 60, "too"),
    "laughing-compare": ("b = ()\n" + "b = (b, b)\n" * 60 + "a = b == (b, b)", "too"),
    "laughing-key": ("b = ()\n" + "b = (b, b)\n" * 60 + "a = {b: 1}", "too"),
    "holds-itself": ("a = []\na.append(a)", "holds itself"),
    "digits": ("a = round(5, -10**9)", "absurd number of digits"),
    "format-attributes": ("a = '{0.__class__}'.format(1)", "reads attributes"),
}


@pytest.mark.parametrize(("text", "reason"), REASONS.values(), ids=REASONS.keys())
def test_reason(text: str, reason: str) -> None:
    found = undecided(text)  # where a text explodes, it does so for hours or until memory is gone

    assert reason in found["a"].reason


CHANGED = {
    "argument": ("a = [1]\nb = f(a)", {"a", "b"}),
    "keyword-argument": ("a = {}\nb = f(x=dict(y=a))", {"a", "b"}),
    "receiver": ("a = {}\na.frob()", {"a"}),
    "through-an-alias": ("a = []\nb = a\nf(b)", {"a", "b"}),
    "part-of-a-value": ("a = dict(x=[], y=1)\nb = f(a['x'])", {"b"}),
    "through-an-element": ("a = []\nb = dict(x=1, y=f(a))", {"a"}),
    "by-a-local-function": ("a = []\nc = [2]\ndef f():\n    a.append(1)\nb = f()", {"a", "b"}),
    "by-a-key-function": ("a = []\nb = sorted([1], key=lambda x: a.append(x))", {"a", "b"}),
    "global-of-a-function": ("a = 1\ndef f():\n    global a\n    a = 2\nb = f()", {"a", "b"}),
    "function-that-runs-anything": ("a = 1\ndef f():\n    globals()['a'] = 2\nb = f()", {"a", "b", "f", "*"}),
    "function-that-is-not-called": ("a = []\nb = 1\ndef f():\n    global b\n    a.append(1)\nc = b", set()),
    "stored-in-the-unknown": ("import x\na = []\nx.y = a\nb = x.run()", {"a", "b"}),
    "added-to-the-unknown": ("b = f()\na = []\nb += a", {"a", "b"}),
    "in-a-class-body": ("a = []\nclass b:\n    a.append(1)", {"a", "b"}),
    "update-with-unknown": ("a = {}\na.update(f())", {"a"}),
    "extend-with-unknown": ("a = []\na.extend(f())", {"a"}),
    "unknown-key": ("a = {}\na[f()] = 1", {"a"}),
    "either-branch": ("a = []\nb = 1\nc = 1\nif f():\n    a.append(1)\nelse:\n    b = 2", {"a", "b"}),
    "subscript-in-branch": ("a = {}\nif x:\n    a['y'] = 1", {"a"}),
    "loop": ("a = {}\nfor i in f():\n    a[i] = 1", {"a", "i"}),
    "pure-functions-change-nothing": ("a = [1]\nb = len(a) + f()", {"b"}),
    "reading-methods-change-nothing": ("a = {}\nb = a.get('x') + f()", {"b"}),
    "shadowed-by-a-comprehension": ("x = [1]\nb = [f(x) for x in [x]]", {"x"}),
    "walrus": ("a = 1\nb = (a := 2)", {"a", "b"}),
}


@pytest.mark.parametrize(("text", "names"), CHANGED.values(), ids=CHANGED.keys())
def test_what_may_have_changed(text: str, names: set[str]) -> None:
    assert names == set(undecided(text))


def test_star_import_leaves_private_names() -> None:
    static = evaluate("_base_ = 'x.py'\n_a = 1\nb = 2\nfrom y import *", PATH)

    assert ("x.py",) == static.bases
    assert 1 == static.values["_a"]
    assert ["_a", "b", "*"] == list(static.values)


def test_the_rest_stays_known() -> None:
    text = "import os\nmodel = dict(a=1, path=os.environ['X'], c=[2, os.getcwd()])\nlr = 0.1"

    values = evaluate(text, PATH).values

    assert ["model", "lr"] == list(values)
    assert {"a": 1, "c": 2, "lr": 0.1} == {"a": values["model"]["a"], "c": values["model"]["c"][0], "lr": 0.1}
    assert 2 == values["model"]["path"].line


def test_only_the_place_of_a_changed_object_is_given_up() -> None:
    values = evaluate("norm = {}\nmodel = dict(norm=norm, depth=1)\nf(norm)", PATH).values

    assert 1 == values["model"]["depth"]
    assert isinstance(values["model"]["norm"], Undecided)


def test_reference_to_the_bases() -> None:
    values = evaluate("a = dict(b={{_base_.c.d}}, e=[{{ _base_.f }}])", PATH).values

    assert {"a": {"b": BaseRef("c.d", 1), "e": [BaseRef("f", 1)]}} == values


def test_predefined_variables(tmp_path: Path) -> None:
    text = "a = '{{ fileDirname }}/{{fileBasenameNoExtension}}{{ fileExtname }}'\nb = f'{{ fileBasename }}'"

    values = evaluate(text, tmp_path / "cfg.v1.py").values

    assert {"a": f"{tmp_path.as_posix()}/cfg.v1.py", "b": "cfg.v1.py"} == values


ENVIRONMENT = {
    "in-a-string": "a = '{{$HOME_OF_DATA:/data}}'",
    "in-an-f-string": "a = f'{{$HOME_OF_DATA:/data}}'",
    "with-inner-quotes": "a = {{'$HOME_OF_DATA:/data'}}",
}


@pytest.mark.parametrize("text", ENVIRONMENT.values(), ids=ENVIRONMENT.keys())
def test_environment_variable(text: str) -> None:
    found = evaluate(text, PATH, dialect="mmengine").values["a"]

    assert Undecided("config.py", 1, "the environment variable HOME_OF_DATA (default '/data')") == found


def test_mmengine_expressions_over_the_bases() -> None:
    base: dict[str, Any] = {"model": {"depth": 50, "layers": [{"k": 1}]}, "max_epochs": 12}
    text = (
        "_base_ = ['x.py']\na = _base_.model.depth * 2\nb = _base_.model.layers[0].k\n"
        "c = _base_['max_epochs'] // 5\n"
        "d = dict(**_base_.model)\n_base_.model.update(depth=18)"
    )

    static = evaluate(text, PATH, base=base)

    expected = {"a": 100, "b": 1, "c": 2, "d": {"depth": 50, "layers": [{"k": 1}]}}
    assert expected == static.values
    assert {dict, list} == {type(static.values["d"]), type(static.values["d"]["layers"])}
    assert ("x.py",) == static.bases
    assert static.base_values is not None
    assert 18 == static.base_values["model"]["depth"]
    assert 50 == base["model"]["depth"]


def test_bindings_name_every_line_that_touches_a_key() -> None:
    text = (
        "a = []\nb = a\na.append(1)\nc = dict(x=a)\nc['y'] = 2\nif True:\n    d = 1\n"
        "for i in range(2):\n    c.update(z=i)\n"
        "e = 1\ne += 1\nf = 2\n"
    )

    bindings = evaluate(text, PATH).bindings

    assert {
        "a": (1, 3),
        "b": (2, 3),
        "c": (4, 5, 8),
        "d": (6,),
        "e": (10, 11),
        "f": (12,),
        "i": (8,),
    } == bindings


ERRORS = {
    "syntax": ("a = 1\nb = (", r"config\.py:2: this is not Python: "),
    "null-byte": ("a = 1\0", r"config\.py:1: this "),
    "tuple-base": (
        "_base_ = ('a.py',)",
        r"config\.py:1: _base_ must be a path or a list of paths, but it is \('a.py',\)",
    ),
    "number-base": ("\n_base_ = 5", r"config\.py:2: _base_ must be a path or a list of paths, but it is 5"),
    "unknown-base": (
        "_base_ = f()",
        r"config\.py:1: _base_ must .* cannot be known without running the file",
    ),
    "unknown-item": (
        "_base_ = [f()]",
        r"config\.py:1: _base_ must .* cannot be known without running the file",
    ),
}


@pytest.mark.parametrize(("text", "sentence"), ERRORS.values(), ids=ERRORS.keys())
def test_error_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        evaluate(text, PATH)
