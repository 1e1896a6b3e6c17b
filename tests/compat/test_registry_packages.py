"""Names whose package is not imported yet, and names that are paths in Python."""

from __future__ import annotations

import sys
import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from mmbridge.compat.registry import LegacyRegistry, Registry, UnknownName, default_scope

ENGINE = "engine_of_test"
Packages = Callable[[str], Path]


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A root registry, which packages on disk import from the module ``ENGINE``."""
    engine = ModuleType(ENGINE)
    vars(engine).update(ROOT=Registry("thing", scope="root"), Registry=Registry)
    monkeypatch.setitem(sys.modules, ENGINE, engine)
    found: Registry = vars(engine)["ROOT"]
    return found


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packages:
    """Writes a package of that name, of which nothing is imported: ``registry``, and two modules that register."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "registry.py").write_text(
            f"from {ENGINE} import ROOT, Registry\n"
            f"R = Registry('thing', parent=ROOT, scope='{name}', locations=['{name}.first', '{name}.second'])\n"
        )
        (folder / "first.py").write_text(
            f"from {name}.registry import R\n@R.register_module()\nclass Net:\n    pass\nORDER = ['first']\n"
        )
        (folder / "second.py").write_text(f"import sys\nsys.modules['{name}.first'].ORDER.append('second')\n")
        return folder

    return write


def test_the_package_of_a_scope_is_imported_for_a_name_that_it_holds(root: Registry, package: Packages) -> None:
    package("scoped_by_name")

    assert "Net" == type(root.build({"type": "scoped_by_name.Net"})).__name__
    assert ["first", "second"] == sys.modules["scoped_by_name.first"].ORDER


@pytest.mark.parametrize("way", ["default", "in_cfg"])
def test_the_package_of_the_scope_in_force_is_imported(root: Registry, package: Packages, way: str) -> None:
    name = f"scope_{way}"
    package(name)

    with default_scope(name if way == "default" else None):
        built = root.build({"type": "Net"} if way == "default" else {"type": "Net", "_scope_": name})

    assert type(built).__module__ == f"{name}.first"


def test_without_such_a_package_nothing_is_said(root: Registry) -> None:
    with warnings.catch_warnings(), default_scope("no_such_package"), pytest.raises(UnknownName):
        warnings.simplefilter("error")
        root.build({"type": "no_such_package.Net"})


def test_a_package_that_cannot_be_imported_is_told_with_the_reason(root: Registry, package: Packages) -> None:
    (package("broken_package") / "registry.py").write_text("import a_module_that_is_missing\n")

    with (
        pytest.warns(UserWarning, match=r"broken_package\.registry cannot be imported.*a_module_that_is_missing"),
        pytest.raises(UnknownName),
    ):
        root.build({"type": "broken_package.Net"})


def test_the_older_rule_imports_no_package(package: Packages) -> None:
    package("not_imported")

    assert LegacyRegistry("thing", scope="mmcv").get("not_imported.Net") is None
    assert "not_imported" not in sys.modules


def test_a_location_that_fails_fails_at_every_lookup(root: Registry, package: Packages) -> None:
    (package("failing_location") / "second.py").write_text("raise ImportError('of second')\n")

    for _ in range(2):
        with pytest.raises(ImportError, match="of second"):
            root.get("failing_location.Net")


def test_locations_may_look_names_up_while_they_are_imported(root: Registry, package: Packages) -> None:
    folder = package("looks_up")
    (folder / "second.py").write_text("from looks_up.registry import R\nFOUND = R.get('Net').__name__\n")

    root.get("looks_up.Net")

    assert "Net" == sys.modules["looks_up.second"].FOUND


def test_a_path_may_lead_into_a_class(root: Registry) -> None:
    made = root.build({"type": "collections.OrderedDict.fromkeys", "iterable": "ab"})

    assert OrderedDict(a=None, b=None) == made


@pytest.mark.parametrize("path", ["collections.OrderedDict.nothing", "collections.nothing.fromkeys", "os.path", "os"])
def test_paths_that_lead_to_nothing_that_can_be_called(root: Registry, path: str) -> None:
    assert root.get(path) is None
