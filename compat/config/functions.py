"""The functions and methods that reading a config may call: pure, or changing only what the config owns."""

from __future__ import annotations

import copy
import math
import os.path
import re
from collections.abc import Callable
from typing import Any

from mmbridge.compat.config.bounds import (
    CHARACTERS,
    ITEMS,
    check_count,
    check_format,
    measure,
)
from mmbridge.compat.config.values import UndecidedError


def _text(value: Any = "") -> str:
    measure(value, as_text=True)
    return str(value)


def _repr(value: Any) -> str:
    measure(value, as_text=True)
    return repr(value)


def _format(value: Any, spec: str = "") -> str:
    check_format(spec)
    measure(value, as_text=True)
    return format(value, spec)


def _round(number: Any, digits: int | None = None) -> Any:
    if digits is not None and abs(digits) > 1000:
        raise UndecidedError("an absurd number of digits")
    return round(number, digits)


def _pow(base: Any, exponent: Any, modulus: Any = None) -> Any:
    if isinstance(base, int) and isinstance(exponent, int):
        check_count(base.bit_length() * abs(exponent))
    return pow(base, exponent, modulus)


def _sum(values: Any, start: Any = 0) -> Any:
    items = list(values)
    if any(isinstance(item, (list, tuple)) for item in items):
        check_count(sum(len(item) for item in items if isinstance(item, (list, tuple))))
    return sum(items, start)


def _print(*values: Any, sep: Any = None, end: Any = None) -> None:
    return None


def _deepcopy(value: Any) -> Any:
    measure(value)
    return copy.deepcopy(value)


# Nothing here may take a callable: it could be handed one that is not in this table.
BUILTINS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "all": all,
    "any": any,
    "bin": bin,
    "bool": bool,
    "chr": chr,
    "complex": complex,
    "dict": dict,
    "divmod": divmod,
    "enumerate": enumerate,
    "float": float,
    "format": _format,
    "frozenset": frozenset,
    "hex": hex,
    "int": int,
    "len": len,
    "list": list,
    "max": max,
    "min": min,
    "oct": oct,
    "ord": ord,
    "pow": _pow,
    "print": _print,
    "range": range,
    "repr": _repr,
    "reversed": reversed,
    "round": _round,
    "set": set,
    "slice": slice,
    "sorted": sorted,
    "str": _text,
    "sum": _sum,
    "tuple": tuple,
    "zip": zip,
}
TYPES: dict[str, type] = {
    t.__name__: t for t in (str, int, float, bool, list, tuple, dict, set, frozenset, complex, range)
}
STRUCTURAL = frozenset({"dict", "enumerate", "len", "list", "range", "reversed", "tuple", "zip", "print"})
ORDER_FREE = frozenset({"all", "any", "bool", "frozenset", "len", "max", "min", "set", "sorted", "print"})
RUNS_ANYTHING = frozenset({"exec", "eval", "globals", "locals", "vars", "setattr", "delattr"})

_MATH = [
    "acos",
    "asin",
    "atan",
    "atan2",
    "ceil",
    "copysign",
    "cos",
    "cosh",
    "degrees",
    "exp",
    "fabs",
    "floor",
    "fmod",
    "gcd",
    "hypot",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "log",
    "log10",
    "log1p",
    "log2",
    "modf",
    "pow",
    "radians",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "trunc",
]
_PATH = ["basename", "commonprefix", "dirname", "isabs", "join", "normpath", "split", "splitext"]

MODULE_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{f"math.{name}": getattr(math, name) for name in _MATH},
    **{f"os.path.{name}": getattr(os.path, name) for name in _PATH},
    "copy.copy": copy.copy,
    "copy.deepcopy": _deepcopy,
}
MODULE_VALUES: dict[str, Any] = {
    **{f"math.{name}": getattr(math, name) for name in ("e", "inf", "nan", "pi", "tau")},
    "os.sep": os.sep,
    "os.path.sep": os.sep,
}
MODULES = frozenset({"os", "os.path", "math", "copy"})
# Functions written in Python: as names imported from their module, MMCV's loader drops them.
COPIES = frozenset({copy.copy, _deepcopy})
PYTHON_FUNCTIONS = frozenset(name for name in MODULE_FUNCTIONS if not name.startswith("math."))

_STR = [
    "capitalize",
    "casefold",
    "center",
    "count",
    "endswith",
    "find",
    "format",
    "index",
    "isalnum",
    "isalpha",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
]
_READ = {
    dict: "copy get items keys values",
    list: "copy count index",
    tuple: "count index",
    set: "copy difference intersection isdisjoint issubset issuperset symmetric_difference union",
}
_CHANGE = {
    dict: "clear pop popitem setdefault update",
    list: "append clear extend insert pop remove reverse sort",
    tuple: "",
    set: "add clear difference_update discard intersection_update pop remove update",
}
READING: dict[type, frozenset[str]] = {kind: frozenset(names.split()) for kind, names in _READ.items()}
READING[str] = frozenset(_STR)
READING[frozenset] = READING[set]
READING[range] = frozenset()
CHANGING: dict[type, frozenset[str]] = {kind: frozenset(names.split()) for kind, names in _CHANGE.items()}
# Methods that move items without looking at them: an undecided item may pass through.
STRUCTURAL_METHODS = frozenset(
    [
        "append",
        "clear",
        "copy",
        "extend",
        "get",
        "insert",
        "items",
        "keys",
        "pop",
        "popitem",
        "reverse",
        "setdefault",
        "update",
        "values",
    ]
)
_FIELD = re.compile(r"\{[^{}:!]*\.|\{[^{}]*\{")


def check_method(receiver: Any, name: str, args: list[Any]) -> None:
    """Stop if calling ``receiver.name(*args)`` could explode or reach beyond plain values."""
    if not isinstance(receiver, str):
        if isinstance(receiver, list) and name == "extend" and args and hasattr(args[0], "__len__"):
            check_count(len(receiver) + len(args[0]))
        elif isinstance(receiver, (set, frozenset)) and name == "pop" and len(receiver) > 1:
            raise UndecidedError("which item a set gives up is not fixed")
        return
    if name == "format":
        _check_template(receiver, args)
    elif name == "replace" and len(args) > 1 and isinstance(args[1], str):
        if (len(receiver) + 1) * (len(args[1]) + 1) > CHARACTERS:
            raise UndecidedError("the text is too long")
    elif name == "join" and args and isinstance(args[0], (list, tuple)):
        total = sum(len(part) for part in args[0] if isinstance(part, str))
        if total + len(receiver) * len(args[0]) > CHARACTERS:
            raise UndecidedError("the text is too long")
    elif any(isinstance(arg, int) and arg > ITEMS for arg in args) or len(receiver) > ITEMS:
        raise UndecidedError("the text is too long")


def _check_template(template: str, args: list[Any]) -> None:
    check_format(template)
    if _FIELD.search(template.replace("{{", "").replace("}}", "")):
        raise UndecidedError("a format that reads attributes, or nested fields, is not worked out")
    total = sum(len(_text(arg)) for arg in args)
    if len(template) + total * template.count("{") > CHARACTERS:
        raise UndecidedError("the text is too long")
