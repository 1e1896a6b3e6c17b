"""Data of unequal shapes, and model wrappers that know it, as in MMCV 1.x's ``mmcv.parallel``."""

from mmbridge.runners.parallel.collate import collate
from mmbridge.runners.parallel.data_container import DataContainer
from mmbridge.runners.parallel.data_parallel import MMDataParallel
from mmbridge.runners.parallel.distributed import MMDistributedDataParallel
from mmbridge.runners.parallel.scatter import scatter, scatter_kwargs
from mmbridge.runners.parallel.wrappers import MODULE_WRAPPERS, is_module_wrapper

__all__ = [
    "MODULE_WRAPPERS",
    "DataContainer",
    "MMDataParallel",
    "MMDistributedDataParallel",
    "collate",
    "is_module_wrapper",
    "scatter",
    "scatter_kwargs",
]
