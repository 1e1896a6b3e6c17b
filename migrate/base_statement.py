"""The ``_base_`` statement, where MMEngine's loader needs it in another form than MMCV's.

MMEngine (0.10.7, mmengine/config/config.py) evaluates ``_base_`` before the file, so it must be a literal, and
takes a file whose first telling statement is an import for one of its lazy configs.
"""

from __future__ import annotations

import ast
from typing import Any

import libcst as cst
from mmbridge.compat.config import StaticFile
from mmbridge.migrate.render import Renderer, Style, no_reference


def loadable(file: StaticFile, text: str) -> str:
    """``text`` with its bases written as literals, above every import; unchanged where they are so already.

    ``file`` is the old file; ``text`` may be rewritten already, but not in these statements.
    """
    nodes = [node for node in file.tree.body if _is_base(node)]
    if len(nodes) != 1:
        return text
    before = file.tree.body[: file.tree.body.index(nodes[0])]
    imports = any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in before)
    literal = _is_literal(nodes[0].value)  # type: ignore[attr-defined]
    if literal and not imports:
        return text
    module = cst.parse_module(text)
    body = list(module.body)
    at = next(i for i, line in enumerate(body) if _assigned(line) is not None)
    if not literal:
        body[at] = _written_out(body[at], file, text)
    if imports:
        first = next(i for i, line in enumerate(body) if _is_import(line))
        body.insert(first, body.pop(at))
    code: str = module.with_changes(body=body).code
    return code


def _is_base(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "_base_" for t in node.targets)


def _is_literal(node: ast.expr) -> bool:
    """Whether MMEngine can evaluate the expression on its own: strings, lists, and sums of them."""
    return all(isinstance(part, (ast.Constant, ast.List, ast.BinOp, ast.Add, ast.Load)) for part in ast.walk(node))


def _assigned(line: Any) -> cst.Assign | None:
    if not isinstance(line, cst.SimpleStatementLine) or not isinstance(line.body[0], cst.Assign):
        return None
    target = line.body[0].targets[0].target
    return line.body[0] if isinstance(target, cst.Name) and target.value == "_base_" else None


def _is_import(line: Any) -> bool:
    return isinstance(line, cst.SimpleStatementLine) and isinstance(line.body[0], (cst.Import, cst.ImportFrom))


def _written_out(line: Any, file: StaticFile, text: str) -> Any:
    bases: Any = file.bases[0] if len(file.bases) == 1 else list(file.bases)
    statement = Renderer(Style.of(text), no_reference).statement("_base_", bases)
    parsed = cst.parse_statement(statement)
    assert isinstance(parsed, cst.SimpleStatementLine)
    return line.with_changes(body=[parsed.body[0], *line.body[1:]])
