"""The packages in pyproject.toml are the folders on disk: a forgotten one is missing from the wheel."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
FOLDERS = ("compat", "runners", "migrate")
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def packages_on_disk() -> set[str]:
    folders = {source.parent for folder in FOLDERS for source in (ROOT / folder).rglob("*.py")}
    return {".".join(("mmbridge", *folder.relative_to(ROOT).parts)) for folder in folders}


def test_declared_packages_are_the_folders_with_python_files() -> None:
    assert packages_on_disk() == set(SETUPTOOLS["packages"])


def test_every_package_has_an_init_file() -> None:
    folders = [ROOT.joinpath(*package.split(".")[1:]) for package in SETUPTOOLS["packages"]]

    assert [] == [folder for folder in folders if not (folder / "__init__.py").is_file()]


def test_three_folders_are_mapped_into_the_namespace() -> None:
    assert {f"mmbridge.{folder}": folder for folder in FOLDERS} == SETUPTOOLS["package-dir"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_type_checkers_see_the_same_folder(folder: str) -> None:
    assert ROOT / folder == (ROOT / ".typing/mmbridge" / folder).resolve()


@pytest.mark.parametrize("folder", FOLDERS)
def test_package_is_marked_as_typed(folder: str) -> None:
    assert (ROOT / folder / "py.typed").is_file()
