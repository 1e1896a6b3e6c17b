"""The laws about whole configs, judged by the engines: MMCV reads the old trees, MMEngine the converted ones."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import trees
from mmbridge.migrate.apply_dict import apply_dict
from mmbridge.migrate.rule import decide
from mmbridge.migrate.rules import RULES
from mmbridge.migrate.view import View

pytestmark = [pytest.mark.oracle, pytest.mark.ecosystem]


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(item) for item in value)
    return value


def loaded(engine: str, path: Path) -> dict[str, Any]:
    """The whole config as the engine sees it; what the config imports is not imported."""
    config = pytest.importorskip(engine).Config
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(plain(config.fromfile(str(path), import_custom_modules=False)._cfg_dict))


@pytest.mark.parametrize("name", trees.OLD)
def test_resolving_the_converted_is_converting_the_resolved(name: str, tmp_path: Path) -> None:
    """Laws 4 and 8: real MMEngine loads every leaf, and sees what the rules make of what real MMCV sees."""
    tree = trees.converted(name)
    written = tree.write(tmp_path)
    differing = []
    for leaf, file in tree.leaves.items():
        old = loaded("mmcv", file.path)
        expected = apply_dict(old, [decision.edit for decision in decide(RULES, View(old))])
        found = loaded("mmengine", written / leaf)
        if trees.spelled(trees.settled(expected)) != trees.spelled(trees.settled(found)):
            differing.append(leaf)

    assert [] == differing


@pytest.mark.parametrize("name", trees.UNLOADABLE)
def test_mmcv_cannot_load_the_unloadable_either(name: str) -> None:
    root = trees.configs_of(name)

    for file in trees.UNLOADABLE[name]:
        with pytest.raises((FileNotFoundError, KeyError)):
            loaded("mmcv", root / file)
