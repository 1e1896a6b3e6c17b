"""The fixtures are honest: the real MMCV 1.7.2 reads them, or they say why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.oracle

CONFIGS = Path(__file__).parents[2] / "fixtures/configs"
SUFFIXES = {".py", ".yaml", ".yml", ".json"}
GOOD = sorted(path for path in CONFIGS.rglob("*.*") if path.suffix in SUFFIXES and "bad" not in path.parts)
REFUSED = re.compile(r"# MMCV 1\.7\.2 refuses this file: (\w+)")


def declared_refusal(path: Path) -> str:
    found = REFUSED.search(path.read_text(encoding="utf-8"))
    return found[1] if found else ""


# MMCV closes its temporary files after their folder is gone; the interpreter only mutters about it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.relative_to(CONFIGS).as_posix())
def test_mmcv_reads_the_fixture(path: Path) -> None:
    mmcv = pytest.importorskip("mmcv")

    try:
        mmcv.Config.fromfile(str(path), import_custom_modules=False)
        refusal = ""
    except Exception as error:
        refusal = type(error).__name__

    assert declared_refusal(path) == refusal
