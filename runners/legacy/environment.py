"""What a run sets up in its process, and what its log says about the machine."""

from __future__ import annotations

import os
import platform
import sys
import warnings
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import torch

_PACKAGES = {"TorchVision": "torchvision", "OpenCV": "opencv-python", "NumPy": "numpy", "mmbridge": "mmbridge"}


def setup_multi_processes(config: Any) -> None:
    """Set up processes and their threads, as MMDetection 2.28.2, mmdet/utils/setup_env.py.

    ``mp_start_method`` (fork, spawn, forkserver; on Linux fork unless given) is how data workers start.
    ``opencv_num_threads`` (0: none besides the caller's) is set where OpenCV is installed. With several data workers
    OpenMP and MKL get one thread each, unless the environment says otherwise: each worker would start as many as there
    are cores. ``cudnn_benchmark`` lets cuDNN look for the fastest algorithms.
    """
    method = config.get("mp_start_method", "fork" if sys.platform == "linux" else None)
    if method is not None and os.name != "nt":
        before = torch.multiprocessing.get_start_method(allow_none=True)
        if before not in (None, method):
            warnings.warn(f"mp_start_method: processes started by {before!r}, from now on by {method!r}", stacklevel=2)
        torch.multiprocessing.set_start_method(method, force=True)
    if find_spec("cv2"):
        import_module("cv2").setNumThreads(config.get("opencv_num_threads", 0))
    limit_threads(config.get("data", {}))
    if config.get("cudnn_benchmark"):
        torch.backends.cudnn.benchmark = True


def limit_threads(data: Mapping[str, Any]) -> None:
    """With several data workers, one thread for OpenMP and MKL, unless the environment says otherwise."""
    inner = (data.get("train_dataloader") or {}).get("workers_per_gpu", 1)
    if max(data.get("workers_per_gpu", 1), inner) > 1:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, "1")


def environment_info() -> str:
    """A line per fact about this machine and what is installed on it: ``meta['env_info']`` of MMCV 1.x."""
    facts: dict[str, Any] = {
        "sys.platform": sys.platform,
        "Python": platform.python_version(),
        "CUDA available": torch.cuda.is_available(),
    }
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            facts[f"GPU {index}"] = torch.cuda.get_device_name(index)
        facts["CUDA"] = torch.version.cuda
    facts["PyTorch"] = torch.__version__
    facts["PyTorch compiling details"] = torch.__config__.show()
    for name, package in _PACKAGES.items():
        try:
            facts[name] = version(package)
        except PackageNotFoundError:
            continue
    return "\n".join(f"{name}: {value}" for name, value in facts.items())
