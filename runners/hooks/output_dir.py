"""Where hooks put their files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mmbridge.compat.errors import BridgeError


def output_dir(
    out_dir: str | os.PathLike[str] | None,
    work_dir: str | None,
    hook: str,
    backend_args: Mapping[str, Any] | None = None,
) -> str:
    """``work_dir``, or another ``out_dir`` extended by the last part of ``work_dir``.

    ``backend_args`` may only say that files are local, as MMCV's file clients (``disk``) or MMEngine's (``local``).
    Raises BridgeError where neither is given, and for a place that is not on a disk.
    """
    out_dir = None if out_dir is None else os.fspath(out_dir)
    backend = (backend_args or {}).get("backend", "disk")
    if backend not in ("disk", "local") or "://" in (out_dir or ""):
        raise BridgeError(f"{hook}: only files on disk can be written, found {out_dir!r} with backend {backend!r}")
    if work_dir is None and out_dir is None:
        raise BridgeError(f"{hook}: there is nowhere to write; give the runner a work_dir, or this hook an out_dir")
    if not out_dir or out_dir == work_dir or work_dir is None:
        return out_dir or str(work_dir)
    return os.path.join(out_dir, os.path.basename(work_dir.rstrip(os.sep)))
