"""The names of a config file while it is read, and what becomes of them when something cannot be known."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any

from mmbridge.compat.config.bounds import STEPS
from mmbridge.compat.config.config_dict import ConfigDict
from mmbridge.compat.config.functions import BUILTINS, READING, RUNS_ANYTHING
from mmbridge.compat.config.values import OPAQUE, BaseRef, Hidden, Undecided, UndecidedError

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_MUTABLE = (dict, list, set)
ANY_NAME = "*"
SHADOW = " "  # before the depth at which a comprehension shadows a name


class Scope:
    """Names, the lines that bind them, and the rule for what is given up together with an expression."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.names: dict[str, Any] = {}
        self.bindings: dict[str, list[int]] = {}
        self.line = 0  # of the top-level statement at work
        self.tainted = False  # an Undecided or a BaseRef may be among the values
        self.function_names: set[str] = set()  # what functions defined in the file mention
        self.global_names: set[str] = set()  # what they may rebind
        self.noted: dict[int, Any] = {}  # objects whose mutation by this statement is noted already
        self.steps = 0

    def spend(self, steps: int) -> None:
        """Raise when reading the file has taken too much work."""
        self.steps += steps
        if self.steps > STEPS:
            raise UndecidedError("too much work to be worked out")

    def bind(self, name: str) -> None:
        """Note that the top-level statement at work assigns or mutates ``name``."""
        lines = self.bindings.setdefault(name, [])
        if not lines or lines[-1] != self.line:
            lines.append(self.line)

    def mutated(self, target: Any) -> None:
        """Note a mutation of ``target`` for every name through which it can be seen."""
        if id(target) in self.noted:
            return
        self.noted[id(target)] = target
        for name, value in self.names.items():
            if self._holds(value, {id(target): target}):
                self.bind(name.split(SHADOW)[0])

    def undecided(self, error: Exception, line: int) -> Undecided:
        """The Undecided for an expression that ended with ``error``."""
        self.tainted = True
        if not isinstance(error, UndecidedError):
            text = str(error).split("\n")[0][:200]
            return Undecided(self.path, line, f"{type(error).__name__}: {text}")
        why = error.why
        if isinstance(why, Undecided):
            return why
        if isinstance(why, BaseRef):
            reason = f"an operation on {{{{_base_.{why.dotted}}}}}, whose value comes only after the file is run"
            return Undecided(self.path, error.line or line, reason)
        return Undecided(self.path, error.line or line, why)

    def give_up(self, node: ast.AST, error: Exception) -> Undecided:
        """The value of ``node`` is unknown: so is all that its calls may have changed."""
        return self.spoil(node, self.undecided(error, getattr(node, "lineno", self.line)))

    def spoil(self, node: ast.AST, unknown: Undecided) -> Undecided:
        """Make Undecided what the calls and the walrus assignments inside ``node`` may change."""
        reached: list[Any] = []
        called = False
        parts = list(_walk(node))
        for part in parts:
            if isinstance(part, _FUNCTIONS):
                self.note_function(part)
        for part in parts:
            if isinstance(part, ast.NamedExpr) and isinstance(part.target, ast.Name):
                self.names[part.target.id] = unknown
                self.bind(part.target.id)
            elif isinstance(part, ast.Call):
                if isinstance(part.func, ast.Name) and part.func.id in RUNS_ANYTHING:
                    self.spoil_all(unknown)
                if not self._harmless(part):
                    called = True
                    reached.extend(self.objects_in(part))
        self.poison(reached, unknown)
        if called:
            self.functions_ran(unknown)
        return unknown

    def note_function(self, node: ast.AST) -> None:
        """Remember what a function or class of the file may change once something calls it."""
        self.function_names |= names_in(node)
        for part in ast.walk(node):
            if isinstance(part, ast.Global):
                self.global_names.update(part.names)

    def functions_ran(self, unknown: Undecided) -> None:
        """Any function of the file may have run: what they may change is Undecided."""
        if self.function_names & RUNS_ANYTHING:
            self.spoil_all(unknown)
        self.poison(map(self.names.get, self.function_names), unknown)
        for name in self.global_names:
            self.names[name] = unknown
            self.bind(name)

    def objects_in(self, node: ast.AST) -> list[Any]:
        """What the names in ``node`` stand for; of ``a.b['c']`` only what that is, not all of ``a``."""
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            try:
                return [self._follow(node)]
            except (LookupError, TypeError):
                pass
        if isinstance(node, ast.Name):
            return []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            parts: list[ast.AST] = [node.func.value, *node.args, *node.keywords]
        else:
            parts = list(ast.iter_child_nodes(node))
        return [value for part in parts for value in self.objects_in(part)]

    def _follow(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Name):
            return self.names[node.id]
        if isinstance(node, ast.Attribute):
            value = self._follow(node.value)
            return value[node.attr] if isinstance(value, ConfigDict) else value
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            return self._follow(node.value)[node.slice.value]
        raise LookupError

    def _harmless(self, call: ast.Call) -> bool:
        """Whether ``call`` itself changes nothing, whatever its arguments are."""
        func = call.func
        if isinstance(func, ast.Name):
            return func.id in BUILTINS and func.id not in self.names and not self.function_names
        if isinstance(func, ast.Attribute) and isinstance(func.value, (ast.Name, ast.Constant)):
            value = func.value.value if isinstance(func.value, ast.Constant) else self.names.get(func.value.id)
            return func.attr in READING.get(type(value), ())
        return False

    def poison(self, objects: Iterable[Any], unknown: Undecided) -> None:
        """Make Undecided every place that holds a mutable object reachable from ``objects``."""
        reached: dict[int, Any] = {}
        for value in objects:
            _reach(value, reached)
        if not reached:
            return
        self.tainted = True
        for name, value in self.names.items():
            if id(value) in reached:
                self.names[name] = unknown
            elif self._holds(value, reached):
                self.names[name] = _replace(value, reached, unknown, {})
            else:
                continue
            self.bind(name.split(SHADOW)[0])

    def _holds(self, value: Any, targets: dict[int, Any]) -> bool:
        """Whether ``value`` is one of ``targets``, or holds one."""
        stack = [value]
        seen: set[int] = set()
        while stack:
            item = stack.pop()
            if id(item) in targets:
                return True
            if id(item) in seen or not isinstance(item, (dict, list, tuple)):
                continue
            seen.add(id(item))
            stack.extend(_children(item))
        self.steps += len(seen)
        return False

    def spoil_all(self, unknown: Undecided, *, public: bool = False) -> None:
        """Anything may have happened: every name is Undecided, and there may be more names.

        With ``public``, only the names that a star import may bind.
        """
        self.tainted = True
        for name in [*self.names, ANY_NAME]:
            if public and name.startswith("_"):
                continue
            self.names[name] = unknown
            self.bind(name)

    def spoil_statement(self, node: ast.stmt, unknown: Undecided) -> None:
        """Make Undecided all that ``node``, which may or may not run, binds or changes."""
        self.tainted = True
        self.spoil(node, unknown)
        bound = set(bound_names(node))
        if ANY_NAME in bound:
            self.spoil_all(unknown, public=True)
        for name in bound:
            self.names[name] = unknown
            self.bind(name)
        roots: list[Any] = []
        if isinstance(node, ast.AugAssign):
            roots.extend(self.objects_in(node.value))  # what is unknown may have taken hold of it
        for part in _walk(node):
            if isinstance(part, (ast.Subscript, ast.Attribute)) and not isinstance(part.ctx, ast.Load):
                roots.extend(self.objects_in(part.value))
            elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
                receiver = part.func.value
                if not self._harmless(part):
                    roots.extend(self.objects_in(receiver))
        self.poison(roots, unknown)

    def visible(self) -> dict[str, Any]:
        """The names that MMCV's loader takes for keys, in the order of their first assignment."""
        return {
            name: value
            for name, value in self.names.items()
            if value.__class__ is not Hidden and not name.startswith("__")
        }


