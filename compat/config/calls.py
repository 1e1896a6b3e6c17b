"""Calls of the functions and methods that are known to be pure, or to change only what the config owns."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from mmbridge.compat.config import functions
from mmbridge.compat.config.bounds import ITERATION, check_length, check_order, measure
from mmbridge.compat.config.comprehensions import Comprehensions
from mmbridge.compat.config.expressions import HANDLERS
from mmbridge.compat.config.values import Hidden, UndecidedError

_MISSING = object()


class Calls(Comprehensions):
    """Expressions with calls; a call of anything else cannot be known."""

    def _call(self, node: ast.Call) -> Any:
        func = node.func
        if func.__class__ is ast.Attribute:
            return self._method(node, func)
        if func.__class__ is not ast.Name:
            raise UndecidedError("a call that is not known without running the file", node.lineno)
        name: str = func.id
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
        value = iter(self.generated(node)) if node.__class__ is ast.GeneratorExp else self.known(node)
        check_length(value)
        return value

    def arguments(self, node: ast.Call) -> tuple[list[Any], dict[str, Any]]:
        """The positional and keyword arguments of a call."""
        positional: list[Any] = []
        for arg in node.args:
            if arg.__class__ is ast.Starred:
                positional.extend(self.iterate(arg.value))
            else:
                positional.append(self._argument(arg))
        named: dict[str, Any] = {}
        for keyword in node.keywords:
            new = self.mapping(keyword.value) if keyword.arg is None else {keyword.arg: self._argument(keyword.value)}
            if named.keys() & new.keys():
                raise TypeError("got multiple values for a keyword argument")
            named.update(new)
        self.spend(1 + sum(len(arg) for arg in positional if isinstance(arg, ITERATION)))
        return positional, named

    def _builtin(self, node: ast.Call, name: str) -> Any:
        function = functions.BUILTINS[name]
        if name in ("len", "range") and not any(isinstance(arg, ast.Starred) for arg in node.args):
            return function(*map(self.known, node.args))  # cheap whatever the size of the argument
        args, named = self.arguments(node)
        if name not in functions.STRUCTURAL:
            args = self._examined(args)
        if name not in functions.ORDER_FREE:
            for arg in args:
                check_order(arg)
        self.risky = True
        return function(*args, **named)

    def _apply(self, node: ast.Call, function: Callable[..., Any]) -> Any:
        args, named = self.arguments(node)
        if function not in functions.COPIES:
            args = self._examined(args)
        self.risky = True
        return function(*args, **named)

    def _examined(self, args: list[Any]) -> list[Any]:
        """``args``, known to the last item and small enough to be looked through; raises otherwise."""
        result = []
        for arg in args:
            if isinstance(arg, (list, tuple, dict)):
                measure(self.wholly(arg))
            elif not isinstance(arg, ITERATION) and hasattr(arg, "__iter__"):
                arg = list(arg)
                self.wholly(arg)
                arg = iter(arg)
            result.append(arg)
        return result

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
        module = self.module_of(func.value)
        if module is not None:
            dotted = f"{module}.{func.attr}"
            if dotted not in functions.MODULE_FUNCTIONS:
                raise UndecidedError(f"the call of {dotted}() is not known without running the file", node.lineno)
            return self._apply(node, functions.MODULE_FUNCTIONS[dotted])
        receiver = self.known(func.value)
        kind = dict if isinstance(receiver, dict) else receiver.__class__
        changes = func.attr in functions.CHANGING.get(kind, ())
        if not changes and func.attr not in functions.READING.get(kind, ()):
            raise UndecidedError(f"the call of .{func.attr}() on a {kind.__name__} is not known", node.lineno)
        args, named = self._method_arguments(node, func.attr)
        if func.attr not in functions.STRUCTURAL_METHODS:
            self._examined([receiver, *named.values()])
            args = self._examined(args)
        if func.attr in ("join", "extend", "update") and kind is not set:
            for arg in args:
                check_order(arg)
        functions.check_method(receiver, func.attr, [*args, *named.values()])
        self.risky = True
        self.spend(len(receiver) // 8)
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
            args = [arg if isinstance(arg, ITERATION) else list(arg) for arg in args]
        return args, named


HANDLERS.update({ast.Call: Calls._call})
