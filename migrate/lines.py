"""Line ends: kept as a file has them, even where it mixes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

_END = re.compile(r"\r\n|\r|\n")


def with_line_ends_of(text: str, lines: Sequence[str]) -> str:
    """``lines`` joined by the line ends of ``text``; in a file that mixes them, lines it has keep their own."""
    ends = _END.findall(text)
    kinds = Counter(ends)
    usual = kinds.most_common(1)[0][0] if kinds else "\n"
    if len(kinds) < 2:
        return usual.join(lines)
    own = [usual] * len(lines)
    matcher = SequenceMatcher(None, _END.split(text), lines, autojunk=False)
    for old, new, size in matcher.get_matching_blocks():
        own[new : new + size] = [*ends, usual][old : old + size]
    return "".join(line + end for line, end in zip(lines, own, strict=True)).removesuffix(own[-1])
