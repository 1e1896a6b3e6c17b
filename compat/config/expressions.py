"""Expressions of a config file, evaluated over its syntax tree. Nothing is compiled, imported or run."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from typing import Any

from mmbridge.compat.config import functions
from mmbridge.compat.config.bounds import (
    ITERATION,
    SCALARS,
    STEPS,
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
_QUOTED_REF = re.compile(r"\{\{\s*_base_\.[\w.]+\s*\}\}")
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
        self.steps = 0
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

    def spend(self, steps: int) -> None:
        """UndecidedError when reading the file has taken too much work."""
        self.steps += steps
        if self.steps > STEPS:
            raise UndecidedError("too much work to be worked out")

    def iterate(self, node: ast.expr) -> list[Any]:
        """The items that iterating over ``node`` gives, within the bounds."""
        value = self._generated(node) if node.__class__ is ast.GeneratorExp else self.known(node)
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
        if _QUOTED_REF.search(text):
            raise UndecidedError("a {{_base_.}} reference inside a string: MMCV leaves a random name there")
        if self.environment:
            found = ENVIRONMENT.search(text)
            if found:
                name, default = found.groups()
                raise UndecidedError(f"the environment variable {name} (default {default!r})")

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
            if part.__class__ is ast.Constant:
                text = part.value  # type: ignore[attr-defined]
                if self.braces and "_base_." in text:
                    raise UndecidedError("a {{_base_.}} reference inside a string", node.lineno)
                parts.append(text)
            else:
                parts.append(self._formatted(part))  # type: ignore[arg-type]
        text = "".join(parts)
        check_count(len(text) // 10)
        return text

    def _formatted(self, node: ast.FormattedValue) -> str:
        value = self.known(node.value)
        if value.__class__ not in SCALARS:
            self.wholly(value)
            measure(value, as_text=True)
        spec = self._joined(node.format_spec) if node.format_spec is not None else ""  # type: ignore[arg-type]
        check_format(spec)
        if node.conversion != -1:
            value = {"r": repr, "s": str, "a": ascii}[chr(node.conversion)](value)
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
                items.extend(self.iterate(node.value))  # type: ignore[attr-defined]
                check_count(len(items))
            else:
                items.append(self.value(node))
        return items

    def _set(self, node: ast.Set) -> Any:
        if self.braces and len(node.elts) == 1 and node.elts[0].__class__ is ast.Set:
            reference = self._reference(node)
            if reference is not None:
                return reference
        return {self.wholly(item) for item in self._items(node.elts)}

    def _reference(self, node: ast.Set) -> BaseRef | None:
        """``{{_base_.a.b}}`` parses as a set that holds a set; MMCV wants the braces side by side."""
        if self.lines is None:
            self.lines = self.text.encode().splitlines(keepends=True)
        end = node.end_lineno or node.lineno
        chunk = b"".join(self.lines[node.lineno - 1 : end])
        tail = len(self.lines[end - 1]) - (node.end_col_offset or 0)
        found = _REF.fullmatch(chunk[node.col_offset : len(chunk) - tail].decode())
        if found is None:
            return None
        self.tainted = True
        return BaseRef(found[1], node.lineno)

    def _dict(self, node: ast.Dict) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                result.update(self.mapping(value))
            else:
                known = self.wholly(self.known(key))
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
            return value[self.slice_of(node.slice)]  # type: ignore[arg-type]
        return value[self.known(node.slice)]

    def slice_of(self, node: ast.Slice) -> slice:
        """The slice that ``a:b:c`` stands for."""
        return slice(
            *(None if part is None else self.known(part) for part in (node.lower, node.upper, node.step))
        )

    def _attribute(self, node: ast.Attribute) -> Any:
        module = self._module_of(node.value)
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

    def _module_of(self, node: ast.expr) -> str | None:
        """The dotted name of the module that ``node`` stands for, if it stands for one."""
        if node.__class__ is ast.Name:
            value = self.names.get(node.id)  # type: ignore[attr-defined]
            if value.__class__ is Hidden and value.kind == "module":
                return str(value.name)
        elif node.__class__ is ast.Attribute:
            parent = self._module_of(node.value)  # type: ignore[attr-defined]
            if parent is not None:
                return f"{parent}.{node.attr}"  # type: ignore[attr-defined]
        return None

    # Calls

    def _call(self, node: ast.Call) -> Any:
        func = node.func
        if func.__class__ is ast.Attribute:
            return self._method(node, func)  # type: ignore[arg-type]
        if func.__class__ is not ast.Name:
            raise UndecidedError("a call that is not known without running the file", node.lineno)
        name: str = func.id  # type: ignore[attr-defined]
        target = self.names.get(name, _MISSING)
        if target is _MISSING:
            if name == "dict":
                return self._dict_call(node)
            if name == "isinstance":
                return self._isinstance(node)
            if name in functions.BUILTINS:
                return self._builtin(node, name)
        elif target.__class__ is Hidden and target.name in functions.MODULE_FUNCTIONS:
            return self._apply(node, functions.MODULE_FUNCTIONS[target.name])
        raise UndecidedError(f"the call of {name}() is not known without running the file", node.lineno)

    def _dict_call(self, node: ast.Call) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        if node.args:
            if len(node.args) > 1:
                raise TypeError(f"dict expected at most 1 argument, got {len(node.args)}")
            self.risky = True
            source = self._argument(node.args[0])
            check_order(source)
            result = dict(source)
        seen: set[str] = set()
        for keyword in node.keywords:
            name = keyword.arg
            if name is None:
                spread = self.mapping(keyword.value)
                if seen.intersection(spread) or not all(isinstance(key, str) for key in spread):
                    raise TypeError("dict() got repeated keywords, or keywords that are not strings")
                result.update(spread)
                seen.update(spread)
            else:
                if name in seen:
                    raise TypeError(f"dict() got multiple values for keyword argument '{name}'")
                seen.add(name)
                result[name] = self.value(keyword.value)
        return result

    def _argument(self, node: ast.expr) -> Any:
        """One argument of a known function: a generator is worked out, sizes are bounded."""
        value = iter(self._generated(node)) if node.__class__ is ast.GeneratorExp else self.known(node)
        check_length(value)
        return value

    def arguments(self, node: ast.Call) -> tuple[list[Any], dict[str, Any]]:
        """The positional and keyword arguments of a call."""
        positional: list[Any] = []
        for arg in node.args:
            if arg.__class__ is ast.Starred:
                positional.extend(self.iterate(arg.value))  # type: ignore[attr-defined]
            else:
                positional.append(self._argument(arg))
        named: dict[str, Any] = {}
        for keyword in node.keywords:
            new = (
                self.mapping(keyword.value)
                if keyword.arg is None
                else {keyword.arg: self._argument(keyword.value)}
            )
            if named.keys() & new.keys():
                raise TypeError("got multiple values for a keyword argument")
            named.update(new)
        self.spend(1 + sum(len(arg) for arg in positional if isinstance(arg, ITERATION)))
        return positional, named

    def _builtin(self, node: ast.Call, name: str) -> Any:
        function = functions.BUILTINS[name]
        if name == "range" or name == "len":  # cheap whatever the size of their argument
            return function(*(self.known(arg) for arg in node.args))
        args, named = self.arguments(node)
        if name not in functions.STRUCTURAL:
            for arg in (*args, *named.values()):
                self.wholly(arg)
        if name not in functions.ORDER_FREE:
            for arg in args:
                check_order(arg)
        self.risky = True
        return function(*args, **named)

    def _apply(self, node: ast.Call, function: Callable[..., Any]) -> Any:
        args, named = self.arguments(node)
        for arg in (*args, *named.values()):
            self.wholly(arg)
        self.risky = True
        return function(*args, **named)

    def _isinstance(self, node: ast.Call) -> bool:
        if len(node.args) != 2 or node.keywords:
            raise TypeError("isinstance expected 2 arguments")
        value, kinds = self.known(node.args[0]), node.args[1]
        names = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
        types = []
        for name in names:
            if not isinstance(name, ast.Name) or name.id in self.names or name.id not in functions.TYPES:
                raise UndecidedError("an isinstance() with other than built-in types", node.lineno)
            types.append(functions.TYPES[name.id])
        return isinstance(value, tuple(types))

    def _method(self, node: ast.Call, func: ast.Attribute) -> Any:
        module = self._module_of(func.value)
        if module is not None:
            dotted = f"{module}.{func.attr}"
            if dotted not in functions.MODULE_FUNCTIONS:
                raise UndecidedError(
                    f"the call of {dotted}() is not known without running the file", node.lineno
                )
            return self._apply(node, functions.MODULE_FUNCTIONS[dotted])
        receiver = self.known(func.value)
        kind = dict if isinstance(receiver, dict) else receiver.__class__
        changes = func.attr in functions.CHANGING.get(kind, ())
        if not changes and func.attr not in functions.READING.get(kind, ()):
            raise UndecidedError(f"the call of .{func.attr}() on a {kind.__name__} is not known", node.lineno)
        args, named = self._method_arguments(node, func.attr)
        if func.attr not in functions.STRUCTURAL_METHODS:
            self.wholly([receiver, args, named])
        if func.attr in ("join", "extend", "update") and kind is not set:
            for arg in args:
                check_order(arg)
        functions.check_method(receiver, func.attr, [*args, *named.values()])
        self.risky = True
        if changes:
            self.mutated(receiver)
        return getattr(receiver, func.attr)(*args, **named)

    def _method_arguments(self, node: ast.Call, name: str) -> tuple[list[Any], dict[str, Any]]:
        """As ``arguments``, but an item may be Undecided where the method only stores it."""
        if name in ("append", "insert", "setdefault", "get", "pop") and not node.keywords:
            last = len(node.args) - 1
            if last >= 0 and node.args[last].__class__ is not ast.GeneratorExp:
                head = [self.known(arg) for arg in node.args[:last]]
                stores = name == "append" or last == 1
                return [*head, self.value(node.args[last]) if stores else self.known(node.args[last])], {}
        if name == "update" and all(keyword.arg is not None for keyword in node.keywords):
            args = [self._argument(arg) for arg in node.args]
            return args, {str(keyword.arg): self.value(keyword.value) for keyword in node.keywords}
        args, named = self.arguments(node)
        if name in ("join", "extend"):
            args = [
                list(arg) if not isinstance(arg, (*ITERATION, int, float)) and arg is not None else arg
                for arg in args
            ]
        return args, named

    # Comprehensions

    def _generated(self, node: ast.GeneratorExp | ast.expr) -> list[Any]:
        result: list[Any] = []
        self._comprehend(node.generators, lambda: result.append(self.value(node.elt)))  # type: ignore[union-attr]
        return result

    def _list_comp(self, node: ast.ListComp) -> list[Any]:
        return self._generated(node)

    def _set_comp(self, node: ast.SetComp) -> set[Any]:
        return {self.wholly(item) for item in self._generated(node)}

    def _dict_comp(self, node: ast.DictComp) -> dict[Any, Any]:
        result: dict[Any, Any] = {}

        def put() -> None:
            key = self.wholly(self.known(node.key))
            result[key] = self.value(node.value)

        self._comprehend(node.generators, put)
        return result

    def _comprehend(self, generators: list[ast.comprehension], emit: Callable[[], None]) -> None:
        self.risky = True
        if any(generator.is_async for generator in generators):
            raise UndecidedError("an asynchronous comprehension")
        first = self.iterate(generators[0].iter)
        local = {part.id for g in generators for part in ast.walk(g.target) if isinstance(part, ast.Name)}
        order = list(self.names)
        saved = {name: self.names.pop(name) for name in local if name in self.names}
        try:
            self._loop(generators, 0, first, emit)
        finally:
            for name in local:
                self.names.pop(name, None)
            if saved:  # back to their places: the order of the names is the order of the keys
                now = {**self.names, **saved}
                self.names = {name: now[name] for name in order}

    def _loop(
        self, generators: list[ast.comprehension], depth: int, items: Iterable[Any], emit: Callable[[], None]
    ) -> None:
        generator = generators[depth]
        for item in items:
            self.spend(1)
            self.store(generator.target, item)
            if not all(self.known(test) for test in generator.ifs):
                continue
            if depth + 1 == len(generators):
                emit()
            else:
                self._loop(generators, depth + 1, self.iterate(generators[depth + 1].iter), emit)

    def store(self, target: ast.expr, value: Any) -> None:
        """Bind the names of ``target``; statements add the other kinds of target."""
        if target.__class__ is ast.Name:
            self.names[target.id] = value  # type: ignore[attr-defined]
        elif isinstance(target, (ast.Tuple, ast.List)):
            self.unpack(target.elts, value)
        else:
            raise UndecidedError("an assignment to such a target is not worked out", target.lineno)

    def unpack(self, targets: list[ast.expr], value: Any) -> None:
        """Give each of ``targets`` its item of ``value``, as Python does, a starred one included."""
        if value.__class__ in OPAQUE:
            raise UndecidedError(value)
        check_length(value)
        check_order(value)
        items = list(value)
        starred = [index for index, target in enumerate(targets) if isinstance(target, ast.Starred)]
        if starred:
            before, after = starred[0], len(targets) - starred[0] - 1
            if len(items) < before + after:
                raise ValueError(f"not enough values to unpack (expected at least {before + after})")
            middle = items[before : len(items) - after]
            items = [*items[:before], middle, *items[len(items) - after :]]
        if len(items) != len(targets):
            raise ValueError(f"expected {len(targets)} values to unpack, got {len(items)}")
        for target, item in zip(targets, items, strict=True):
            self.store(target.value if isinstance(target, ast.Starred) else target, item)


SUBSCRIPTED = frozenset((dict, list, tuple, str, range, bytes, ConfigDict))


class _Handlers(dict[type[ast.AST], Callable[[Expressions, Any], Any]]):
    def __missing__(self, kind: type[ast.AST]) -> Callable[[Expressions, Any], Any]:
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
        ast.Call: Expressions._call,
        ast.ListComp: Expressions._list_comp,
        ast.SetComp: Expressions._set_comp,
        ast.DictComp: Expressions._dict_comp,
    }
)
