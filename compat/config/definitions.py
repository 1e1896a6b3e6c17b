"""Definitions and imports: names whose values cannot be known, except for a few pure modules."""

from __future__ import annotations

import ast

from mmbridge.compat.config import functions
from mmbridge.compat.config.calls import Calls
from mmbridge.compat.config.values import Hidden, Undecided


class Definitions(Calls):
    """Binds what ``def``, ``class`` and ``import`` bind; nothing is called or imported."""

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.note_function(node)
        unknown = Undecided(self.path, node.lineno, f"the function {node.name}()")
        for default in (*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)):
            self.spoil(default, unknown)
        if node.decorator_list:
            self.functions_ran(unknown)
            self.names[node.name] = unknown
            self.tainted = True
        else:
            self.names[node.name] = Hidden("function", node.name)
        self.bind(node.name)

    def _class(self, node: ast.ClassDef) -> None:
        unknown = Undecided(self.path, node.lineno, f"the class {node.name}")
        self.spoil(node, unknown)
        self.note_function(node)
        self.functions_ran(unknown)
        self.names[node.name] = unknown
        self.tainted = True
        self.bind(node.name)

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            module = alias.name if alias.asname else name
            self.names[name] = Hidden("module", "os.path" if module == "posixpath" else module)
            self.bind(name)

    def _import_from(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            dotted = f"{node.module}.{alias.name}" if not node.level else ""
            shown = f"{'.' * node.level}{node.module or ''}"
            unknown = Undecided(self.path, node.lineno, f"{alias.name} is imported from {shown}")
            if alias.name == "*":
                self.spoil_all(unknown, public=True)
                return
            name = alias.asname or alias.name
            if dotted in functions.MODULES:
                self.names[name] = Hidden("module", dotted)
            elif dotted in functions.MODULE_VALUES:
                self.names[name] = functions.MODULE_VALUES[dotted]
            elif dotted in functions.PYTHON_FUNCTIONS:
                self.names[name] = Hidden("function", dotted)
            else:
                self.names[name] = unknown
                self.tainted = True
            self.bind(name)
