"""The laws of conversion over every config of this project."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from fixture_configs import BAD, CONFIGS, GOOD, name_of
from law_checks import (
    bases_commute,
    comments,
    first_difference,
    idempotent,
    local,
    rule_edits,
    square,
    texts_of,
    unfinished,
)
from mmbridge.compat.config import Reader
from mmbridge.migrate.apply_dict import apply_dict
from mmbridge.migrate.apply_source import apply_source
from mmbridge.migrate.convert import Conversion, convert
from mmbridge.migrate.difference import same
from mmbridge.migrate.report import Status
from mmbridge.migrate.rules import RULES
from mmbridge.migrate.tree import Tree

OLD = Reader()
NAMES = {name_of(path): path for path in GOOD}
each_file = pytest.mark.parametrize("path", NAMES.values(), ids=NAMES)
WAITING = {
    "traps/loop_custom_runner.py",
    "traps/lr_unknown_policy.py",
}
"""Files in which a key of the old generation stays until a person has acted."""


@pytest.fixture(scope="module")
def conversion() -> Conversion:
    return convert(GOOD, reader=OLD)


@pytest.fixture(scope="module")
def tree() -> Tree:
    return Tree(RULES, reader=OLD)


def test_every_good_file_converts(conversion: Conversion) -> None:
    failed = [str(file.report) for file in conversion.files if file.report.status is Status.FAILED]

    assert [] == failed
    assert set(GOOD) == {file.path for file in conversion.files}


# Law 1


@each_file
def test_square_of_a_file_on_its_own(path: Path) -> None:
    file = OLD.file(path)

    square(file, rule_edits(file.values))


@each_file
def test_square_in_its_tree(path: Path, tree: Tree) -> None:
    square(OLD.file(path), tree.edits(path))


def test_square_can_fail() -> None:
    """Dropping another key than the text does is noticed."""
    file = OLD.file(NAMES["traps/_base_/toy_epoch.py"])
    broken = apply_dict(file.values, rule_edits(file.values)[1:])

    assert not same(broken, apply_dict(file.values, rule_edits(file.values)))
    assert first_difference(broken, apply_dict(file.values, rule_edits(file.values)))


def test_same_text_every_time() -> None:
    """Nothing depends on what was converted before, or on where objects lie in memory."""
    file = OLD.file(NAMES["traps/source_read_later.py"])
    texts = {apply_source(file, rule_edits(file.values)) for _ in range(100)}

    assert 1 == len(texts)


# Law 2


@pytest.mark.parametrize("seed", range(3))
def test_order_of_the_rules_does_not_matter(seed: int, conversion: Conversion) -> None:
    rules = list(RULES)
    random.Random(seed).shuffle(rules)
    other = convert(GOOD, reader=OLD, rules=rules)

    assert texts_of(conversion.files) == texts_of(other.files)
    for path in GOOD:
        config = OLD.resolved(path)
        left, right = apply_dict(config, rule_edits(config)), apply_dict(config, rule_edits(config, rules))

        assert same(left, right), (path, first_difference(left, right))


# Law 3


def test_converting_again_changes_nothing(conversion: Conversion, tmp_path: Path) -> None:
    idempotent(conversion, CONFIGS, tmp_path / "configs")


def test_what_waits_for_a_person_is_known(conversion: Conversion) -> None:
    assert WAITING == {name_of(path) for path in unfinished(conversion)}


# Law 4


def test_bases_commute_with_conversion(conversion: Conversion) -> None:
    bases_commute(conversion, OLD)


# Law 5


@each_file
def test_what_needs_no_change_stays(path: Path, conversion: Conversion) -> None:
    local(next(file for file in conversion.files if file.path == path), OLD.file(path))


def test_lost_comment_is_noticed() -> None:
    assert {"# b": 1} == dict(comments("a = 1  # a\n# b\n") - comments("a = 1  # a\n"))


# Law 6 stands in tests/migrate/test_rules.py, beside the rules.


# One text per file, however it is reached


@each_file
def test_same_edits_from_every_entry(path: Path, tree: Tree) -> None:
    """A file converts to the same text in a folder, in a list, and as a base of one leaf."""
    alone = Tree(RULES, reader=OLD)
    for file in reversed(OLD.closure(path)):
        assert tree.edits(file) == alone.edits(file)


@pytest.mark.parametrize("folder", sorted({path.parent for path in GOOD}), ids=name_of)
def test_same_text_for_one_leaf(folder: Path, conversion: Conversion) -> None:
    leaf = next(path for path in GOOD if path.parent == folder)
    texts = texts_of(conversion.files)

    for file in convert([leaf], reader=OLD).files:
        assert texts[file.path] == file.new


# Files that cannot be converted


def test_bad_files_stop_no_other(conversion: Conversion) -> None:
    texts = texts_of(conversion.files)
    both = convert([*BAD, *GOOD], reader=OLD)

    assert texts == {file.path: file.new for file in both.files if file.path in texts}


@pytest.mark.parametrize("path", BAD, ids=name_of)
def test_bad_file_is_left_as_it_is_or_keeps_the_laws(path: Path) -> None:
    file = next(file for file in convert([path], reader=OLD).files if file.path == path)
    if file.report.status in (Status.FAILED, Status.ALREADY_NEW):
        assert file.old == file.new
    else:
        square(OLD.file(path), rule_edits(OLD.file(path).values))
        local(file, OLD.file(path))


def test_fixtures_are_there() -> None:
    assert CONFIGS.is_dir()
    assert len(BAD) > 10
    assert len(GOOD) > 100
