"""Statements of a config file, carried out over known values."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from mmbridge.compat.config import functions
from mmbridge.compat.config.bounds import check_count, check_length, check_order
from mmbridge.compat.config.config_dict import ConfigDict
from mmbridge.compat.config.definitions import Definitions
from mmbridge.compat.config.operations import BINARY
from mmbridge.compat.config.scope import bound_names, names_in
from mmbridge.compat.config.values import OPAQUE, Hidden, Undecided, UndecidedError


class _JumpError(Exception):
    """A ``break`` or ``continue`` on its way to its loop; with ``unknown``, one that may happen."""

    def __init__(self, kind: type[ast.stmt] | None, unknown: Undecided | None = None) -> None:
        super().__init__()
        self.kind = kind
        self.unknown = unknown


class Statements(Definitions):
    """Runs statements over known values."""

    loops = 0  # how many loops deep the statement at work is

    def run(self, body: list[ast.stmt]) -> None:
        """Carry out the top-level statements of a file."""
        for node in body:
            self.line = node.lineno
            if self.noted:
                self.noted.clear()
            self.statement(node)

    def statement(self, node: ast.stmt) -> None:
        """Carry out one statement; what does not work out makes its names Undecided."""
        if node.__class__ is ast.Assign:
            self._assign(node)
            return
        try:
            STATEMENTS.get(node.__class__, Statements._unknown)(self, node)
        except _JumpError:
            raise
        except Exception as error:
            self.spoil_statement(node, self.undecided(error, node.lineno))

    def block(self, body: list[ast.stmt]) -> None:
        """Carry out the statements of a branch or a loop."""
        for node in body:
            self.spend(1)
            self.statement(node)

    def _unknown(self, node: ast.stmt) -> None:
        raise UndecidedError(f"a '{_KEYWORDS.get(type(node).__name__, type(node).__name__)}' statement")

    # Assignments

    def _assign(self, node: ast.Assign) -> None:
        hidden = self._hidden(node.value)
        value = self.value(node.value) if hidden is None else hidden
        for target in node.targets:
            if target.__class__ is ast.Name:
                name: str = target.id
                self.names[name] = value
                lines = self.bindings.setdefault(name, [])
                if not lines or lines[-1] != self.line:
                    lines.append(self.line)
                continue
            try:
                self.store(target, value)
            except Exception as error:
                unknown = self.undecided(error, node.lineno)
                self.spoil_target(target, unknown)
                if not isinstance(target, (ast.Tuple, ast.List)):
                    self.poison([value], unknown)  # what is unknown may have taken hold of it

    def _hidden(self, node: ast.expr) -> Hidden | None:
        """What assigning a module or a function binds: no key of the config."""
        if node.__class__ is ast.Name:
            value = self.names.get(node.id)
            return value if value.__class__ is Hidden else None
        if node.__class__ is ast.Attribute:
            module = self.module_of(node)
            return Hidden("module", module) if module in functions.MODULES else None
        if node.__class__ is ast.Lambda:
            self.note_function(node)
            return Hidden("function", "lambda")
        return None

    def store(self, target: ast.expr, value: Any) -> None:
        """Bind a target of any kind; a subscript's container is changed in place."""
        if target.__class__ is ast.Name:
            self.names[target.id] = value
            self.bind(target.id)
        elif isinstance(target, ast.Subscript) and _is_globals(target.value) and "globals" not in self.names:
            name = self.known(target.slice)
            if not isinstance(name, str):
                raise UndecidedError("a name that is no string")
            self.names[name] = value
            self.bind(name)
        elif isinstance(target, ast.Subscript):
            container = self._container(target.value)
            index = self._index(target)
            if isinstance(index, slice):
                check_length(value)
                check_count(len(container) + len(value))
            container[index] = value
            self.mutated(container)
        elif isinstance(target, ast.Attribute):
            container = self.known(target.value)
            if not isinstance(container, ConfigDict):
                raise AttributeError(f"'{type(container).__name__}' object has no attribute '{target.attr}'")
            container[target.attr] = value
            self.mutated(container)
        else:
            super().store(target, value)

    def _container(self, node: ast.expr) -> Any:
        container = self.known(node)
        if not isinstance(container, (dict, list)):
            raise TypeError(f"'{type(container).__name__}' object does not support item assignment")
        self.risky = True
        return container

    def _index(self, node: ast.Subscript) -> Any:
        if isinstance(node.slice, ast.Slice):
            return self.slice_of(node.slice)
        return self.key(node.slice)

    def spoil_target(self, target: ast.expr, unknown: Undecided) -> None:
        """The assignment did not work out: its names and the containers it writes to are Undecided."""
        for name in bound_names(target):
            self.names[name] = unknown
            self.bind(name)
        for part in ast.walk(target):
            if isinstance(part, (ast.Subscript, ast.Attribute)):
                self.poison(self.objects_in(part.value), unknown)
        self.spoil(target, unknown)

    def _annotated(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            value = self.value(node.value)
            self.store(node.target, value)
        self.spoil(node.annotation, Undecided(self.path, node.lineno, "it may be changed by an annotation"))

    def _augmented(self, node: ast.AugAssign) -> None:
        _, operation, bound = BINARY[node.op.__class__]
        target = node.target
        container = index = None
        if isinstance(target, ast.Subscript):
            container = self._container(target.value)
            index = self._index(target)
            left = container[index]
            if left.__class__ in OPAQUE:
                raise UndecidedError(left)
        else:
            left = self.known(target)
        right = self.known(node.value)
        if bound is not None:
            if isinstance(left, str):
                self.wholly(right)
            bound(left, right)
        if isinstance(left, list) and isinstance(node.op, ast.Add):
            check_length(right)
            check_order(right)
            right = list(right)
            check_count(len(left) + len(right))
        self.risky = True
        if isinstance(left, (list, dict, set)):
            self.mutated(left)
        result = operation(left, right)
        if container is not None:
            container[index] = result
            self.mutated(container)
        else:
            self.store(target, result)

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                if target.id not in self.names:
                    raise NameError(f"name '{target.id}' is not defined")
                del self.names[target.id]
                self.bind(target.id)
            elif isinstance(target, ast.Subscript):
                container = self._container(target.value)
                index = self._index(target)
                self.mutated(container)
                del container[index]
            else:
                self._unknown(node)

    # Statements that hold others

    def _if(self, node: ast.If) -> None:
        self._note(node)
        try:
            test = bool(self.known(node.test))
        except Exception as error:
            unknown = self.undecided(error, node.lineno)
            if self.loops and any(isinstance(part, (ast.Break, ast.Continue)) for part in ast.walk(node)):
                raise _JumpError(None, unknown) from None
            self.spoil_statement(node, unknown)
            return
        self.block(node.body if test else node.orelse)

    def _for(self, node: ast.For) -> None:
        self._note(node)
        self.risky = True
        for item in self._live(node.iter):
            self.spend(1)
            self.store(node.target, item)
            if self._round(node.body) is ast.Break:
                return
        self.block(node.orelse)

    def _round(self, body: list[ast.stmt]) -> type[ast.stmt] | None:
        """One round of a loop; says how it was left early, if it was."""
        self.loops += 1
        try:
            self.block(body)
        except _JumpError as jump:
            if jump.unknown is not None:
                raise UndecidedError(jump.unknown) from None
            return jump.kind
        finally:
            self.loops -= 1
        return None

    def _live(self, node: ast.expr) -> Any:
        """The items of a loop; a list is read while it may change, as Python reads it."""
        if node.__class__ is ast.GeneratorExp:
            return self.iterate(node)
        value = self.known(node)
        if isinstance(value, (list, dict, str, tuple, range)) or not isinstance(value, (set, frozenset)):
            return iter(value)
        return iter(self.iterate(node))

    def _note(self, node: ast.stmt) -> None:
        for name in bound_names(node):
            self.bind(name)

    def _jump(self, node: ast.stmt) -> None:
        if not self.loops:
            raise SyntaxError("a jump outside a loop")
        raise _JumpError(node.__class__)

    # Statements without a value

    def _expression(self, node: ast.Expr) -> None:
        if node.value.__class__ is not ast.Constant:
            self.value(node.value)

    def _assert(self, node: ast.Assert) -> None:
        unknown: Undecided | None = None
        try:
            if not self.known(node.test):
                unknown = Undecided(self.path, node.lineno, "AssertionError: the assertion is false")
        except Exception as error:
            self.give_up(node.test, error)
        if unknown is not None:
            for name in names_in(node.test) & self.names.keys():
                self.names[name] = unknown

    def _raise(self, node: ast.Raise) -> None:
        self.spoil_all(Undecided(self.path, node.lineno, "the file raises an exception"))

    def _pass(self, node: ast.stmt) -> None:
        return None


def _is_globals(node: ast.expr) -> bool:
    """Whether ``node`` is ``globals()``: the only way to write a key that is no identifier."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "globals"


_KEYWORDS = {"While": "while", "With": "with", "Try": "try", "TryStar": "try", "Match": "match"}

STATEMENTS: dict[type[ast.stmt], Callable[[Statements, Any], None]] = {
    ast.AnnAssign: Statements._annotated,
    ast.AugAssign: Statements._augmented,
    ast.Delete: Statements._delete,
    ast.If: Statements._if,
    ast.For: Statements._for,
    ast.Break: Statements._jump,
    ast.Continue: Statements._jump,
    ast.Expr: Statements._expression,
    ast.Assert: Statements._assert,
    ast.Raise: Statements._raise,
    ast.Pass: Statements._pass,
    ast.Global: Statements._pass,
    ast.FunctionDef: Statements._define,
    ast.AsyncFunctionDef: Statements._define,
    ast.ClassDef: Statements._class,
    ast.Import: Statements._import,
    ast.ImportFrom: Statements._import_from,
}
