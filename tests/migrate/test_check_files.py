"""Which files are judged how, where a finding is placed, and what silences it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from mmbridge.compat.config import Reader
from mmbridge.migrate.check import check_files
from mmbridge.migrate.check.origin import Origin, origin
from mmbridge.migrate.report import Level, Note, Status

HOME = Path("/project")
LOOP = "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12)\n"
SCHEDULE = "param_scheduler = [\n    dict(type='MultiStepLR', end=12, milestones=[8, 11]),\n]\n"


def reader_of(files: dict[str, str]) -> Reader:
    return Reader(overlay={HOME / name: dedent(text) for name, text in files.items()}, dialect="mmengine")


def told(files: dict[str, str], *asked: str) -> list[str]:
    """``name:line: id`` of every finding, in order, in files checked together."""
    paths = [HOME / name for name in asked or files]
    reports = check_files(paths, reader=reader_of(files))
    return [f"{report.path.relative_to(HOME)}:{note.line}: {note.rule}" for report in reports for note in report.notes]


def notes(files: dict[str, str], *asked: str) -> list[Note]:
    reports = check_files([HOME / name for name in asked or files], reader=reader_of(files))
    return [note for report in reports for note in report.notes]


# --- where ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        pytest.param(("train_cfg", "max_epochs"), ("leaf.py", 3), id="override of the leaf"),
        pytest.param(("train_cfg", "type"), ("base.py", 1), id="rest of the same dict in the base"),
        pytest.param(("param_scheduler", 0, "end"), ("base.py", 3), id="inside a list of the base"),
        pytest.param(("val_dataloader", "batch_size"), ("leaf.py", 6), id="behind another name"),
        pytest.param(("hooks", "type"), ("leaf.py", 8), id="dict that replaces the base's"),
        pytest.param(("model", "depth"), ("leaf.py", 9), id="edit of a base through its name"),
        pytest.param(("model", "type"), ("base.py", 7), id="beside an edit of a base"),
        pytest.param(("quoted", "inner"), ("leaf.py", 11), id="key in a dict display"),
    ],
)
def test_origin_is_the_line_that_decides(keys: tuple[str | int, ...], place: tuple[str, int]) -> None:
    files = {
        "base.py": LOOP + SCHEDULE + "\nhooks = dict(type='A', interval=1)\nmodel = dict(type='Net', depth=50)\n",
        "leaf.py": """\
            _base_ = './base.py'
            train_cfg = dict(
                max_epochs=24)
            loader = dict(
                num_workers=2,
                batch_size=1)
            val_dataloader = loader
            hooks = dict(_delete_=True, type='B')
            _base_.model.depth = 101
            quoted = {
                'inner': 1}
            """,
    }

    assert Origin(HOME / place[0], place[1]) == origin(reader_of(files), HOME / "leaf.py", keys)


def test_fault_of_a_base_is_told_once_however_many_inherit_it() -> None:
    files = {
        "base.py": "model = dict(type='Net')\n" + LOOP + "fp16 = dict()\n" + SCHEDULE.replace("12", "10"),
        "one.py": "_base_ = './base.py'\n",
        "two.py": "_base_ = './base.py'\n",
    }

    assert ["base.py:3: dead-key", "base.py:5: lost-milestone"] == [
        line for line in told(files) if "half-triple" not in line
    ]


def test_bases_are_checked_with_the_file_that_was_asked_for() -> None:
    files = {"base.py": LOOP + "fp16 = dict()\n", "leaf.py": "_base_ = './base.py'\n"}

    assert ["base.py:2: dead-key"] == told(files, "leaf.py")


def test_half_a_triple_is_told_at_the_leaf_that_puts_the_parts_together() -> None:
    files = {
        "data.py": "test_dataloader = dict(dataset=dict(type='D'), sampler=dict(type='DefaultSampler'))\n",
        "run.py": "test_cfg = dict()\n",
        "leaf.py": "# a leaf\n_base_ = ['./data.py', './run.py']\nmodel = dict(type='Net')\n",
    }

    assert ["leaf.py:2: half-triple"] == told(files)


# --- which ------------------------------------------------------------------------------------------------------


def test_parts_are_not_judged_as_configs_that_run() -> None:
    loader = "test_dataloader = dict(dataset=dict(type='D'), sampler=dict(type='DefaultSampler'))\n"
    files = {
        "model.py": "model = dict(type='Net')\ntest_evaluator = dict(type='A')\n",
        "data.py": loader,
        "leaf.py": "_base_ = ['./model.py', './data.py']\ntest_cfg = dict()\n",
    }

    assert [] == told(files)


def test_a_base_that_a_child_completes_is_no_leaf() -> None:
    files = {
        "base.py": "model = dict(type='Net')\ntest_cfg = dict()\ntest_evaluator = dict(type='A')\n",
        "leaf.py": "_base_ = './base.py'\ntest_dataloader = dict(dataset=dict(), sampler=dict(type='S'))\n",
    }

    assert [] == told(files)


@pytest.mark.parametrize(
    "reading",
    ["optim_wrapper = dict(optimizer=_base_.optimizer)", "optim_wrapper = dict(optimizer={{_base_.optimizer}})"],
    ids=["expression", "braces"],
)
def test_a_name_that_a_child_reads_is_a_variable(reading: str) -> None:
    files = {
        "base.py": "optimizer = dict(type='SGD', lr=0.1)\n" + LOOP,
        "leaf.py": f"_base_ = './base.py'\n{reading}\n",
    }

    assert [] == told(files)
    assert ["base.py:1: dead-key"] == told(files, "base.py")


@pytest.mark.parametrize("text", ["total_epochs = 12\ntrain_cfg = dict(by_epoch=True, max_epochs=total_epochs)\n"])
def test_a_name_that_the_file_reads_is_a_variable(text: str) -> None:
    assert [] == told({"config.py": text})


def test_config_for_mmcv_is_one_line() -> None:
    files = {"old.py": "model = dict(type='Net')\nfp16 = dict()\nrunner = dict(max_epochs=1)\noptimizer = dict(lr=1)\n"}

    assert ["old.py:0: not-migrated"] == told(files)


def test_old_base_of_a_new_config_is_not_told_to_be_converted() -> None:
    files = {"base.py": "runner = dict(max_epochs=1)\n", "leaf.py": "_base_ = './base.py'\n" + LOOP}

    assert ["base.py:1: dead-key"] == told(files)


def test_what_is_neither_old_nor_new_is_left_alone() -> None:
    assert [] == told({"tool.py": "seed = 1\noptimizer = dict(lr=0.1)\nprint(seed)\n"})


# --- silence ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "fp16 = dict()  # migrate: skip\n",
        "# migrate: skip\nfp16 = dict()\n",
        "fp16 = dict(\n    loss_scale=512.,  # migrate: skip, our own engine reads it\n)\n",
    ],
    ids=["end of the line", "line above", "inside the statement"],
)
def test_skip_silences_its_statement(text: str) -> None:
    assert [] == told({"config.py": LOOP + text})


@pytest.mark.parametrize(
    "text",
    [
        "fp16 = dict()\n\n# migrate: skip\nx = 1\n",
        "x = 1  # migrate: skip\nfp16 = dict()\n",
        "fp16 = dict()  # migrate: skipped\n",
    ],
    ids=["line below", "statement above", "another word"],
)
def test_skip_silences_nothing_else(text: str) -> None:
    assert 1 == len(told({"config.py": LOOP + text}))


# --- files that do not load -------------------------------------------------------------------------------------


def test_a_base_at_fault_is_told_once_where_it_is() -> None:
    files = {
        "base.py": "# lost\n_base_ = './nowhere.py'\n",
        "one.py": "_base_ = './base.py'\n",
        "two.py": "_base_ = './base.py'\n",
        "good.py": LOOP + "fp16 = None\n",
    }

    assert ["base.py:2: unloadable", "good.py:2: dead-key"] == told(files)


@pytest.mark.parametrize(
    ("base", "leaf", "line"),
    [
        pytest.param("val_cfg = None\n", "x = 1\nval_cfg = dict(type='ValLoop')\n", 3, id="dict over None"),
        pytest.param("hooks = dict(a=[1])\n", "hooks = dict(\n    a=dict(b=1))\n", 3, id="dict over a list"),
    ],
)
def test_dict_over_something_else_has_a_line(base: str, leaf: str, line: int) -> None:
    assert [f"leaf.py:{line}: unloadable"] == told({"base.py": base, "leaf.py": f"_base_ = './base.py'\n{leaf}"})


def test_two_bases_that_set_one_key() -> None:
    files = {"a.py": LOOP, "b.py": LOOP, "leaf.py": "_base_ = ['./a.py',\n          './b.py']\n"}

    assert ["leaf.py:2: unloadable"] == told(files)


def test_base_of_a_package_that_is_absent_is_no_finding() -> None:
    [note] = notes({"config.py": "_base_ = 'mmdet::_base_/default_runtime.py'\n"})

    assert (Level.INFO, "not-judged") == (note.level, note.rule)
    assert "mmdet, which is not installed" in note.message


def test_names_from_elsewhere_leave_the_config_unjudged() -> None:
    files = {"config.py": "from other import *\nmodel = dict(type='Net')\nval_cfg = dict()\nfp16 = dict()\n"}

    assert ["config.py:0: not-judged", "config.py:4: dead-key"] == told(files)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("x = (\n", Status.FAILED),
        ("_base_ = './nowhere.py'\n", Status.FAULTY),
        (LOOP + "fp16 = dict()\n", Status.FAULTY),
        (LOOP, Status.CLEAN),
        ("_base_ = 'mmdet::a.py'\n", Status.CLEAN),
    ],
    ids=["no Python", "lost base", "dead key", "nothing", "absent package"],
)
def test_status_of_a_file(text: str, status: Status) -> None:
    [report] = check_files([HOME / "config.py"], reader=reader_of({"config.py": text}))

    assert status == report.status
