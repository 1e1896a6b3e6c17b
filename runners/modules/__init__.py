"""Modules that carry the description of their own initial values, as in MMCV 1.x."""

from mmbridge.runners.modules.containers import ModuleDict, ModuleList, Sequential
from mmbridge.runners.modules.functions import (
    bias_init_with_prob,
    caffe2_xavier_init,
    constant_init,
    kaiming_init,
    normal_init,
    trunc_normal_,
    trunc_normal_init,
    uniform_init,
    xavier_init,
)
from mmbridge.runners.modules.initialize import initialize
from mmbridge.runners.modules.initializers import (
    INITIALIZERS,
    BaseInit,
    Caffe2XavierInit,
    ConstantInit,
    KaimingInit,
    NormalInit,
    TruncNormalInit,
    UniformInit,
    XavierInit,
)
from mmbridge.runners.modules.module import BaseModule
from mmbridge.runners.modules.pretrained import PretrainedInit
from mmbridge.runners.modules.provenance import update_init_info

__all__ = [
    "INITIALIZERS",
    "BaseInit",
    "BaseModule",
    "Caffe2XavierInit",
    "ConstantInit",
    "KaimingInit",
    "ModuleDict",
    "ModuleList",
    "NormalInit",
    "PretrainedInit",
    "Sequential",
    "TruncNormalInit",
    "UniformInit",
    "XavierInit",
    "bias_init_with_prob",
    "caffe2_xavier_init",
    "constant_init",
    "initialize",
    "kaiming_init",
    "normal_init",
    "trunc_normal_",
    "trunc_normal_init",
    "uniform_init",
    "update_init_info",
    "xavier_init",
]
