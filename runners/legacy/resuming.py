"""What a checkpoint tells about the run it comes from."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any


def trained_gpus(meta: Mapping[str, Any]) -> int:
    """How many GPUs the run of a checkpoint had, by ``gpu_ids`` in the config text it holds; 0 if it does
    not tell.

    The text is read, never executed.
    """
    text = meta.get("config")
    if not isinstance(text, str):
        return 0
    try:
        statements = ast.parse(text).body
    except SyntaxError:
        return 0
    for statement in statements:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "gpu_ids" for target in statement.targets
        ):
            return _length(statement.value)
    return 0


def _length(value: ast.expr) -> int:
    if isinstance(value, (ast.List, ast.Tuple)):
        return len(value.elts)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "range":
        try:
            return len(range(*(ast.literal_eval(argument) for argument in value.args)))
        except (TypeError, ValueError):
            return 0
    return 0
