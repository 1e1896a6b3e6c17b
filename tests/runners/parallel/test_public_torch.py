"""The runners rely on no private attribute of torch: what torch renames in a release cannot break them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

RUNNERS = Path(__file__).parents[3] / "runners"
FILES = sorted(RUNNERS.rglob("*.py"))
CLASSES = [
    torch.Tensor,
    torch.nn.Module,
    torch.nn.BatchNorm2d,
    torch.nn.InstanceNorm2d,
    torch.nn.DataParallel,
    torch.nn.parallel.DistributedDataParallel,
    torch.nn.SyncBatchNorm,
    torch.optim.SGD,
    torch.optim.lr_scheduler.LRScheduler,
    torch.amp.GradScaler,
    torch.utils.data.DataLoader,
    torch.utils.data.DistributedSampler,
]
ASKED_FOR = {
    "optim/unrecorded.py": {
        *("_profiler_enabled", "_global_optimizer_pre_hooks", "_global_optimizer_post_hooks"),
        *("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks"),
    },
}
"""By file, the names that are only asked for, with ``getattr`` and a default; test_unrecorded.py runs without them."""


def private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def of_torch() -> set[str]:
    """The private names of torch's classes: their methods, and the attributes their sources speak of."""
    names = {name for kind in CLASSES for name in dir(kind) if private(name)}
    for module in {inspect.getsourcefile(base) for kind in CLASSES for base in kind.__mro__ if in_torch(base)}:
        names |= set(private_attributes(ast.parse(Path(module).read_text(encoding="utf-8"))))
    return names


def in_torch(kind: type) -> bool:
    return kind.__module__.startswith("torch.") and not kind.__module__.startswith("torch._C")


def private_attributes(tree: ast.AST) -> Iterator[str]:
    return (node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and private(node.attr))


OF_TORCH = of_torch()


def own_names(tree: ast.AST) -> set[str]:
    """The private names a file defines itself: functions, and attributes of ``self`` that it assigns."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            own.add(node.attr)
    return own


def imported(tree: ast.AST) -> Iterator[str]:
    """The names under which a file holds torch, and what it takes from there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.asname or "torch" for alias in node.names if alias.name.split(".")[0] == "torch")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "torch":
            yield from (alias.asname or alias.name for alias in node.names)


def violations(source: str) -> Iterator[str]:
    """Private names of torch that ``source`` reads or sets: by attribute, by import or by getattr."""
    tree = ast.parse(source)
    own = own_names(tree)
    modules = set(imported(tree))

    def of(owner: ast.expr) -> bool:
        return ast.unparse(owner).split(".")[0] in modules

    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "torch":
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from (name for name in parts if private(name))
        elif isinstance(node, ast.Attribute) and private(node.attr):
            if of(node.value) or (node.attr in OF_TORCH and node.attr not in own):
                yield node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr"):
            target, name, *_ = node.args
            if isinstance(name, ast.Constant) and private(name.value):
                yield from {name.value} if of(target) else {name.value} & (OF_TORCH - own)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(RUNNERS).as_posix())
def test_no_private_name_of_torch(path: Path) -> None:
    found = set(violations(path.read_text(encoding="utf-8")))

    assert found == ASKED_FOR.get(path.relative_to(RUNNERS).as_posix(), set())


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("from torch._utils import x", ["_utils"], id="a private module"),
        pytest.param("from torch.nn.parallel._functions import _get_stream", ["_functions", "_get_stream"], id="both"),
        pytest.param("import torch\ntorch._C.x()", ["_C"], id="an attribute of torch"),
        pytest.param(
            "self.reducer._rebuild_buckets()\nself._sync_buffers()",
            ["_rebuild_buckets", "_sync_buffers"],
            id="of the distributed wrapper",
        ),
        pytest.param("self._module_copies = 1\nself._module_copies", [], id="its own attribute"),
        pytest.param("loader._iterator = None", ["_iterator"], id="an assignment to another object"),
        pytest.param("def _step(self): ...\nself._step()", [], id="its own method"),
        pytest.param("getattr(model, '_parameters')", ["_parameters"], id="by getattr"),
        pytest.param(
            "from torch.optim import optimizer as x\ngetattr(x, '_of_a_module', None)",
            ["_of_a_module"],
            id="by getattr from a module",
        ),
    ],
)
def test_the_scan_finds(source: str, expected: list[str]) -> None:
    assert expected == list(violations(source))
