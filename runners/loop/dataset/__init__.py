"""Datasets, samplers and collate functions: what ``mmengine.dataset`` holds."""

from mmbridge.runners.loop.dataset.collate import (
    COLLATE_FUNCTIONS,
    default_collate,
    default_collate_for,
    legacy_collate,
    pseudo_collate,
    worker_init_fn,
)
from mmbridge.runners.loop.dataset.compose import Compose
from mmbridge.runners.loop.dataset.dataset import BaseDataset, force_full_init
from mmbridge.runners.loop.dataset.samplers import DefaultSampler, InfiniteSampler
from mmbridge.runners.loop.dataset.wrappers import ClassBalancedDataset, ConcatDataset, RepeatDataset

__all__ = [
    "COLLATE_FUNCTIONS",
    "BaseDataset",
    "ClassBalancedDataset",
    "Compose",
    "ConcatDataset",
    "DefaultSampler",
    "InfiniteSampler",
    "RepeatDataset",
    "default_collate",
    "default_collate_for",
    "force_full_init",
    "legacy_collate",
    "pseudo_collate",
    "worker_init_fn",
]
