"""Operators over known values, each with the bound that keeps it from exploding."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from mmbridge.compat.config.bounds import (
    BITS,
    CHARACTERS,
    ITEMS,
    SCALARS,
    check_format,
    measure,
)
from mmbridge.compat.config.values import UndecidedError

_SEQUENCES = (str, bytes, list, tuple)
_TEXT = (str, bytes)


def _bound_sum(left: Any, right: Any) -> None:
    if isinstance(left, _SEQUENCES) and isinstance(right, _SEQUENCES):
        limit = CHARACTERS if isinstance(left, _TEXT) else ITEMS
        if len(left) + len(right) > limit:
            raise UndecidedError("the sum is too long")


def _bound_product(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, _SEQUENCES):
        left, right = right, left
    if isinstance(left, _SEQUENCES) and isinstance(right, int):
        limit = CHARACTERS if isinstance(left, _TEXT) else ITEMS
        if len(left) * right > limit:
            raise UndecidedError("the repetition is too long")
    elif isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > BITS:
        raise UndecidedError("the number is too large")


def _bound_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > BITS:
        raise UndecidedError("the number is too large")


def _bound_shift(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right > BITS:
        raise UndecidedError("the number is too large")


def _bound_percent(left: Any, right: Any) -> None:
    if isinstance(left, _TEXT):
        if isinstance(left, bytes) or "*" in left:
            raise UndecidedError("this kind of formatting is not worked out")
        check_format(left)
        if right.__class__ not in SCALARS:
            measure(right, as_text=True)
        if len(left) + len(str(right)) * left.count("%") > CHARACTERS:
            raise UndecidedError("the text is too long")


Bound = Callable[[Any, Any], None]
Operation = Callable[[Any, Any], Any]

# operator class -> (operation, its in-place form, what to check first)
BINARY: dict[type[ast.AST], tuple[Operation, Operation, Bound | None]] = {
    ast.Add: (operator.add, operator.iadd, _bound_sum),
    ast.Sub: (operator.sub, operator.isub, None),
    ast.Mult: (operator.mul, operator.imul, _bound_product),
    ast.Div: (operator.truediv, operator.itruediv, None),
    ast.FloorDiv: (operator.floordiv, operator.ifloordiv, None),
    ast.Mod: (operator.mod, operator.imod, _bound_percent),
    ast.Pow: (operator.pow, operator.ipow, _bound_power),
    ast.LShift: (operator.lshift, operator.ilshift, _bound_shift),
    ast.RShift: (operator.rshift, operator.irshift, None),
    ast.BitOr: (operator.or_, operator.ior, None),
    ast.BitXor: (operator.xor, operator.ixor, None),
    ast.BitAnd: (operator.and_, operator.iand, None),
}

UNARY: dict[type[ast.AST], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}


def _same(left: Any, right: Any) -> bool:
    for value in (left, right):
        if value is None or value is ... or isinstance(value, (bool, list, dict, set)):
            return left is right
    raise UndecidedError("'is' between such values depends on the interpreter")


def _inside(left: Any, right: Any) -> bool:
    if isinstance(right, range) and not isinstance(left, int) and len(right) > ITEMS:
        raise UndecidedError("a search through too many numbers")
    return left in right


COMPARE: dict[type[ast.AST], Operation] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: _same,
    ast.IsNot: lambda left, right: not _same(left, right),
    ast.In: _inside,
    ast.NotIn: lambda left, right: not _inside(left, right),
}
