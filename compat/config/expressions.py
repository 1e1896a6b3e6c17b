"""Expressions of a config file, evaluated over its syntax tree. Nothing is compiled, imported or run."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any, cast

from mmbridge.compat.config import functions
from mmbridge.compat.config.bounds import (
    ITERATION,
    SCALARS,
    check_count,
    check_format,
    check_length,
    check_order,
    measure,
    opaque_part,
)
from mmbridge.compat.config.config_dict import ConfigDict
from mmbridge.compat.config.operations import BINARY, COMPARE, UNARY
from mmbridge.compat.config.scope import Scope
from mmbridge.compat.config.values import OPAQUE, BaseRef, Hidden, UndecidedError

_MISSING = object()
_CONVERSIONS: dict[str, Callable[[Any], str]] = {"r": repr, "s": str, "a": ascii}
_REF = re.compile(r"\{\{\s*_base_\.([\w.]+)\s*\}\}")
ENVIRONMENT = re.compile(r"\{\{['\"]?\s*\$(\w+)\s*:\s*(\S*?)\s*['\"]?\}\}")


class Expressions(Scope):
    """Evaluates expression nodes; raises UndecidedError, or the error that Python itself would raise."""

    def __init__(self, path: str, text: str, *, environment: bool) -> None:
        super().__init__(path)
        self.text = text
        self.lines: list[bytes] | None = None
        self.braces = "{{" in text
        self.environment = environment  # MMEngine's {{$NAME:default}} is understood
        self.loads = 0
        self.risky = False  # the result needs a last look at its size and types

    def value(self, node: ast.expr) -> Any:
        """The value of ``node`` where an Undecided may stand: never raises."""
        try:
            return HANDLERS[node.__class__](self, node)
        except Exception as error:
            return self.give_up(node, error)

    def expr(self, node: ast.expr) -> Any:
        """The value of ``node``; an Undecided is passed on as a value."""
        return HANDLERS[node.__class__](self, node)

    def known(self, node: ast.expr) -> Any:
        """The value of ``node``, Stop if it is not known itself (its items need not be)."""
        value = HANDLERS[node.__class__](self, node)
        if self.tainted and value.__class__ in OPAQUE:
            raise UndecidedError(value, node.lineno)
        return value

    def wholly(self, value: Any) -> Any:
        """``value``, Stop if it or anything inside it is not known."""
        if self.tainted:
            part = opaque_part(value)
            if part is not None:
                raise UndecidedError(part)
        return value

    def key(self, node: ast.expr) -> Any:
        """The value of ``node`` where it is going to be hashed."""
        value = self.known(node)
        if value.__class__ is tuple:
            measure(self.wholly(value))
        return value

    def generated(self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp) -> list[Any]:
        """The items of a generator expression or a comprehension, in order."""
        raise NotImplementedError

    def iterate(self, node: ast.expr) -> list[Any]:
        """The items that iterating over ``node`` gives, within the bounds."""
        value = self.generated(node) if node.__class__ is ast.GeneratorExp else self.known(node)
        if isinstance(value, ITERATION):
            check_length(value)
        check_order(value)
        items = list(value)
        self.spend(len(items))
        return items

    # Leaves

    def _constant(self, node: ast.Constant) -> Any:
        value = node.value
        if self.braces and value.__class__ is str:
            self._check_text(value)
        return value

    def _check_text(self, text: str) -> None:
        reference = _REF.search(text)
        if reference and reference[0] in self.text:
            raise UndecidedError("a {{_base_.}} reference inside a string: MMCV leaves a random name there")
        found = ENVIRONMENT.search(text) if self.environment else None
        if found and found[0] in self.text:
            raise UndecidedError(f"the environment variable {found[1]} (default {found[2]!r})")

    def _name(self, node: ast.Name) -> Any:
        self.loads += 1
        name = node.id
        value = self.names.get(name, _MISSING)
        if value is _MISSING:
            if name in functions.BUILTINS or name in functions.TYPES:
                raise UndecidedError(f"the function {name} itself as a value", node.lineno)
            raise UndecidedError(f"the name {name!r} is not defined in this file", node.lineno)
        if value.__class__ is Hidden:
            raise UndecidedError(f"the {value.kind} {value.name} as a value", node.lineno)
        return value

    def _joined(self, node: ast.JoinedStr) -> str:
        parts = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                parts.append(self._formatted(part))
                self.spend(len(parts[-1]) // 8)
                continue
            text = str(cast("ast.Constant", part).value)
            if self.braces:
                self._check_text(f"{{{text}}}")  # the doubled braces are single ones here
            parts.append(text)
        return "".join(parts)

    def _formatted(self, node: ast.FormattedValue) -> str:
        value = self.known(node.value)
        if value.__class__ not in SCALARS:
            self.wholly(value)
            measure(value, as_text=True)
        spec = self._joined(node.format_spec) if node.format_spec is not None else ""  # type: ignore[arg-type]
        check_format(spec)
        if node.conversion != -1:
            value = _CONVERSIONS[chr(node.conversion)](value)
        return format(value, spec)

    # Displays

    def _list(self, node: ast.List) -> list[Any]:
        return self._items(node.elts)

    def _tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple(self._items(node.elts))

    def _items(self, nodes: list[ast.expr]) -> list[Any]:
        items: list[Any] = []
        for node in nodes:
            if node.__class__ is ast.Starred:
                items.extend(self.iterate(node.value))
                check_count(len(items))
            else:
                items.append(self.value(node))
        return items

    def _set(self, node: ast.Set) -> Any:
        if self.braces and len(node.elts) == 1 and node.elts[0].__class__ is ast.Set:
            reference = self._reference(node)
            if reference is not None:
                return reference
        return self.hashed(self._items(node.elts))

    def hashed(self, items: list[Any]) -> set[Any]:
        """A set of ``items``."""
        for item in items:
            self.wholly(item)
            if item.__class__ is tuple:
                measure(item)
        return set(items)

    def _reference(self, node: ast.Set) -> BaseRef | None:
        """``{{_base_.a.b}}`` parses as a set that holds a set; MMCV wants the braces side by side."""
        if self.lines is None:
            self.lines = self.text.encode().splitlines(keepends=True)
        end = node.end_lineno or node.lineno
        chunk = b"".join(self.lines[node.lineno - 1 : end])
        tail = len(self.lines[end - 1]) - (node.end_col_offset or 0)
        written = chunk[node.col_offset : len(chunk) - tail].decode()
        found = _REF.fullmatch(written)
        if found is None:
            self._check_text(written)
            return None
        self.tainted = True
        return BaseRef(found[1], node.lineno)

    def _dict(self, node: ast.Dict) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                result.update(self.mapping(value))
            else:
                known = self.key(key)
                result[known] = self.value(value)
        return result

    def mapping(self, node: ast.expr) -> dict[Any, Any]:
        """The dict to be unpacked with ``**``."""
        value = self.known(node)
        if not isinstance(value, dict):
            raise TypeError(f"'{type(value).__name__}' object is not a mapping")
        check_count(len(value))
        return value

    # Operators

    def _binary(self, node: ast.BinOp) -> Any:
        left, right = self.known(node.left), self.known(node.right)
        operation, _, bound = BINARY[node.op.__class__]
        if bound is not None:
            if node.op.__class__ is ast.Mod:
                self.wholly(right)
            elif node.op.__class__ is ast.Mult:
                self.risky = True
            bound(left, right)
        if left.__class__ in (list, tuple):
            self.spend(len(left))
        return operation(left, right)

    def _unary(self, node: ast.UnaryOp) -> Any:
        return UNARY[node.op.__class__](self.known(node.operand))

    def _boolean(self, node: ast.BoolOp) -> Any:
        stop_at = isinstance(node.op, ast.Or)
        value: Any = None
        for operand in node.values[:-1]:
            value = self.known(operand)
            if bool(value) is stop_at:
                return value
        return self.expr(node.values[-1])

    def _compare(self, node: ast.Compare) -> Any:
        left = self.wholly(self.known(node.left))
        result: Any = True
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.wholly(self.known(comparator))
            if left.__class__ not in SCALARS and right.__class__ not in SCALARS:
                measure(left)
                measure(right)
            if isinstance(right, ITERATION) and right.__class__ is not range:
                self.spend(len(right) // 8)
            result = COMPARE[op.__class__](left, right)
            if not result:
                return result
            left = right
        return result

    def _conditional(self, node: ast.IfExp) -> Any:
        return self.expr(node.body if self.known(node.test) else node.orelse)

    # Access

    def _subscript(self, node: ast.Subscript) -> Any:
        value = self.known(node.value)
        if value.__class__ not in SUBSCRIPTED:
            raise TypeError(f"'{type(value).__name__}' object is not subscriptable")
        if node.slice.__class__ is ast.Slice:
            self.risky = True
            self.spend(len(value))
            return value[self.slice_of(node.slice)]
        return value[self.key(node.slice)]

    def slice_of(self, node: ast.Slice) -> slice:
        """The slice that ``a:b:c`` stands for."""
        return slice(*(None if part is None else self.known(part) for part in (node.lower, node.upper, node.step)))

    def _attribute(self, node: ast.Attribute) -> Any:
        module = self.module_of(node.value)
        if module is not None:
            dotted = f"{module}.{node.attr}"
            if dotted in functions.MODULE_VALUES:
                return functions.MODULE_VALUES[dotted]
            raise UndecidedError(f"{dotted} is not known without running the file", node.lineno)
        if isinstance(node.value, ast.Name) and node.value.id == "_base_" and not self.environment:
            raise UndecidedError("_base_.x outside {{ }} is understood by MMEngine only", node.lineno)
        value = self.known(node.value)
        if isinstance(value, ConfigDict) and node.attr in value:
            return value[node.attr]
        raise AttributeError(f"'{type(value).__name__}' object has no attribute '{node.attr}'")

    def module_of(self, node: ast.expr) -> str | None:
        """The dotted name of the module that ``node`` stands for, if it stands for one."""
        if node.__class__ is ast.Name:
            value = self.names.get(node.id)
            if value.__class__ is Hidden and value.kind == "module":
                return str(value.name)
        elif node.__class__ is ast.Attribute:
            parent = self.module_of(node.value)
            if parent is not None:
                return f"{parent}.{node.attr}"
        return None


SUBSCRIPTED = frozenset((dict, list, tuple, str, range, bytes, ConfigDict))


class _Handlers(dict[type[ast.AST], Callable[[Any, Any], Any]]):
    def __missing__(self, kind: type[ast.AST]) -> Callable[[Any, Any], Any]:
        return _unsupported


def _unsupported(_: Expressions, node: ast.AST) -> Any:
    what = {"Lambda": "a function", "NamedExpr": "an assignment inside an expression"}
    kind = type(node).__name__
    raise UndecidedError(what.get(kind, f"syntax that is not worked out ({kind})"))


HANDLERS = _Handlers(
    {
        ast.Constant: Expressions._constant,
        ast.Name: Expressions._name,
        ast.JoinedStr: Expressions._joined,
        ast.List: Expressions._list,
        ast.Tuple: Expressions._tuple,
        ast.Set: Expressions._set,
        ast.Dict: Expressions._dict,
        ast.BinOp: Expressions._binary,
        ast.UnaryOp: Expressions._unary,
        ast.BoolOp: Expressions._boolean,
        ast.Compare: Expressions._compare,
        ast.IfExp: Expressions._conditional,
        ast.Subscript: Expressions._subscript,
        ast.Attribute: Expressions._attribute,
    }
)
