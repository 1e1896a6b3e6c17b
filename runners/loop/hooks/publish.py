"""A checkpoint for others: only what they need, under a name that proves it is whole."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from mmbridge.runners.checkpoint import read_file, write_file
from mmbridge.runners.dist import master_only


@master_only
def publish(path: str, keys: Sequence[str], logger: logging.Logger) -> None:
    """Write what ``path`` holds under ``keys`` to ``<stem>-<hash>.pth`` beside it, in the process of rank 0.

    The hash is the first 8 digits of the SHA-256 of the new file, as ``torch.hub`` checks it.
    """
    checkpoint = read_file(path, "cpu")
    removed = [key for key in checkpoint if key not in keys]
    if removed:
        logger.info(f"published_keys: {', '.join(removed)} of {path} will not be published.")
    stem = os.path.splitext(path)[0]
    whole = f"{stem}.published"
    write_file({key: value for key, value in checkpoint.items() if key in keys}, whole)
    final = f"{stem}-{hashlib.sha256(Path(whole).read_bytes()).hexdigest()[:8]}.pth"
    os.replace(whole, final)
    logger.info(f"The checkpoint {path} is published to {final}.")
