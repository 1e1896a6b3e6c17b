"""Who may import what: the table of ``docs/architecture.md``, read from the imports of every file."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Allowed:
    """What the files of one folder may import: anywhere, and inside of functions only."""

    anywhere: frozenset[str]
    inside_functions: frozenset[str] = frozenset()


COMPAT = frozenset({"mmbridge.compat"})
OPTIONAL_IN_RUNNERS = frozenset({"numpy", "matplotlib", "wandb", "mlflow", "clearml", "dvclive", "neptune"})
MIGRATE = frozenset({"mmbridge.compat", "mmbridge.migrate", "libcst", "click", "rich", "deepdiff"})
REPORTS = frozenset({"jinja2", "matplotlib", "mmengine"})

# The longest folder that fits decides. The standard library is free for all.
TABLE = {
    "compat": Allowed(COMPAT | {"yaml"}),
    "compat/mmcv": Allowed(COMPAT, frozenset({"torch"})),
    "runners": Allowed(COMPAT | {"mmbridge.runners", "torch"}, OPTIONAL_IN_RUNNERS),
    "migrate": Allowed(MIGRATE, REPORTS),
    "migrate/commands": Allowed(MIGRATE, REPORTS | {"mmbridge.runners", "torch"}),
}
FILES = sorted(path for top in ("compat", "runners", "migrate") for path in (ROOT / top).rglob("*.py"))


def imported_names(node: ast.AST, package: str) -> Iterator[str]:
    """The full names of the modules that one import statement of a file in ``package`` asks for."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        module = ".".join([*parents, *([node.module] if node.module else [])])
        yield from (f"{module}.{alias.name}" for alias in node.names)


def imports(tree: ast.AST, package: str, inside: bool = False) -> Iterator[tuple[int, str, bool]]:
    """Line, name, and whether the import runs only when a function is called."""
    for node in ast.iter_child_nodes(tree):
        for name in imported_names(node, package):
            yield node.lineno, name, inside
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from imports(node, package, inside or is_function)


def is_among(name: str, allowed: frozenset[str]) -> bool:
    return any(f"{name}.".startswith(f"{prefix}.") for prefix in allowed)


def forbidden(source: str, folder: str) -> list[str]:
    """The imports in ``source``, a file of ``folder``, that the table does not allow, as ``line: name``."""
    longest = max((key for key in TABLE if f"{folder}/".startswith(f"{key}/")), key=len)
    allowed = TABLE[longest]
    found = []
    for line, name, inside in imports(ast.parse(source), f"mmbridge.{folder.replace('/', '.')}"):
        permitted = allowed.anywhere | (allowed.inside_functions if inside else frozenset())
        if name.partition(".")[0] not in sys.stdlib_module_names and not is_among(name, permitted):
            found.append(f"{line}: {name}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_file_imports_only_what_the_table_allows(path: Path) -> None:
    folder = path.parent.relative_to(ROOT).as_posix()

    assert [] == forbidden(path.read_text(encoding="utf-8"), folder)


@pytest.mark.parametrize(
    ("source", "folder", "expected"),
    [
        pytest.param("import torch", "compat", ["1: torch"], id="torch in the core"),
        pytest.param("def f():\n    import torch", "compat", ["2: torch"], id="torch in the core, lazily"),
        pytest.param("def f():\n    import torch", "compat/mmcv", [], id="torch in the bridge, lazily"),
        pytest.param("import torch.nn", "compat/mmcv", ["1: torch.nn"], id="torch in the bridge, at once"),
        pytest.param("from mmbridge import runners", "migrate/rules", ["1: mmbridge.runners"], id="runners in a rule"),
        pytest.param(
            "from ..runners import loop",
            "migrate",
            ["1: mmbridge.runners.loop"],
            id="runners, relative",
        ),
        pytest.param(
            "def f():\n    from mmbridge.runners import Runner",
            "migrate/commands",
            [],
            id="in a command",
        ),
        pytest.param("from mmbridge.migrate import rule", "runners", ["1: mmbridge.migrate.rule"], id="up"),
        pytest.param("import yamlish", "compat", ["1: yamlish"], id="a name that only begins the same"),
        pytest.param("from . import hook\nimport re, yaml", "compat/config", [], id="core, stdlib and yaml"),
    ],
)
def test_table_is_enforced(source: str, folder: str, expected: list[str]) -> None:
    assert expected == forbidden(source, folder)
