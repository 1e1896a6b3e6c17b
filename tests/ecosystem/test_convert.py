"""The four old trees converted whole: which of the laws hold for every file that can be loaded."""

from __future__ import annotations

import io
import tokenize
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import trees
from mmbridge.compat.config import Reader, evaluate
from mmbridge.migrate.apply_dict import apply_dict
from mmbridge.migrate.convert import Converted, convert
from mmbridge.migrate.dialect import LEGACY_KEYS
from mmbridge.migrate.edit import Drop, Put, Todo, dotted
from mmbridge.migrate.report import Level, Status
from trees import ConvertedTree

pytestmark = pytest.mark.ecosystem


@pytest.fixture(scope="module", params=trees.OLD)
def tree(request: pytest.FixtureRequest) -> ConvertedTree:
    return trees.converted(request.param)


@pytest.fixture(scope="module")
def written(tree: ConvertedTree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tree.write(tmp_path_factory.mktemp(tree.name))


def test_what_can_be_loaded_is_converted(tree: ConvertedTree) -> None:
    failed = {
        file.path.relative_to(tree.root).as_posix()
        for file in tree.conversion.files
        if file.report.status is Status.FAILED
    }

    assert set(trees.UNLOADABLE.get(tree.name, ())) == failed


def test_square(tree: ConvertedTree) -> None:
    broken = [name for name, file in tree.files.items() if not square_holds(tree, file)]

    assert [] == broken


def square_holds(tree: ConvertedTree, file: Converted) -> bool:
    """Law 1, without the converter's own comparison."""
    old = tree.reader.file(file.path)
    expected = apply_dict(old.values, tree.tree.edits(file.path))
    found = evaluate(file.new, file.path).values
    return trees.spelled(expected) == trees.spelled(found)


def test_converting_the_result_changes_nothing_and_reports_nothing(written: Path) -> None:
    """What was left for a person the first time is all that may be reported."""
    again = convert(sorted(trees.config_files(written)))

    assert [] == [file.path for file in again.files if file.new != file.old]
    assert [] == [n for file in again.files for n in file.report.notes if n.level is not Level.TODO]


def test_no_two_bases_set_one_key(tree: ConvertedTree, written: Path) -> None:
    """Resolving raises where two bases set one key, as MMEngine does."""
    reader = Reader(dialect="mmengine")
    resolved = [reader.resolved(written / name) for name in tree.files]

    assert len(tree.files) == len(resolved)


def test_lines_outside_rewritten_statements_stay(tree: ConvertedTree) -> None:
    moved = [
        f"{name}: {piece!r}"
        for name, file in tree.files.items()
        for piece in lost_pieces(untouched(tree, file), file.new)
    ]

    assert [] == moved


def untouched(tree: ConvertedTree, file: Converted) -> Iterator[str]:
    """The statements of the old file that no edit is about, with the lines between neighbours among them."""
    old = tree.reader.file(file.path)
    taken = {str(edit.path[0]) for edit in tree.tree.edits(file.path) if isinstance(edit, Drop)}
    touched_lines = {line for key in taken for line in old.bindings[key]}
    lines = file.old.splitlines(keepends=True)
    first = last = 0
    for node in [*old.tree.body, None]:
        if node is not None and node.lineno not in touched_lines:
            first, last = first or node.lineno, node.end_lineno or node.lineno
        elif first:
            yield "".join(lines[first - 1 : last])
            first = 0


def lost_pieces(pieces: Iterator[str], text: str) -> Iterator[str]:
    """The pieces that ``text`` does not hold, in order."""
    place = 0
    for piece in pieces:
        found = text.find(piece, place)
        if found < 0:
            yield piece
        else:
            place = found + len(piece)


def test_every_comment_is_found_again(tree: ConvertedTree) -> None:
    lost = {name: missing for name, file in tree.files.items() if (missing := lost_comments(file))}

    assert {} == lost


def lost_comments(file: Converted) -> Counter[str]:
    hook, backend = "# dict(type='TensorboardLoggerHook')", "# dict(type='TensorboardVisBackend')"
    kept = (backend if comment == hook else comment for comment in comments(file.old))
    missing = Counter(kept) - Counter(comments(file.new))
    reported = [note.message for note in file.report.notes]
    return Counter({c: n for c, n in missing.items() if not any(c in message for message in reported)})


def comments(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def test_no_old_key_is_left_without_a_word(tree: ConvertedTree, written: Path) -> None:
    """MMEngine ignores old keys in silence, so one that stays must be in a report."""
    reader = Reader(dialect="mmengine")
    silent = []
    for name, file in tree.leaves.items():
        left = reader.resolved(written / name).keys() & LEGACY_KEYS
        decided = [decision.edit for decision in tree.tree.target(file.path).decisions]
        told = {str(edit.path[0]) for edit in decided if isinstance(edit, Todo)}
        silent += [f"{name}: {key}" for key in sorted(left - told)]

    assert [] == silent


def test_no_old_value_is_dropped_without_a_reason(tree: ConvertedTree) -> None:
    every = [decision.edit for file in tree.files.values() for decision in tree.tree.target(file.path).decisions]

    assert [] == [dotted(edit.path) for edit in every if isinstance(edit, Drop) and not edit.reason]
    assert any(isinstance(edit, Put) for edit in every)


def test_what_is_left_for_a_person_is_in_a_report(tree: ConvertedTree) -> None:
    """What the rules ask of a person about a leaf stands in the report of the leaf or of a base that says it."""
    by_path = {file.path: file for file in tree.files.values()}
    untold = []
    for name, file in tree.leaves.items():
        closure = [by_path[path].report.notes for path in tree.reader.closure(file.path)]
        told = {(note.rule, note.key) for notes in closure for note in notes if note.level is Level.TODO}
        decisions = tree.tree.target(file.path).decisions
        asked = {(d.rule, dotted(d.edit.path)) for d in decisions if isinstance(d.edit, Todo)}
        untold += [f"{name}: {rule}: {key}" for rule, key in sorted(asked - told)]

    assert [] == untold


def test_every_schedule_is_compared(tree: ConvertedTree) -> None:
    """A file that trains has a proof over its iterations, or a person is asked to write its schedule."""
    without = [
        name
        for name, file in tree.runnable.items()
        if not (file.report.proof and file.report.proof.iterations) and not schedule_is_left(tree, file)
    ]

    assert [] == without


def schedule_is_left(tree: ConvertedTree, file: Converted) -> bool:
    decisions = tree.tree.target(file.path).decisions
    return any(d.rule == "param-scheduler" and isinstance(d.edit, Todo) for d in decisions)


def test_leaves_without_core_key_stay_byte_for_byte(tree: ConvertedTree) -> None:
    changed = [name for name, file in tree.without_core_key.items() if file.new != file.old]

    assert trees.REWRITTEN_WITHOUT_CORE_KEY.get(tree.name, ()) == tuple(sorted(changed))
    assert len(changed) <= 0.02 * len(tree.without_core_key)


def every_nth(names: Sequence[str], n: int) -> list[str]:
    return sorted(names)[:: max(1, len(names) // n)]


def test_a_leaf_alone_gives_the_same_texts(tree: ConvertedTree) -> None:
    """Converted with its bases only, a leaf and the bases become what they become with the whole tree."""
    whole = {file.path: file.new for file in tree.files.values()}
    reader = Reader()
    differing = []
    for name in every_nth(list(tree.leaves), 12):
        alone = convert([tree.leaves[name].path], reader=reader)
        differing += [f"{name}: {file.path}" for file in alone.files if file.new != whole[file.path]]

    assert [] == differing
