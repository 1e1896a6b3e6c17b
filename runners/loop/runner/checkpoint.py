"""Checkpoints by the names that MMEngine has for them; see :mod:`mmbridge.runners.checkpoint`."""

from mmbridge.runners.checkpoint import CheckpointLoader, load_checkpoint
from mmbridge.runners.checkpoint import load_into as _load_checkpoint_to_model
from mmbridge.runners.checkpoint import load_part as _load_checkpoint_with_prefix
from mmbridge.runners.checkpoint import write_file as save_checkpoint
from mmbridge.runners.loop.runner.checkpointing import find_latest_checkpoint
from mmbridge.runners.state_dict import get_state_dict, load_state_dict, weights_to_cpu

_load_checkpoint = CheckpointLoader.load_checkpoint

__all__ = [
    "CheckpointLoader",
    "_load_checkpoint",
    "_load_checkpoint_to_model",
    "_load_checkpoint_with_prefix",
    "find_latest_checkpoint",
    "get_state_dict",
    "load_checkpoint",
    "load_state_dict",
    "save_checkpoint",
    "weights_to_cpu",
]
