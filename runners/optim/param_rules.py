"""Which multiplier applies to which parameter: the rules behind ``paramwise_cfg``.

Every rule is a pair of an option's name and a predicate over a :class:`Member`; a dialect of
``paramwise_cfg`` is an order of rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mmbridge.runners.norms import NORMS
from torch import nn

DEFORMABLE = {"DeformConv2d", "ModulatedDeformConv2d"}
"""The deformable convolutions of mmcv.ops, known by name because that package is not needed here."""


@dataclass(frozen=True)
class Member:
    """A parameter in its place: its own ``name`` in ``module``, which the model holds as ``prefix``."""

    prefix: str
    name: str
    param: nn.Parameter
    module: nn.Module
    in_deformable: bool
    """Whether the module that holds ``module`` is a deformable convolution."""

    @property
    def full_name(self) -> str:
        """``prefix.name``; a parameter of the model itself is ``.name``, which custom keys may rely on."""
        return f"{self.prefix}.{self.name}"

    @property
    def is_bias(self) -> bool:
        """Whether the parameter is called ``bias``."""
        return self.name == "bias"

    @property
    def is_norm(self) -> bool:
        """Whether it belongs to a batch, instance, group or layer normalisation."""
        return isinstance(self.module, NORMS)

    @property
    def is_depthwise(self) -> bool:
        """Whether it belongs to a Conv2d with one group per input channel, so to any with one channel."""
        return isinstance(self.module, nn.Conv2d) and self.module.in_channels == self.module.groups

    @property
    def is_offset(self) -> bool:
        """Whether it belongs to the convolution that computes a deformable convolution's offsets."""
        return self.in_deformable and "conv_offset" in self.prefix and isinstance(self.module, nn.Conv2d)


Rule = tuple[str, Callable[[Member], bool]]

LR_RULES: tuple[Rule, ...] = (
    ("dcn_offset_lr_mult", lambda member: member.is_offset),
    ("bias_lr_mult", lambda member: member.is_bias and not member.is_norm and not member.in_deformable),
)
"""Learning rate options of both generations; at most one rule holds for a parameter."""

NORM_DECAY: Rule = ("norm_decay_mult", lambda member: member.is_norm)
BIAS_DECAY: Rule = ("bias_decay_mult", lambda member: member.is_bias and not member.in_deformable)
DEPTHWISE_DECAY: Rule = ("dwconv_decay_mult", lambda member: member.is_depthwise)
FLAT_DECAY: Rule = ("flat_decay_mult", lambda member: member.param.ndim == 1 and not member.in_deformable)

DECAY_RULES: tuple[Rule, ...] = (NORM_DECAY, DEPTHWISE_DECAY, BIAS_DECAY)
"""Weight decay options of MMCV 1.x; the first rule that holds decides, and its option is 1 where it is not set.

MMCV 1.7.2, mmcv/runner/optimizer/default_constructor.py.
"""

MMENGINE_DECAY_RULES: tuple[Rule, ...] = (NORM_DECAY, BIAS_DECAY, DEPTHWISE_DECAY, FLAT_DECAY)
"""Weight decay options of MMEngine; the first rule that holds and whose option is set decides.

This is what MMEngine 0.10.7 (mmengine/optim/optimizer/default_constructor.py) does differently: a rule whose option is
not set leaves the parameter to the rules behind it (a bias of a normalisation to ``bias_decay_mult``) and, if none is
left, to the optimizer; biases come before depthwise convolutions; there is ``flat_decay_mult``, for parameters of one
dimension; a custom key's further entries go into the group; a frozen parameter gets no group.
"""


def walk_parameters(module: nn.Module, prefix: str = "", in_deformable: bool = False) -> Iterator[Member]:
    """Every parameter below ``module``: a module's own first, then those of its children, in order.

    A parameter or module that two parents share comes once for each.
    """
    for name, param in module.named_parameters(recurse=False):
        yield Member(prefix, name, param, module, in_deformable)
    deformable = is_deformable(module)
    for name, child in module.named_children():
        yield from walk_parameters(child, f"{prefix}.{name}" if prefix else name, deformable)


def is_deformable(module: nn.Module) -> bool:
    """Whether ``module`` is one of mmcv.ops' deformable convolutions, or a stand-in of that name."""
    return any(
        kind.__name__ in DEFORMABLE and not kind.__module__.startswith("torchvision.") for kind in type(module).__mro__
    )


def option_for(member: Member, rules: Iterable[Rule]) -> str | None:
    """The name of the option that decides about ``member``, or None."""
    return next((option for option, holds in rules if holds(member)), None)


def custom_entry(member: Member, custom_keys: Mapping[str, Any]) -> Any:
    """The entry of ``custom_keys`` whose key is part of the member's full name, or None.

    Among several, the longest key, then the first in the alphabet.
    """
    keys = sorted(sorted(custom_keys), key=len, reverse=True)
    return next((custom_keys[key] for key in keys if key in member.full_name), None)
