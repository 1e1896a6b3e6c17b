"""The laws of conversion over configs that nobody wrote.

``MMBRIDGE_LAWS`` sets how many programs are tried per test; the default keeps the whole folder under a minute.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from config_programs import single_files, trees
from hypothesis import HealthCheck, assume, given, settings
from law_checks import bases_commute, idempotent, local, lost, rule_edits, square
from mmbridge.compat.config import ConfigError, Reader
from mmbridge.migrate.convert import convert
from mmbridge.migrate.report import Status
from mmbridge.migrate.rule import decide
from mmbridge.migrate.rules import RULES
from mmbridge.migrate.tree import Tree
from mmbridge.migrate.view import View

PROGRAMS = int(os.environ.get("MMBRIDGE_LAWS", "60"))
many = settings(max_examples=PROGRAMS, suppress_health_check=[HealthCheck.filter_too_much])


def check_laws(files: dict[str, str]) -> None:
    """Laws 1, 3, 4, 5 and 6 for a folder with ``files``, if MMCV's rules can load all of them."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "old")
        root.mkdir()
        for name, text in files.items():
            (root / name).write_text(text)
        reader = Reader()
        try:
            resolved = {root / name: reader.resolved(root / name) for name in files}
        except ConfigError:
            assume(False)
        conversion = convert(resolved)
        failed = [file.report.notes for file in conversion.files if file.report.status is Status.FAILED]

        assert not failed, failed
        tree = Tree(RULES, reader=reader)
        for file in conversion.files:
            old = reader.file(file.path)
            square(old, rule_edits(old.values))
            square(old, tree.edits(file.path))
            local(file, old)

            assert [] == lost(resolved[file.path], decide(RULES, View(resolved[file.path])))
        bases_commute(conversion, reader)
        idempotent(conversion, root, Path(folder, "new"))


@many
@given(single_files())
def test_laws_for_a_file(files: dict[str, str]) -> None:
    check_laws(files)


@many
@given(trees())
def test_laws_for_a_tree(files: dict[str, str]) -> None:
    check_laws(files)
