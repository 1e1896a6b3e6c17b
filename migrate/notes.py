"""What the rules have to say about a file, as notes for its report and remarks for its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from mmbridge.compat.config import StaticFile
from mmbridge.migrate.dialect import LEGACY_KEYS
from mmbridge.migrate.edit import Drop, Hint, Move, Put, Todo, dotted
from mmbridge.migrate.report import Level, Note
from mmbridge.migrate.rule import Decision, Rule
from mmbridge.migrate.skip import skipped_keys


def own_notes(decisions: Iterable[Decision], lines: dict[str, tuple[int, ...]], rules: Sequence[Rule]) -> list[Note]:
    """The notes on keys that this very file sets."""
    reads = {rule.id: rule.reads for rule in rules}
    notes: list[Note] = []
    for rule, edit in ((decision.rule, decision.edit) for decision in decisions):
        match edit:
            case Todo(path, message):
                level = Level.TODO
            case Hint(path, message):
                level = Level.INFO
            case Drop(path, message, True):
                level = Level.WARNING
            case Move(path, _, message) if message:
                level = Level.WARNING
            case Put(_, _, message) if message:
                path, level = tuple(key for key in reads[rule] if key in lines)[:1], Level.INFO
            case _:
                continue
        if path and str(path[0]) in lines:
            notes.append(Note(level, rule, dotted(path), lines[str(path[0])][0], message))
    return notes


def skip_notes(file: StaticFile) -> list[Note]:
    """What ``file`` wants left alone."""
    message = "left alone, as '# migrate: skip' asks"
    return [Note(Level.INFO, "skip", key, file.bindings[key][0], message) for key in sorted(skipped_keys(file))]


def remarks(notes: Iterable[Note]) -> dict[str, list[str]]:
    """What a person must do, as comments for the statements that the keys become."""
    said: dict[str, list[str]] = {}
    for note in notes:
        if note.level is Level.TODO:
            key = note.key.split(".")[0].split("[")[0]
            said.setdefault(key, []).append(f"# TODO({note.rule}): {note.message}")
    return said


_REMARK: Final = re.compile(r"^# TODO\(([\w-]+)\): (.*)$", re.MULTILINE)


def left_before(file: StaticFile, rules: Sequence[Rule]) -> dict[str, list[Note]]:
    """The old keys that an earlier conversion left for a person in ``file``, with its remarks.

    A remark need not stand right above its key: what the key became may stand between them.
    """
    left: dict[str, list[Note]] = {}
    reads = {rule.id: rule.reads for rule in rules}
    for rule, message in dict.fromkeys(_REMARK.findall(file.text)):
        for key in LEGACY_KEYS.intersection(reads.get(rule, ()), file.bindings):
            left.setdefault(key, []).append(Note(Level.TODO, rule, key, file.bindings[key][0], message))
    return {key: left[key] for key in file.bindings if key in left}
