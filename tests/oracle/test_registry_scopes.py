"""Look-ups by scope find what the registries of both engines find."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from mmbridge.compat.registry import LegacyRegistry, Registry

pytestmark = pytest.mark.oracle

SCOPES = ["", "root.", "mmx.", "mmy.", "mmx.sub.", "sub.", "nowhere.", "root.mmx.", "mmx.mmy."]
NAMES = ["InRoot", "InX", "InY", "InSub", "Nothing"]


def tree(kind: Any) -> dict[str, Any]:
    """A root with two children, one of which has a child; each holds one class, and all hold ``Everywhere``."""
    root = kind("thing", scope="root")
    x = kind("thing", parent=root, scope="mmx")
    y = kind("thing", parent=root, scope="mmy")
    sub = kind("thing", parent=x, scope="sub")
    registries = {"InRoot": root, "InX": x, "InY": y, "InSub": sub}
    for name, registry in registries.items():
        registry.register_module(name=name, module=type(name, (), {}))
        registry.register_module(name="Everywhere", module=type(f"Everywhere{name}", (), {}))
    return registries


def found(registry: Any, key: str) -> str | None:
    """The name of the class found, None for none; an AttributeError is MMCV's way to say that."""
    try:
        kind = registry.get(key)
    except AttributeError:
        return None
    return None if kind is None else kind.__name__


CASES = [
    pytest.param(where, scope + name, id=f"{where}: {scope}{name}")
    for where in ("InRoot", "InX", "InY", "InSub")
    for scope in SCOPES
    for name in [*NAMES, "Everywhere"]
]


@pytest.mark.parametrize(("where", "key"), CASES)
def test_as_mmcv(where: str, key: str) -> None:
    theirs = tree(pytest.importorskip("mmcv.utils").Registry)

    assert found(tree(LegacyRegistry)[where], key) == found(theirs[where], key)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("where", "key"), CASES)
def test_as_mmengine(where: str, key: str) -> None:
    theirs = tree(pytest.importorskip("mmengine.registry").Registry)

    assert found(tree(Registry)[where], key) == found(theirs[where], key)


KEYS = ["packaged.Net", "Net", "collections.OrderedDict.fromkeys", "no_such_package.Net", "packaged.Nothing"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("scope", [None, "packaged"])
@pytest.mark.parametrize("key", KEYS)
def test_packages_as_mmengine(key: str, scope: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of which nothing is imported yet is found by its scope."""
    files = {
        "__init__": "",
        "registry": "from engine import ROOT, Registry\n"
        "R = Registry('thing', parent=ROOT, scope='packaged', locations=['packaged.net'])",
        "net": "from packaged.registry import R\n@R.register_module()\nclass Net: pass",
    }
    (tmp_path / "packaged").mkdir()
    for name, text in files.items():
        (tmp_path / "packaged" / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    def name_of(kind: Any) -> str | None:
        engine = ModuleType("engine")
        vars(engine).update(ROOT=kind("thing", scope="root"), Registry=kind)
        for module in [each for each in sys.modules if each.startswith("packaged")]:
            del sys.modules[module]
        monkeypatch.setitem(sys.modules, "engine", engine)
        with vars(engine)["ROOT"].switch_scope_and_registry(scope) as registry:
            return found(registry, key)

    assert name_of(pytest.importorskip("mmengine.registry").Registry) == name_of(Registry)
