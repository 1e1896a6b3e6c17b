"""What MMEngine has under this name: the parts of :mod:`mmbridge.runners.loop.dist` that send nothing."""

from mmbridge.runners.dist import get_dist_info, is_distributed, master_only
from mmbridge.runners.loop.dist.devices import cast_data_device, get_comm_device, get_data_device
from mmbridge.runners.loop.dist.groups import (
    barrier,
    get_backend,
    get_default_group,
    get_local_group,
    get_local_rank,
    get_local_size,
    get_rank,
    get_world_size,
    infer_launcher,
    init_dist,
    init_local_group,
    is_main_process,
)

__all__ = [
    "barrier",
    "cast_data_device",
    "get_backend",
    "get_comm_device",
    "get_data_device",
    "get_default_group",
    "get_dist_info",
    "get_local_group",
    "get_local_rank",
    "get_local_size",
    "get_rank",
    "get_world_size",
    "infer_launcher",
    "init_dist",
    "init_local_group",
    "is_distributed",
    "is_main_process",
    "master_only",
]
