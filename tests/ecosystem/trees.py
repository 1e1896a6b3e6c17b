"""The public trees; the four old ones converted whole, once per process, whoever asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import corpora
import pytest
from mmbridge.compat.config import Reader
from mmbridge.migrate.convert import Conversion, Converted, convert
from mmbridge.migrate.dialect import AMBIGUOUS_KEYS, LEGACY_KEYS
from mmbridge.migrate.layout import MEANS_ABSENT, PLACES
from mmbridge.migrate.rules import RULES
from mmbridge.migrate.tree import Tree
from mmbridge.migrate.view import View

OLD = ("mmdet-2.28.2", "mmsegmentation-0.30.0", "mmcls-0.25.0", "mmrotate-0.3.4")

CORE_KEYS = LEGACY_KEYS | AMBIGUOUS_KEYS | {old for places in PLACES.values() for old in places} - {"model"}
"""The old keys that the converter acts on; a file that holds none of them should stay as it is."""

_NO_BASE = "its base is not in the release"
UNLOADABLE = {
    "mmcls-0.25.0": {
        "_base_/datasets/imagenet_bs64_autoaug.py": "reads {{_base_.auto_increasing_policies}}, which no base sets",
        "_base_/models/van/van_base.py": _NO_BASE,
        "_base_/models/van/van_large.py": _NO_BASE,
        "_base_/models/van/van_small.py": _NO_BASE,
        "_base_/models/van/van_tiny.py": _NO_BASE,
        "mobilenet_v3/mobilenet-v3-small_8xb16_cifar10.py": _NO_BASE,
        "mobilenet_v3/mobilenet_v3_small_cifar.py": _NO_BASE,
    }
}
"""Files that MMCV cannot load either, with the reason."""

REWRITTEN_WITHOUT_CORE_KEY = {
    "mmcls-0.25.0": (
        # the only two that combine this dataset file (evaluated every 10 epochs) with this schedule
        "mlp_mixer/mlp-mixer-base-p16_64xb64_in1k.py",
        "mlp_mixer/mlp-mixer-large-p16_64xb64_in1k.py",
    ),
}
"""Leaves that set no core key and yet need a line, because bases that most others combine otherwise meet in them."""


@dataclass(frozen=True)
class ConvertedTree:
    """One tree before and after; paths are absolute, names relative to ``root``."""

    name: str
    root: Path
    conversion: Conversion

    @cached_property
    def reader(self) -> Reader:
        """Reads the old files."""
        return Reader()

    @cached_property
    def tree(self) -> Tree:
        """The planning side of the conversion, for what the texts do not show."""
        return Tree(RULES, reader=self.reader)

    @cached_property
    def files(self) -> dict[str, Converted]:
        """Every file that can be loaded, by its name."""
        unloadable = UNLOADABLE.get(self.name, {})
        named = {file.path.relative_to(self.root).as_posix(): file for file in self.conversion.files}
        return {name: file for name, file in named.items() if name not in unloadable}

    @cached_property
    def leaves(self) -> dict[str, Converted]:
        """The files outside every ``_base_`` folder: what people train with."""
        return {name: file for name, file in self.files.items() if "_base_" not in Path(name).parts}

    @cached_property
    def without_core_key(self) -> dict[str, Converted]:
        """The leaves that set no key the converter acts on."""
        return {
            name: file
            for name, file in self.leaves.items()
            if not self.reader.file(file.path).values.keys() & CORE_KEYS
        }

    @cached_property
    def runnable(self) -> dict[str, Converted]:
        """The files that are not just parts of others, and that say how long to train and at what rate."""
        return {name: file for name, file in self.files.items() if self._trains(file.path)}

    def _trains(self, path: Path) -> bool:
        config = self.reader.resolved(path)
        length = View(config).run.length
        return not self.tree.is_part(path) and isinstance(length, int) and bool(config.get("lr_config"))

    def write(self, folder: Path) -> Path:
        """Write all files below ``folder/configs``, as converted."""
        root = folder / "configs"
        for name, file in self.files.items():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.new.encode())
        return root


@cache
def converted(name: str) -> ConvertedTree:
    """The old tree ``name``, converted."""
    root = configs_of(name)
    return ConvertedTree(name, root, convert(sorted(config_files(root))))


def configs_of(name: str) -> Path:
    """The ``configs`` folder of one tree, e.g. of ``mmdet-2.28.2``; where it is absent the test is skipped."""
    configs = corpora.folder() / corpora.listed()[name].name / "configs"
    if not configs.is_dir():
        required = os.environ.get("MMBRIDGE_REQUIRE_ECOSYSTEM") == "1"
        (pytest.fail if required else pytest.skip)(f"{configs} is not there: run `make corpora`")
    return configs.resolve()


def config_files(root: Path) -> Iterator[Path]:
    """All config files of a tree."""
    return root.rglob("*.py")


def settled(config: dict[str, Any]) -> dict[str, Any]:
    """``config`` without the values that MMEngine treats as absent."""
    kept = {key: value for key, value in config.items() if value is not None}
    for (top, key), absent in MEANS_ABSENT.items():
        if isinstance(kept.get(top), dict) and kept[top].get(key, ...) is absent:
            kept[top] = {other: value for other, value in kept[top].items() if other != key}
    return kept


def spelled(value: Any) -> str:
    """A text that is the same for equal values only; it tells 1 from 1.0 and True, and lists from tuples."""
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{key!r}: {spelled(item)}" for key, item in value.items())) + "}"
    if isinstance(value, (list, tuple)):
        return type(value).__name__ + "(" + ", ".join(map(spelled, value)) + ")"
    return repr(value)
