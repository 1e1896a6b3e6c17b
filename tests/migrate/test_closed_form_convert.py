"""``migrate convert --lr closed-form``: the laws hold, every schedule is exact, the scheduler's module is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fixture_configs import CONFIGS, GOOD, name_of
from law_checks import bases_commute, idempotent, local, square, texts_of
from mmbridge.compat.config import Reader
from mmbridge.migrate.convert import Conversion, convert
from mmbridge.migrate.report import Level, Status
from mmbridge.migrate.rules import RULES
from mmbridge.migrate.tree import Tree

OLD = Reader()
MODULE = "mmbridge.runners.closed_form"
EPOCHS = "runner = dict(type='EpochBasedRunner', max_epochs=12)\n"
STEP = "lr_config = dict(policy='step', step=[8, 11])\n"


@pytest.fixture(scope="module")
def conversion() -> Conversion:
    return convert(GOOD, lr="closed-form", reader=OLD)


@pytest.fixture(scope="module")
def new(conversion: Conversion) -> dict[Path, dict[str, Any]]:
    reader = Reader(overlay=texts_of(conversion.files), dialect="mmengine")
    return {file.path: reader.resolved(file.path) for file in conversion.files}


def test_every_good_file_converts(conversion: Conversion) -> None:
    assert [] == [str(file.report) for file in conversion.files if file.report.status is Status.FAILED]


def test_every_schedule_is_exact(conversion: Conversion) -> None:
    proofs = [file.report.proof for file in conversion.files if file.report.proof is not None]

    assert {0.0} == {proof.worst for proof in proofs}
    assert 50 < sum(proof.iterations > 0 for proof in proofs)


def test_import_stands_wherever_the_scheduler_does(new: dict[Path, dict[str, Any]]) -> None:
    using = {name_of(path) for path, config in new.items() if "LegacyPolicy" in str(config.get("param_scheduler"))}
    importing = {name_of(path) for path, config in new.items() if MODULE in imports_of(config)}

    assert using == importing
    assert 50 < len(using)


def imports_of(config: dict[str, Any]) -> list[str]:
    found: list[str] = (config.get("custom_imports") or {}).get("imports", [])
    return found


def test_square(conversion: Conversion) -> None:
    tree = Tree(RULES, lr="closed-form", reader=OLD)
    for path in GOOD:
        square(OLD.file(path), tree.edits(path))


def test_converting_again_changes_nothing(conversion: Conversion, tmp_path: Path) -> None:
    idempotent(conversion, CONFIGS, tmp_path / "configs")


def test_bases_commute_with_conversion(conversion: Conversion) -> None:
    bases_commute(conversion, OLD, lr="closed-form")


def test_what_needs_no_change_stays(conversion: Conversion) -> None:
    for file in conversion.files:
        local(file, OLD.file(file.path))


def test_other_styles_import_nothing() -> None:
    for file in convert(GOOD, reader=OLD).files:
        assert MODULE not in file.new


def converted(folder: Path, **files: str) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The resolved configs and the texts of a small tree written to ``folder``, by name."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    found = convert([folder / f"{name}.py" for name in files], lr="closed-form").files
    reader = Reader(overlay=texts_of(found), dialect="mmengine")

    assert [] == [str(file.report) for file in found if file.report.status is Status.FAILED]
    return {f.path.stem: reader.resolved(f.path) for f in found}, {f.path.stem: f.new for f in found}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("", {"imports": [MODULE], "allow_failed_imports": False}, id="none"),
        pytest.param("custom_imports = None\n", {"imports": [MODULE], "allow_failed_imports": False}, id="None"),
        pytest.param(
            "custom_imports = dict(imports=['a', 'b'], allow_failed_imports=True)\n",
            {"imports": ["a", "b", MODULE], "allow_failed_imports": True},
            id="a list",
        ),
        pytest.param("custom_imports = dict(imports='a')\n", {"imports": ["a", MODULE]}, id="one name"),
        pytest.param(
            "custom_imports = dict(allow_failed_imports=True)\n",
            {"allow_failed_imports": True, "imports": [MODULE]},
            id="no list",
        ),
        pytest.param(f"custom_imports = dict(imports=['{MODULE}'])\n", {"imports": [MODULE]}, id="imported already"),
    ],
)
def test_import_joins_the_others(written: str, expected: dict[str, Any], tmp_path: Path) -> None:
    configs, _ = converted(tmp_path, leaf=written + EPOCHS + STEP)

    assert expected == configs["leaf"]["custom_imports"]


def test_the_old_config_is_taken_over_as_written(tmp_path: Path) -> None:
    _, texts = converted(
        tmp_path, leaf=EPOCHS + "lr_config = dict(\n    policy='step',\n    # the last quarter\n    step=[9, 6 + 5])\n"
    )
    expected = (
        "custom_imports = dict(\n"
        "    imports=['mmbridge.runners.closed_form'], allow_failed_imports=False)\n"
        "param_scheduler = [\n"
        "    dict(\n"
        "        type='LegacyPolicyLR',\n"
        "        config=dict(\n"
        "            policy='step',\n"
        "            # the last quarter\n"
        "            step=[9, 6 + 5]),\n"
        "        by_epoch=True,\n"
        "        begin=0,\n"
        "        end=12,\n"
        "        convert_to_iter_based=True)\n"
        "]\n"
    )

    assert expected in texts["leaf"]


def test_child_inherits_the_import(tmp_path: Path) -> None:
    configs, texts = converted(
        tmp_path,
        base=EPOCHS + STEP,
        child="_base_ = './base.py'\nlr_config = dict(step=[9])\n",
        heir="_base_ = './base.py'\n",
    )

    assert [MODULE] == imports_of(configs["child"]) == imports_of(configs["heir"])
    assert ["base"] == [name for name, text in texts.items() if MODULE in text]


def test_child_with_imports_of_its_own_keeps_both(tmp_path: Path) -> None:
    configs, _ = converted(
        tmp_path, base=EPOCHS + STEP, child="_base_ = './base.py'\ncustom_imports = dict(imports=['toys'])\n"
    )

    assert ["toys", MODULE] == imports_of(configs["child"])


def test_one_of_two_bases_owns_the_import(tmp_path: Path) -> None:
    """MMEngine refuses a key that two bases set: the one with imports of its own gets the scheduler's module too."""
    configs, texts = converted(
        tmp_path,
        model="custom_imports = dict(imports=['toys'])\n",
        schedule=EPOCHS + STEP,
        leaf="_base_ = ['./model.py', './schedule.py']\n",
    )

    assert ["toys", MODULE] == imports_of(configs["leaf"])
    assert ["model"] == [name for name, text in texts.items() if "custom_imports" in text]


def test_imports_that_are_unknown_are_left_to_a_person() -> None:
    path = Path(__file__).parent / "nowhere" / "leaf.py"
    text = "import os\ncustom_imports = dict(imports=[os.environ['MINE']])\n" + EPOCHS + STEP
    file = convert([path], lr="closed-form", reader=Reader(overlay={path: text})).files[-1]
    todos = [note.message for note in file.report.notes if note.level is Level.TODO]

    assert ["custom_imports = dict(imports=[os.environ['MINE']])"] == [
        line for line in file.new.splitlines() if line.startswith("custom_imports")
    ]
    assert any(message.startswith(f"add '{MODULE}' to its imports") for message in todos)


def test_a_run_of_unknown_length_ends_with_the_run(tmp_path: Path) -> None:
    configs, _ = converted(tmp_path, leaf=STEP + "optimizer = dict(type='SGD', lr=0.1)\n")
    expected = {
        "type": "LegacyPolicyLR",
        "config": {"policy": "step", "step": [8, 11]},
        "by_epoch": True,
        "begin": 0,
        "convert_to_iter_based": True,
    }

    assert [expected] == configs["leaf"]["param_scheduler"]
