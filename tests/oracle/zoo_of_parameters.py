"""A model that holds every kind of parameter that a rule of paramwise_cfg speaks about."""

from __future__ import annotations

import torch
from torch import nn


class DeformConv2d(nn.Module):
    """Shaped like mmcv.ops' class: holds the convolution of its offsets."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 2))
        self.bias = nn.Parameter(torch.ones(2))
        self.conv_offset = nn.Conv2d(2, 3, 1)
        self.other = nn.Linear(2, 2)


class ModulatedDeformConv2d(DeformConv2d):
    """The second name mmcv.ops has."""


class Model(nn.Module):
    """Every kind of parameter that a rule speaks about."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 4, 1),
            nn.BatchNorm2d(4),
            nn.Conv2d(4, 4, 3, groups=4),
            nn.InstanceNorm2d(4, affine=True),
        )
        self.gray = nn.Conv2d(1, 4, 1)
        self.neck = nn.ModuleDict({"gn": nn.GroupNorm(2, 4), "ln": nn.LayerNorm(4), "fc": nn.Linear(4, 4)})
        self.frozen = nn.Linear(2, 2)
        self.frozen.weight.requires_grad_(False)
        self.dcn = DeformConv2d()
        self.dcn2 = ModulatedDeformConv2d()
        self.bias = nn.Parameter(torch.zeros(2))
