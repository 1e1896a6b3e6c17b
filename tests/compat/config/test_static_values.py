"""Static evaluation gives what running the same text gives, name by name and in the same order."""

from __future__ import annotations

import itertools
import types
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmbridge.compat.config import Undecided, evaluate

PATH = Path("config.py")

SNIPPETS = dict(
    part.split("\n", 1) for part in Path(__file__).with_name("snippets.txt").read_text("utf-8").split("### ")[1:]
)


def run(text: str) -> dict[str, Any]:
    """What MMCV's loader takes from a module: everything but dunder names, modules and functions."""
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    return {
        name: value
        for name, value in namespace.items()
        if not name.startswith("__") and not isinstance(value, (types.ModuleType, types.FunctionType))
    }


def shape(value: Any, seen: dict[int, int] | None = None) -> Any:
    """Value, types and which containers are one object, in a form that compares."""
    seen = {} if seen is None else seen
    if isinstance(value, (dict, list)):
        if id(value) in seen:
            return ("again", seen[id(value)])
        seen[id(value)] = len(seen)
    if isinstance(value, dict):
        return ("dict", [(repr(key), shape(item, seen)) for key, item in value.items()])
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [shape(item, seen) for item in value])
    return (type(value).__name__, repr(value) if not isinstance(value, (set, frozenset)) else value)


@pytest.mark.parametrize("text", SNIPPETS.values(), ids=SNIPPETS.keys())
def test_static_equals_running(text: str) -> None:
    expected = run(text)

    actual = evaluate(text, PATH).values

    assert shape(expected) == shape(actual)


@pytest.mark.parametrize("function", ["join", "basename", "dirname", "normpath", "isabs"])
def test_path_functions(function: str) -> None:
    text = f"import os\na = os.path.{function}('x/../y.py')"

    assert run(text) == evaluate(text, PATH).values


# Programs: a few names, bound to expressions over earlier names, changed through methods.

OPERATORS = st.sampled_from(["+", "-", "*", "/", "//", "%", "==", "!=", "<", "in", "and", "or"])
NAMES = st.sampled_from("abcd")
ATOMS = st.one_of(
    st.integers(-5, 20).map(repr),
    st.sampled_from(["'x'", "''", "None", "True", "1.5", "[]", "{}", "()"]),
    NAMES,
)


def composed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, OPERATORS, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        pair.map(lambda t: f"[{t[0]}, {t[1]}]"),
        pair.map(lambda t: f"({t[0]}, {t[1]})"),
        pair.map(lambda t: f"dict(k={t[0]}, m={t[1]})"),
        pair.map(lambda t: f"{{'k': {t[0]}, **({t[1]})}}"),
        pair.map(lambda t: f"[*{t[0]}, {t[1]}]"),
        pair.map(lambda t: f"({t[0]} if {t[1]} else 0)"),
        pair.map(lambda t: f"[{t[0]} for i in {t[1]}]"),
        pair.map(lambda t: f"({t[0]})[{t[1]}]"),
        inner.map(lambda t: f"f'<{{{t}!r}}>'"),
        inner.map(lambda t: f"len({t})"),
        inner.map(lambda t: f"list({t})"),
        inner.map(lambda t: f"dict({t})"),
        inner.map(lambda t: f"({t}).copy()"),
        inner.map(lambda t: f"({t}).get('k', 3)"),
    )


EXPRESSIONS = st.recursive(ATOMS, composed, max_leaves=5)
STATEMENTS = st.one_of(
    st.tuples(NAMES, EXPRESSIONS).map(lambda t: f"{t[0]} = {t[1]}"),
    st.tuples(NAMES, NAMES, EXPRESSIONS).map(lambda t: f"{t[0]} = {t[1]} = {t[2]}"),
    st.tuples(NAMES, EXPRESSIONS).map(lambda t: f"{t[0]} += {t[1]}"),
    st.tuples(NAMES, EXPRESSIONS).map(lambda t: f"{t[0]}.append({t[1]})"),
    st.tuples(NAMES, EXPRESSIONS).map(lambda t: f"{t[0]}.update(k={t[1]})"),
    st.tuples(NAMES, EXPRESSIONS, EXPRESSIONS).map(lambda t: f"{t[0]}[{t[1]}] = {t[2]}"),
    st.tuples(EXPRESSIONS, NAMES, EXPRESSIONS).map(lambda t: f"if {t[0]}:\n    {t[1]} = {t[2]}"),
    st.tuples(EXPRESSIONS, NAMES).map(lambda t: f"for i in {t[0]}:\n    {t[1]} = [i, {t[1]}]"),
)
START = "a = 1\nb = [1, 2]\nc = dict(k=1, m=[2])\nd = 'x'\n"


def runs(text: str) -> bool:
    """Whether Python can run ``text``, no value holds itself, and none is nested too deeply to be read."""
    try:
        shown = repr(run(text))
    except Exception:
        return False
    deepest = max(itertools.accumulate({"[": 1, "(": 1, "{": 1, "]": -1, ")": -1, "}": -1}.get(c, 0) for c in shown))
    return "..." not in shown and deepest < 50


@settings(max_examples=300)
@given(st.lists(STATEMENTS, min_size=1, max_size=6))
def test_small_programs(statements: list[str]) -> None:
    text = START
    for statement in statements:  # keep only what Python itself can run
        if runs(f"{text}{statement}\n"):
            text += f"{statement}\n"
    expected = run(text)

    actual = evaluate(text, PATH).values

    assert shape(expected) == shape(actual), text


@settings(max_examples=200)
@given(st.lists(STATEMENTS, min_size=1, max_size=6), st.sampled_from(["unknown()", "unknown(b, c)", "1 / 0"]))
def test_what_is_decided_is_right(statements: list[str], unknown: str) -> None:
    """With ``unknown`` returning anything and changing its arguments, no decided value may be wrong."""
    text = START + "".join(f"{s}\n" for s in statements if runs(f"{START}{s}\n"))
    text = text.replace("b = [1, 2]\n", f"b = [1, 2]\nc = {{}}\ne = {unknown}\n", 1)
    static = evaluate(text, PATH).values

    for result in ([], 7, {"k": 1}):

        def surprise(*args: Any, result: Any = result) -> Any:
            for arg in args:
                arg.clear()
            return result

        namespace: dict[str, Any] = {"unknown": surprise}
        try:
            exec(text.replace("1 / 0", "unknown()"), namespace)
        except Exception:
            continue
        for name, value in static.items():
            if "Undecided" not in repr(value):
                assert shape(namespace[name]) == shape(value), (name, text)


def test_undecided_compares_by_value() -> None:
    text = "import torch\na = torch.zeros(1)"

    assert (
        Undecided("config.py", 2, "the call of torch.zeros() is not known without running the file")
        == (evaluate(text, PATH).values["a"])
    )
