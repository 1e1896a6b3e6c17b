"""The loops by the module that MMEngine has for them."""

from mmbridge.runners.loop.runner.base_loop import BaseLoop
from mmbridge.runners.loop.runner.evaluation_loops import TestLoop, ValLoop
from mmbridge.runners.loop.runner.train_loops import EndlessIterator as _InfiniteDataloaderIterator
from mmbridge.runners.loop.runner.train_loops import EpochBasedTrainLoop, IterBasedTrainLoop

__all__ = [
    "BaseLoop",
    "EpochBasedTrainLoop",
    "IterBasedTrainLoop",
    "TestLoop",
    "ValLoop",
    "_InfiniteDataloaderIterator",
]
