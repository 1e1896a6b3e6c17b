"""What MMEngine has under this name; each is also in :mod:`mmbridge.runners.loop.model`."""

from mmbridge.runners.loop.model.batch import stack_batch
from mmbridge.runners.loop.model.losses import detect_anomalous_params, merge_dict
from mmbridge.runners.norms import convert_sync_batchnorm, revert_sync_batchnorm

__all__ = ["convert_sync_batchnorm", "detect_anomalous_params", "merge_dict", "revert_sync_batchnorm", "stack_batch"]
