"""Files that are no configs: programs and data that happen to lie beside them."""

from __future__ import annotations

import ast

from mmbridge.compat.config import StaticFile


def is_script(file: StaticFile) -> bool:
    """Whether a file that sets no key of either generation is no config at all.

    Python is a program if it does more than assign and none of what it assigns is a dict; JSON and YAML are other
    data without a model. What is used as a base is a config in any case: that is for the caller to see.
    """
    if file.bases:
        return False
    if file.path.suffix != ".py":
        return "model" not in file.values
    if any(isinstance(value, dict) for value in file.values.values()):
        return False
    return not all(
        isinstance(node, ast.Assign | ast.AnnAssign | ast.Pass) or _is_docstring(node) for node in file.tree.body
    )


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
