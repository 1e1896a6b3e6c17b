"""Every config of the public trees: reading without running gives what the real engines give by running."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import trees
from mmbridge.compat.config import ConfigError, Reader, Undecided

pytestmark = [pytest.mark.oracle, pytest.mark.ecosystem]

FAULTS = ("does not exist", "the bases have no")  # in files that MMCV cannot load either


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(item) for item in value)
    return value


def outcome_of_mmcv(path: Path) -> Any:
    config = pytest.importorskip("mmcv").Config
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain(config.fromfile(str(path), import_custom_modules=False)._cfg_dict)
        except Exception as error:
            return type(error).__name__


@pytest.mark.parametrize("name", trees.OLD)
def test_static_reading_equals_running(name: str) -> None:
    root, reader = trees.configs_of(name), Reader()
    differing, unreadable = [], {}
    for path in sorted(trees.config_files(root)):
        theirs = outcome_of_mmcv(path)
        try:
            mine: Any = reader.resolved(path)
        except ConfigError as error:
            unreadable[path.relative_to(root).as_posix()] = str(error)
            if not isinstance(theirs, str):
                differing.append(path)
            continue
        if mine != theirs or list(mine) != list(theirs) or repr(mine) != repr(theirs):
            differing.append(path)

    assert [] == differing
    assert trees.UNLOADABLE.get(name, {}).keys() == unreadable.keys()
    assert [] == [said for said in unreadable.values() if not any(fault in said for fault in FAULTS)]


@pytest.mark.parametrize("name", trees.OLD)
def test_nothing_is_undecided(name: str) -> None:
    reader = Reader()
    undecided = []
    for path in sorted(trees.config_files(trees.configs_of(name))):
        found = [value for value in reader.file(path).values.values() if isinstance(value, Undecided)]
        undecided.extend(map(str, found))
        if "Undecided(" in repr(reader.file(path).values):
            undecided.append(str(path))

    assert [] == undecided
