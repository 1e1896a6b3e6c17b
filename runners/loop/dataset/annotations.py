"""Annotation files, and the places of what they name."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmbridge.compat.errors import ConfigError
from mmbridge.compat.plain_data import read_plain


def load_annotations(path: str) -> Any:
    """What the file holds, by its ending: .json, .yaml, .yml, .pkl or .pickle. Raises ConfigError for another one.

    Reading a pickle runs what it says, so it must come from somebody you trust.
    """
    kind = Path(path).suffix.lower()
    if kind in (".pkl", ".pickle"):
        return pickle.loads(Path(path).read_bytes())
    if kind not in (".json", ".yaml", ".yml"):
        raise ConfigError(f"ann_file {path!r}: must be a .json, .yaml, .yml, .pkl or .pickle file")
    return read_plain(Path(path).read_text(encoding="utf-8"), kind)


def data_and_metainfo(path: str) -> tuple[list[Any], Mapping[str, Any]]:
    """``data_list`` and ``metainfo`` of an annotation file.

    Raises TypeError if it holds no dict, ValueError if the dict lacks one of them.
    """
    found = load_annotations(path)
    if not isinstance(found, dict):
        raise TypeError(
            f"ann_file {path!r}: must hold a dict with 'metainfo' and 'data_list', found {type(found).__name__}"
        )
    missing = [key for key in ("metainfo", "data_list") if key not in found]
    if missing:
        raise ValueError(f"ann_file {path!r}: lacks {' and '.join(missing)}, found the keys {sorted(map(str, found))}")
    return found["data_list"], found["metainfo"]


def file_lines(path: str) -> list[str]:
    """The lines of a text file without their ends."""
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n\r") for line in file]


def is_absolute(path: str) -> bool:
    """Whether ``path`` stands for itself: from the root of the disk, or with http, https or s3 before it."""
    return os.path.isabs(path) or path.startswith(("http://", "https://", "s3://"))


"""MMEngine 0.10.7, mmengine/utils/path.py."""
