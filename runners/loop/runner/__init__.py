"""The runner, its loops, and what they need to build and resume."""

import mmbridge.runners.torch_import  # noqa: F401 - before all that imports torch
from mmbridge.compat.hook import Priority, get_priority
from mmbridge.runners.checkpoint import CheckpointLoader, load_checkpoint
from mmbridge.runners.checkpoint import write_file as save_checkpoint
from mmbridge.runners.loop.runner.activations import checkpoint_activations as turn_on_activation_checkpointing
from mmbridge.runners.loop.runner.amp import autocast
from mmbridge.runners.loop.runner.base_loop import BaseLoop
from mmbridge.runners.loop.runner.checkpointing import find_latest_checkpoint
from mmbridge.runners.loop.runner.evaluation_loops import EvaluationLoop, TestLoop, ValLoop
from mmbridge.runners.loop.runner.log_processor import LogProcessor
from mmbridge.runners.loop.runner.randomness import set_random_seed
from mmbridge.runners.loop.runner.runner import Runner
from mmbridge.runners.loop.runner.train_loops import EpochBasedTrainLoop, IterBasedTrainLoop, TrainLoop
from mmbridge.runners.loop.runner.workflow_loop import ValLossLoop, WorkflowTrainLoop
from mmbridge.runners.state_dict import get_state_dict, load_state_dict, weights_to_cpu

__all__ = [
    "BaseLoop",
    "CheckpointLoader",
    "EpochBasedTrainLoop",
    "EvaluationLoop",
    "IterBasedTrainLoop",
    "LogProcessor",
    "Priority",
    "Runner",
    "TestLoop",
    "TrainLoop",
    "ValLoop",
    "ValLossLoop",
    "WorkflowTrainLoop",
    "autocast",
    "find_latest_checkpoint",
    "get_priority",
    "get_state_dict",
    "load_checkpoint",
    "load_state_dict",
    "save_checkpoint",
    "set_random_seed",
    "turn_on_activation_checkpointing",
    "weights_to_cpu",
]
