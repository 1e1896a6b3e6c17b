"""What a run sets up in its process: the process group, threads, limits, device."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.registry import nearest
from mmbridge.runners.blame import blaming
from mmbridge.runners.dist import get_dist_info, get_local_rank, init_dist

KEYS = ("cudnn_benchmark", "mp_cfg", "dist_cfg", "resource_limit")


@blaming("env_cfg")
def setup_env(env_cfg: Mapping[str, Any], launcher: str) -> None:
    """Set this process up as ``env_cfg`` says: MMEngine's keys, each of which may be left out.

    ``cudnn_benchmark``; ``mp_cfg`` with ``mp_start_method`` and ``opencv_num_threads``; ``dist_cfg``, which goes to
    :func:`~mmbridge.runners.dist.init_dist`; ``resource_limit``, how many files may be open (4096). Raises
    ConfigError for another key.
    """
    for key in env_cfg:
        if key not in KEYS:
            close = nearest(key, KEYS)
            raise ConfigError(f"env_cfg.{key}: no such key; {f'did you mean {close[0]!r}?' if close else KEYS}")
    if env_cfg.get("cudnn_benchmark"):
        torch.backends.cudnn.benchmark = True
    mp_cfg = env_cfg.get("mp_cfg") or {}
    if "mp_start_method" in mp_cfg and os.name != "nt":
        torch.multiprocessing.set_start_method(mp_cfg["mp_start_method"], force=True)
    if "opencv_num_threads" in mp_cfg and find_spec("cv2"):
        import_module("cv2").setNumThreads(mp_cfg["opencv_num_threads"])
    if launcher != "none":
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, "1")
        if not torch.distributed.is_initialized():
            init_dist(launcher, **(env_cfg.get("dist_cfg") or {}))
    _allow_open_files(env_cfg.get("resource_limit", 4096))


def _allow_open_files(wanted: int) -> None:
    """Raise the soft limit of open files to ``wanted``, within the hard one; data workers share tensors by files."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = max(wanted, soft) if hard == resource.RLIM_INFINITY else min(max(wanted, soft), hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def get_device() -> torch.device:
    """The device that models train on: this process's CUDA device, Apple's, or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", get_local_rank() or torch.cuda.current_device())
    mps = torch.backends.mps
    return torch.device("mps") if mps.is_available() and mps.is_built() else torch.device("cpu")


def shared_timestamp() -> str:
    """The time of rank 0, ``YYYYmmdd_HHMMSS``, in every process."""
    now = [time.strftime("%Y%m%d_%H%M%S", time.localtime())]
    if get_dist_info()[1] > 1:
        torch.distributed.broadcast_object_list(now)
    return now[0]


def describe(runner: Any) -> str:
    """What the log says first: system, versions, seed, launcher."""
    facts = {
        "sys.platform": sys.platform,
        "Python": platform.python_version(),
        "PyTorch": torch.__version__,
        "CUDA available": torch.cuda.is_available(),
        "seed": runner.seed,
        "deterministic": runner.deterministic,
        "distributed launcher": runner.launcher,
        "GPU number": runner.world_size,
    }
    if torch.cuda.is_available():
        facts["GPU"] = torch.cuda.get_device_name()
    return "\n".join(f"    {name}: {value}" for name, value in facts.items())
