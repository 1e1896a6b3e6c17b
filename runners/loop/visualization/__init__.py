"""The visualizer of the loop runtime, and where it writes."""

from mmbridge.runners.loop.visualization.more_trackers import (
    AimVisBackend,
    ClearMLVisBackend,
    DVCLiveVisBackend,
    NeptuneVisBackend,
)
from mmbridge.runners.loop.visualization.trackers import MLflowVisBackend, TensorboardVisBackend, WandbVisBackend
from mmbridge.runners.loop.visualization.vis_backend import BaseVisBackend, LocalVisBackend
from mmbridge.runners.loop.visualization.visualizer import Visualizer

__all__ = [
    "AimVisBackend",
    "BaseVisBackend",
    "ClearMLVisBackend",
    "DVCLiveVisBackend",
    "LocalVisBackend",
    "MLflowVisBackend",
    "NeptuneVisBackend",
    "TensorboardVisBackend",
    "Visualizer",
    "WandbVisBackend",
]
