"""Names of files as a person in the current folder would type them, and text that is safe to show."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Names:
    """Names relative to ``folder``, where that is shorter for a reader; ``special`` names go before."""

    folder: Path
    special: Mapping[Path, str] = field(default_factory=dict)

    def of(self, path: Path) -> str:
        """The name of a file, on one line."""
        return printable(self._raw(path))

    def within(self, message: str) -> str:
        """``message`` with the absolute names of files in this folder made relative, on one line."""
        for path, name in self.special.items():
            message = message.replace(str(path), name)
        folder = str(self.folder).rstrip(os.sep) + os.sep
        return printable(re.sub(rf"(?<![\w/\\.-]){re.escape(folder)}", "", message) if folder != os.sep else message)

    def uri(self, path: Path) -> str:
        """The name as a URI reference: relative with slashes, or absolute with its scheme."""
        name = self._raw(path)
        if os.path.isabs(name):
            return "file://" + quote(Path(name).as_posix(), safe="/", errors="surrogatepass")
        return quote(Path(name).as_posix(), safe="/", errors="surrogatepass")

    def _raw(self, path: Path) -> str:
        if path in self.special:
            return self.special[path]
        try:
            relative = os.path.relpath(path, self.folder)
        except ValueError:  # on another drive
            return str(path)
        return str(path) if relative.startswith("..") else relative


def printable(text: str) -> str:
    """``text`` without line breaks and control characters: they are shown escaped, as Python writes them."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
