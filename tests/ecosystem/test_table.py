"""The published page says what holds today."""

from __future__ import annotations

import pytest
import schedules
import table
import trees
from mmbridge.migrate.convert import convert

pytestmark = pytest.mark.ecosystem


def test_page_is_up_to_date() -> None:
    """If this fails, run ``python tests/ecosystem/table.py`` and read what changed before you commit it."""
    committed = table.PAGE.read_text(encoding="utf-8")

    assert table.page() == committed


@pytest.mark.parametrize("name", trees.OLD)
def test_closed_form_is_exact_where_no_list_of_schedulers_is(name: str) -> None:
    tree = trees.converted(name)
    deviating = [schedule for schedule in schedules.distinct(name) if not schedule.proof.exact]
    files = {tree.files[schedule.file].path for schedule in deviating}
    conversion = convert(sorted(files), lr="closed-form", reader=tree.reader)
    proofs = [file.report.proof for file in conversion.files if file.path in files]

    assert [] == [proof for proof in proofs if proof is None or not proof.iterations or not proof.exact]
