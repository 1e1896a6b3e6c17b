"""The results of all processes in one list."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch
from mmbridge.runners.dist import gather_objects, get_dist_info
from mmbridge.runners.testing import in_turn

DEVICES = ("cpu", "gpu", "npu")
"""Where results may meet."""


def check_place(device: str, folder: str | None, names: tuple[str, str] = ("device", "tmpdir")) -> None:
    """Raise ValueError where results cannot meet on ``device``, in ``folder``; ``names`` is what a user calls them."""
    if device not in DEVICES:
        raise ValueError(f"{names[0]} must be one of {', '.join(DEVICES)}, found {device!r}")
    if folder is not None and device != "cpu":
        raise ValueError(f"{names[1]} is for {names[0]}='cpu', found {device!r}; leave one of them out")


def collect_results(results: list[Any], size: int, device: str = "cpu", tmpdir: str | None = None) -> list[Any] | None:
    """The ``results`` of all processes, taken in turn, cut to ``size``, also in a single process; rank 0 only.

    They travel in the files of ``tmpdir``, which all processes must share, or, for the ``device`` 'cpu', in the
    machines' memory; for another one as the process group does it. Raises ValueError for another device.
    """
    check_place(device, tmpdir)
    parts = [results] if get_dist_info()[1] == 1 else _gathered(results, device, tmpdir)
    return None if parts is None else in_turn(parts)[:size]


def collect_results_cpu(result_part: list[Any], size: int, tmpdir: str | None = None) -> list[Any] | None:
    """:func:`collect_results` on the CPU."""
    return collect_results(result_part, size, "cpu", tmpdir)


def collect_results_gpu(result_part: list[Any], size: int) -> list[Any] | None:
    """:func:`collect_results` as the process group does it."""
    return collect_results(result_part, size, "gpu")


def _gathered(part: list[Any], device: str, folder: str | None) -> list[Any] | None:
    if folder is not None:
        return _through_files(part, Path(folder))
    if device != "cpu" or torch.distributed.get_backend() != "nccl":
        return gather_objects(part)
    group = torch.distributed.new_group(backend="gloo")  # nccl would need room on the devices
    try:
        return gather_objects(part, group)
    finally:
        torch.distributed.destroy_process_group(group)


def _through_files(part: list[Any], folder: Path) -> list[Any] | None:
    rank, world_size = get_dist_info()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"part_{rank}.pkl").write_bytes(pickle.dumps(part))
    torch.distributed.barrier()
    if rank != 0:
        return None
    parts = []
    for number in range(world_size):
        file = folder / f"part_{number}.pkl"
        if not file.exists():
            raise FileNotFoundError(
                f"collect_dir {str(folder)!r}: the process of rank {number} writes somewhere else; "
                "name a folder that all machines share"
            )
        parts.append(pickle.loads(file.read_bytes()))
        file.unlink()
    if not any(folder.iterdir()):
        os.rmdir(folder)
    return parts
