"""What ``migrate check`` finds in the maintainers' own migrated trees, and in what ``migrate convert`` writes.

Every finding listed in ``check_findings`` was looked at and is a true one; a new one must be looked at, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trees
from mmbridge.migrate.check import check_files
from mmbridge.migrate.report import FileReport, Level

pytestmark = pytest.mark.ecosystem

LISTS = Path(__file__).parent / "check_findings"
COUNTS = {
    "mmdet-3.3.0": {
        "dead-key": 3,
        "lost-milestone": 4,
        "no-sampler": 8,
        "stale-end": 2,
        "train-cfg-mixed": 1,
        "unloadable": 4,
    },
    "mmsegmentation-1.2.2": {"dead-key": 3, "stale-end": 2},
    "mmpretrain-1.2.0": {
        "dead-key": 11,
        "half-triple": 20,
        "loop-arguments": 4,
        "lost-milestone": 1,
        "no-sampler": 1,
        "not-migrated": 3,
        "stale-end": 1,
        "train-cfg-mixed": 1,
    },
    "mmrotate-1.0.0rc1": {"dead-key": 2, "unloadable": 1},
}
OLD_FILES = {
    "mmdet-2.28.2": {"not-migrated": 296},
    "mmsegmentation-0.30.0": {"not-migrated": 120},
    "mmcls-0.25.0": {"not-migrated": 139, "unloadable": 6},
    "mmrotate-0.3.4": {"not-migrated": 58},
}
"""Only files that set an old key themselves are told; the others become new with their bases."""

LEFT_BY_CONVERT = {
    "mmdet-2.28.2": ["rfnext/rfnext_fixed_multi_branch_cascade_mask_rcnn_hrnetv2p_w18_20e_coco.py: hook-without-type"],
    "mmsegmentation-0.30.0": [],
    "mmcls-0.25.0": ["lenet/lenet5_mnist.py: lost-milestone"],
    "mmrotate-0.3.4": [],
}
"""Faults the old files have as well. Old keys that convert leaves in place for a person come on top."""


def told(root: Path, reports: list[FileReport]) -> Iterator[tuple[str, int, str]]:
    """Path, line and id of every finding; what could not be judged is none."""
    for report in reports:
        for note in report.notes:
            if note.level is not Level.INFO:
                yield report.path.relative_to(root).as_posix(), note.line, note.rule


@pytest.mark.parametrize("name", COUNTS)
def test_findings_in_the_maintainers_trees(corpus: Callable[[str], Path], name: str) -> None:
    root = corpus(name)
    found = list(told(root, check_files(sorted(root.rglob("*.py")))))
    listed = (LISTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()

    assert COUNTS[name] == dict(sorted(Counter(rule for _, _, rule in found).items()))
    assert listed == [f"{path}:{line}: {rule}" for path, line, rule in found]


@pytest.mark.parametrize("name", trees.OLD)
def test_what_convert_writes_is_clean(name: str, tmp_path: Path) -> None:
    tree = trees.converted(name)
    written = tree.write(tmp_path)
    found = told(written, check_files(sorted(trees.config_files(written))))
    unloadable = trees.UNLOADABLE.get(name, {})
    faults = [f"{path}: {rule}" for path, _, rule in found if path not in unloadable and rule != "dead-key"]

    assert LEFT_BY_CONVERT[name] == faults


@pytest.mark.parametrize("name", trees.OLD)
def test_old_trees_are_told_to_be_converted_and_nothing_else(corpus: Callable[[str], Path], name: str) -> None:
    root = corpus(name)
    found = Counter(rule for _, _, rule in told(root, check_files(sorted(root.rglob("*.py")))))

    assert OLD_FILES[name] == dict(sorted(found.items()))
