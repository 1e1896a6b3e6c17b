"""The laws of conversion as functions that raise AssertionError where one does not hold.

They are computed from the parts that rules and backends are made of, not from what the converter itself checks.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmbridge.compat.config import Reader, StaticFile, evaluate
from mmbridge.migrate.apply_data import apply_data
from mmbridge.migrate.apply_dict import apply_dict
from mmbridge.migrate.apply_source import apply_source
from mmbridge.migrate.convert import Conversion, Converted, convert
from mmbridge.migrate.dialect import AMBIGUOUS_KEYS, LEGACY_KEYS
from mmbridge.migrate.difference import same
from mmbridge.migrate.edit import Drop, Edit, Move, Put, Todo, dotted, refs
from mmbridge.migrate.edit import Path as KeyPath
from mmbridge.migrate.layout import MEANS_ABSENT
from mmbridge.migrate.report import Status
from mmbridge.migrate.rule import Decision, Rule, decide
from mmbridge.migrate.rules import RULES
from mmbridge.migrate.view import LrStyle, View

# --- law 1: square ---------------------------------------------------------------------------------------------


def square(file: StaticFile, edits: Sequence[Edit]) -> None:
    """The new text evaluates to what the edits make of the old values."""
    expected = apply_dict(file.values, edits)
    if file.path.suffix == ".py":
        found = evaluate(apply_source(file, edits), file.path).values
    else:
        found = Reader(overlay={file.path: apply_data(file, list(edits))}).file(file.path).values

    assert same(expected, found), first_difference(expected, found)


def rule_edits(config: Mapping[str, Any], rules: Sequence[Rule] = RULES, lr: LrStyle = "builtin") -> list[Edit]:
    """All edits of all rules for one merged config."""
    return [decision.edit for decision in decide(rules, View(config, lr))]


# --- law 3: idempotence ----------------------------------------------------------------------------------------


def unfinished(conversion: Conversion) -> set[Path]:
    """Files that still set, or inherit, a key of the old generation: a person must finish them first."""
    reader = Reader(overlay=texts_of(conversion.files), dialect="mmengine")
    return {
        file.path
        for file in conversion.files
        if file.report.status is not Status.FAILED and reader.resolved(file.path).keys() & LEGACY_KEYS
    }


def idempotent(conversion: Conversion, root: Path, folder: Path) -> None:
    """Converting what was converted changes nothing and reports nothing; what waits for a person stays as it is.

    The new files, which are below ``root``, are written to the same places below ``folder``.
    """
    old = {folder / f.path.relative_to(root): f for f in conversion.files if f.report.status is not Status.FAILED}
    for path, file in old.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.new.encode())
    waiting = {folder / path.relative_to(root) for path in unfinished(conversion)}
    for file in convert(list(old)).files:
        assert file.old == file.new, file.path
        if file.path not in waiting:
            assert file.report.status in (Status.ALREADY_NEW, Status.UNCHANGED), (file.path, file.report)
            assert [] == file.report.notes, file.path


# --- law 4: bases ----------------------------------------------------------------------------------------------


def parts(conversion: Conversion) -> set[Path]:
    """Bases that stand beside others: no config of their own."""
    return {base for file in conversion.files if len(file.bases) > 1 for base in file.bases}


def bases_commute(conversion: Conversion, old: Reader, rules: Sequence[Rule] = RULES, lr: LrStyle = "builtin") -> None:
    """Resolving the converted tree gives what the rules make of the resolved tree, for whole configs."""
    fine = [file for file in conversion.files if file.report.status is not Status.FAILED]
    new = Reader(overlay={file.path: file.new for file in fine}, dialect="mmengine")
    for file in fine:
        if file.path not in parts(conversion) and file.report.status is not Status.ALREADY_NEW:
            config = old.resolved(file.path)
            expected = settled(apply_dict(config, rule_edits(config, rules, lr)))
            found = settled(new.resolved(file.path))

            assert same(expected, found), (file.path, first_difference(expected, found))


def settled(config: Mapping[str, Any], path: KeyPath = ()) -> dict[str, Any]:
    """``config`` without the values that MMEngine takes for nothing."""
    return {
        key: settled(value, (*path, key)) if isinstance(value, dict) else value
        for key, value in config.items()
        if not same(value, MEANS_ABSENT.get((*path, key), None if not path else ...))
    }


# --- law 5: locality -------------------------------------------------------------------------------------------


def local(file: Converted, old: StaticFile) -> None:
    """Statements that need no change stay byte for byte and in order, and no comment is lost."""
    if file.path.suffix != ".py" or file.report.status is Status.FAILED:
        return
    missing = comments(old.text) - comments(file.new)

    assert not missing, (file.path, missing)
    ends = {line[len(line.rstrip("\r\n")) :] for line in file.old.splitlines(keepends=True)}
    new_ends = {line[len(line.rstrip("\r\n")) :] for line in file.new.splitlines(keepends=True)}

    assert new_ends - {""} <= ends or not ends - {""}, file.path
    new = iter(file.new.replace("\r\n", "\n").split("\n"))
    for line in untouched_lines(old, evaluate(file.new, file.path)):
        assert line in new, (file.path, line)


_HOOK_OR_BACKEND = re.compile(r"type='(\w+)(?:LoggerHook|VisBackend)'(?:, by_epoch=\w+)?")


def comments(text: str) -> Counter[str]:
    """The comments of a text, each with the number of times it stands there.

    A commented-out logger hook counts as the commented-out backend that takes its place.
    """
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    found = (token.string.rstrip() for token in tokens if token.type == tokenize.COMMENT)
    return Counter(_HOOK_OR_BACKEND.sub(r"type='\1'", comment) for comment in found)


def untouched_lines(old: StaticFile, new: StaticFile) -> Iterator[str]:
    """The old lines of statements that neither bind nor read a key whose value changes, comments left out."""
    changed = {key for key in old.values if key not in new.values or not same(old.values[key], new.values[key])}
    lines = old.text.split("\n")
    shared = Counter(number for node in old.tree.body for number in range(node.lineno, node.end_lineno + 1))
    for node in old.tree.body:
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        numbers = range(node.lineno, node.end_lineno + 1)
        if not names & {*changed, "_base_"} and all(shared[number] == 1 for number in numbers):
            yield from (lines[number - 1] for number in numbers if not lines[number - 1].lstrip().startswith("#"))


# --- law 6: no silent loss -------------------------------------------------------------------------------------


def read(edit: Edit) -> Iterator[KeyPath]:
    """The old paths an edit names."""
    match edit:
        case Move(src, _, _):
            yield src
        case Put(_, value, _):
            yield from (ref.path for ref in refs(value))
        case Drop(path, _, _) | Todo(path, _):
            yield path


def leaves(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    """The paths of all plain values; an empty container is one."""
    parts: Sequence[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        parts = [*value.items()]
    elif isinstance(value, (list, tuple)):
        parts = [*enumerate(value)]
    for key, item in parts:
        yield from leaves(item, (*path, key))
    if not parts:
        yield path


def lost(config: Mapping[str, Any], decisions: Sequence[Decision]) -> list[str]:
    """The old values that no decision says anything about.

    A key that is dropped as a whole is accounted for by the reason. Where other edits name parts of it, the
    drop is only what remains, and each part needs an edit of its own. Schedules are computed: their proof
    compares every iteration.
    """
    edits = [decision.edit for decision in decisions]
    named = {path for edit in edits for path in read(edit)}
    dropped = {edit.path for edit in edits if isinstance(edit, Drop)}
    opened = {path[:n] for path in named if path[-1] != "_delete_" for n in range(1, len(path))}
    covering = {path for path in named if path not in dropped or path not in opened}
    schedule = {"lr_config", "momentum_config"}
    keys = [key for key in config if key in LEGACY_KEYS | AMBIGUOUS_KEYS - schedule or key in {"custom_hooks"}]
    taken = {str(path[0]) for path in dropped if len(path) == 1} | {str(e.src[0]) for e in edits if isinstance(e, Move)}
    return [
        dotted(leaf)
        for key in keys
        if key in taken and key not in schedule
        for leaf in leaves(config[key], (key,))
        if not any(leaf[:n] in covering for n in range(1, len(leaf) + 1))
    ]


# --- telling where ---------------------------------------------------------------------------------------------


def first_difference(left: Any, right: Any, path: KeyPath = ()) -> str:
    """Where two configs differ first, for the message of a failed law."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in [*left, *right]:
            if key not in left or key not in right:
                return f"{dotted((*path, key))}: {left.get(key, 'nothing')!r} != {right.get(key, 'nothing')!r}"
            if not same(left[key], right[key]):
                return first_difference(left[key], right[key], (*path, key))
    if isinstance(left, (list, tuple)) and type(left) is type(right) and len(left) == len(right):
        for i, (a, b) in enumerate(zip(left, right, strict=True)):
            if not same(a, b):
                return first_difference(a, b, (*path, i))
    return f"{dotted(path)}: {left!r} != {right!r}"


def texts_of(files: Iterable[Converted]) -> dict[Path, str]:
    """The new text of each file."""
    return {file.path: file.new for file in files}
