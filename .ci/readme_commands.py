"""Print the n-th ``sh`` block of the README, so that CI runs what a reader types: ``... N``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def command(number: int) -> str:
    """The text of the ``number``-th block that opens with three backticks and ``sh``, counted from 1."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    if not 1 <= number <= len(blocks):
        sys.exit(f"{README}: block {number} of {len(blocks)} ```sh blocks was asked for")
    return blocks[number - 1]


if __name__ == "__main__":
    print(command(int(sys.argv[1])), end="")  # noqa: T201