def names_in(node: ast.AST) -> set[str]:
    """Every name that ``node`` mentions."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def bound_names(node: ast.AST) -> Iterator[str]:
    """The module-level names that running ``node`` may bind or delete; ``*`` for a star import."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
        return
    if isinstance(node, (*_COMPREHENSIONS, ast.Lambda)):
        return
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id
    elif isinstance(node, ast.alias):
        yield node.asname or node.name.split(".")[0]
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name
    elif node.__class__.__name__ in ("MatchAs", "MatchStar", "MatchMapping"):
        yield from filter(None, (getattr(node, "name", None), getattr(node, "rest", None)))
    for child in ast.iter_child_nodes(node):
        yield from bound_names(child)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """``node`` and its parts, without the bodies of functions: those do not run here."""
    yield node
    if isinstance(node, _FUNCTIONS):
        return
    for child in ast.iter_child_nodes(node):
        yield from _walk(child)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()


def _reach(value: Any, reached: dict[int, Any]) -> None:
    stack = [value]
    seen: set[int] = set()
    while stack:
        item = stack.pop()
        if id(item) in seen or not isinstance(item, (*_MUTABLE, tuple)):
            continue
        seen.add(id(item))
        if isinstance(item, _MUTABLE):
            reached[id(item)] = item
        stack.extend(_children(item))


def _replace(value: Any, targets: dict[int, Any], unknown: Undecided, done: dict[int, Any]) -> Any:
    """``value`` with every object of ``targets`` inside it replaced, in place where it is mutable."""
    if id(value) in targets:
        return unknown
    if id(value) in done or value.__class__ in OPAQUE:
        return done.get(id(value), value)
    done[id(value)] = value
    if isinstance(value, dict):
        for key in value:
            dict.__setitem__(value, key, _replace(value[key], targets, unknown, done))
    elif isinstance(value, list):
        value[:] = [_replace(item, targets, unknown, done) for item in value]
    elif isinstance(value, tuple):
        done[id(value)] = value = tuple(_replace(item, targets, unknown, done) for item in value)
    return value
