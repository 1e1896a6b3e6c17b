"""Law 7 on the public trees: the rates that the real engines set, before and after."""

from __future__ import annotations

import subprocess
import sys
import warnings
from math import inf
from pathlib import Path
from typing import Any

import pytest
import schedules
import trees
from mmbridge.compat.schedules import Loop
from real_schedules import stepped_by_mmcv, stepped_by_mmengine
from schedules import EXACT, Schedule

pytestmark = [pytest.mark.oracle, pytest.mark.ecosystem]

LONGEST = 160_000
"""Iterations; longer runs are left to this project's arithmetic, which equals the engines' bit for bit."""


def relative(old: list[list[float]], new: list[list[float]]) -> float:
    pairs = (pair for columns in zip(old, new, strict=True) for pair in zip(*columns, strict=True))
    return max((abs(b - a) / abs(a) if a else inf) if a != b else 0.0 for a, b in pairs)


@pytest.mark.parametrize("name", trees.OLD)
def test_every_combination_in_the_real_engines(name: str) -> None:
    """Policy, warm-up, unit and length: at 7 iterations an epoch, and in runs counted in iterations whole."""
    length = schedules.EPOCH_LENGTHS[0]
    combinations = schedules.one_per_combination(schedules.distinct(name))
    short = [s for s in combinations if s.loop.iterations(length) <= LONGEST]
    differing = [schedule.file for schedule in short if not engines_agree_with_ours(schedule, length)]

    assert [] == differing
    assert 5 <= len(short)


def engines_agree_with_ours(schedule: Schedule, length: int) -> bool:
    """Both engines' values are this project's, so its deviation is theirs: bit for bit, also where it is not 0."""
    groups = range(len(schedule.bases))
    old = stepped_by_mmcv(schedule.old, schedule.loop, length, schedule.bases)
    new = stepped_by_mmengine(schedule.new, schedule.loop, length, schedule.bases)
    ours = schedule.old_series(length), schedule.new_series(length)
    if [old, new] != [[series.values(group) for group in groups] for series in ours]:
        return False
    return relative(old, new) == schedule.deviation(length).relative


RUNS = [
    pytest.param("mmdet-2.28.2", "faster_rcnn/faster_rcnn_r50_fpn_1x_coco.py", 7330, id="detection by epoch"),
    pytest.param("mmsegmentation-0.30.0", "pspnet/pspnet_r50-d8_512x1024_40k_cityscapes.py", 1, id="segmentation"),
    pytest.param("mmcls-0.25.0", "resnet/resnet50_8xb32_in1k.py", 5005, id="classification by epoch"),
]


@pytest.mark.parametrize(("name", "file", "epoch_length"), RUNS)
def test_one_config_from_the_command_line(name: str, file: str, epoch_length: int, tmp_path: Path) -> None:
    """The file and its bases are written, MMEngine loads them, and the rate is the same at every iteration."""
    tree = trees.converted(name)
    path, out = tree.files[file].path, tmp_path / "out"
    subprocess.run([Path(sys.executable).with_name("migrate"), "convert", path, "-o", out], check=True)
    old, new = config_of("mmcv", path), config_of("mmengine", out / file)
    loop = run_of(old)
    bases = (old.optimizer.lr,)

    expected = {found.relative_to(tree.root) for found in tree.reader.closure(path)}
    assert expected == {found.relative_to(out) for found in out.rglob("*") if found.is_file()}

    before = stepped_by_mmcv(dict(old.lr_config), loop, epoch_length, bases)
    after = stepped_by_mmengine(new.param_scheduler, loop, epoch_length, bases)
    assert [loop.iterations(epoch_length)] == [len(column) for column in before]
    assert relative(before, after) <= EXACT
    assert len(set(before[0])) >= 4  # the schedule does something


def config_of(engine: str, path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(engine).Config.fromfile(str(path), import_custom_modules=False)


def run_of(config: Any) -> Loop:
    epochs = config.runner.get("max_epochs")
    return Loop("epoch", epochs) if epochs else Loop("iter", config.runner.max_iters)
