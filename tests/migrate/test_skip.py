"""``# migrate: skip`` leaves a statement alone, says so, and the rest converts around it."""

from __future__ import annotations

from pathlib import Path

from mmbridge.migrate.convert import Conversion, convert
from mmbridge.migrate.report import Status

OLD = """\
optimizer = dict(type='SGD', lr=0.1)
# migrate: skip
lr_config = dict(policy='mine', step=[8])
runner = dict(type='EpochBasedRunner', max_epochs=12)
checkpoint_config = dict(interval=1)  # migrate: skip
"""


def converted(folder: Path, text: str) -> Conversion:
    path = folder / "a.py"
    path.write_text(text, "utf-8")
    return convert([path])


def test_skipped_statements_stay_and_the_others_convert(tmp_path: Path) -> None:
    file = converted(tmp_path, OLD).files[0]

    assert file.report.status is Status.CONVERTED
    assert file.new == (
        "optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))\n"
        "# migrate: skip\n"
        "lr_config = dict(policy='mine', step=[8])\n"
        "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=1)\n"
        "val_cfg = dict(type='ValLoop')\n"
        "test_cfg = dict(type='TestLoop')\n"
        "checkpoint_config = dict(interval=1)  # migrate: skip\n"
    )


def test_each_skipped_key_is_reported_with_its_line(tmp_path: Path) -> None:
    notes = converted(tmp_path, OLD).files[0].report.notes

    assert [("checkpoint_config", 5), ("lr_config", 3)] == [(n.key, n.line) for n in notes if n.rule == "skip"]


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    first = converted(tmp_path, OLD).files[0].new

    again = converted(tmp_path, first).files[0]

    assert (Status.ALREADY_NEW, first) == (again.report.status, again.new)


def test_what_a_base_skips_is_left_alone_in_its_children(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text(OLD, "utf-8")
    child = tmp_path / "child.py"
    child.write_text("_base_ = './base.py'\nlr_config = dict(step=[9])\noptimizer = dict(lr=0.2)\n", "utf-8")

    files = convert([child]).files

    assert files[-1].new == (
        "_base_ = './base.py'\nlr_config = dict(step=[9])\noptim_wrapper = dict(optimizer=dict(lr=0.2))\n"
    )
