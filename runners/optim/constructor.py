"""MMCV 1.x's optimizer constructor."""

from __future__ import annotations

import warnings
from typing import Any

from mmbridge.compat.registry import build_from_cfg
from mmbridge.runners.optim.build import OPTIMIZER_BUILDERS, OPTIMIZERS
from mmbridge.runners.optim.param_options import check_options, warn_of_unknown
from mmbridge.runners.optim.param_rules import (
    DECAY_RULES,
    LR_RULES,
    Member,
    custom_entry,
    option_for,
    walk_parameters,
)
from torch import nn
from torch.optim import Optimizer


@OPTIMIZER_BUILDERS.register_module()
class DefaultOptimizerConstructor:
    """Builds an optimizer whose parameter groups follow ``paramwise_cfg``.

    Without ``paramwise_cfg``, all parameters are one group. With it, every parameter is a group of its own,
    in module order, and multipliers (of the optimizer's ``lr`` and ``weight_decay``, absolute, per step)
    apply:

    * ``custom_keys``: ``{part of a parameter's name: dict(lr_mult=, decay_mult=)}``; the longest part
      wins, and no other option applies to that parameter;
    * ``bias_lr_mult``, ``dcn_offset_lr_mult``: see ``LR_RULES``;
    * ``norm_decay_mult``, ``dwconv_decay_mult``, ``bias_decay_mult``: see ``DECAY_RULES``;
    * ``bypass_duplicate``: leave out a parameter that already has a group, with a warning.

    A frozen parameter gets a group without multipliers. Raises TypeError for options of the wrong type,
    ValueError for a multiplier of an ``lr`` or ``weight_decay`` that ``optimizer_cfg`` does not set.
    MMCV 1.7.2, mmcv/runner/optimizer/default_constructor.py.
    """

    def __init__(self, optimizer_cfg: dict[str, Any], paramwise_cfg: dict[str, Any] | None = None) -> None:
        if not isinstance(optimizer_cfg, dict):
            raise TypeError(f"optimizer must be a dict, found {type(optimizer_cfg).__name__}")
        self.optimizer_cfg = optimizer_cfg
        self.paramwise_cfg = {} if paramwise_cfg is None else paramwise_cfg
        self.base_lr = optimizer_cfg.get("lr")
        self.base_wd = optimizer_cfg.get("weight_decay")
        self._validate_cfg()
        if type(self) is DefaultOptimizerConstructor:  # a subclass may have options of its own
            warn_of_unknown(self.paramwise_cfg, LR_RULES, DECAY_RULES)

    def __call__(self, model: nn.Module) -> Optimizer:
        """The optimizer of ``model``, or of ``model.module`` where there is one."""
        model = getattr(model, "module", model)
        optimizer_cfg = dict(self.optimizer_cfg)
        if self.paramwise_cfg:
            groups: list[dict[str, Any]] = []
            self.add_params(groups, model)
            optimizer_cfg["params"] = groups
        else:
            optimizer_cfg["params"] = model.parameters()
        optimizer: Optimizer = build_from_cfg(optimizer_cfg, OPTIMIZERS)
        return optimizer

    def add_params(
        self,
        params: list[dict[str, Any]],
        module: nn.Module,
        prefix: str = "",
        is_dcn_module: bool | None = None,
    ) -> None:
        """Append a group to ``params`` for every parameter of ``module``, held by the model as ``prefix``."""
        bypass = self.paramwise_cfg.get("bypass_duplicate", False)
        taken = {param for group in params for param in group["params"]}
        for member in walk_parameters(module, prefix, bool(is_dcn_module)):
            if bypass and member.param in taken:
                warnings.warn(
                    f"parameter {member.name!r} of {member.prefix!r} already has a group; "
                    "it is skipped because of bypass_duplicate=True",
                    stacklevel=2,
                )
                continue
            taken.add(member.param)
            params.append({"params": [member.param], **self._settings(member)})

    def _settings(self, member: Member) -> dict[str, float]:
        """The learning rate and weight decay of one parameter, where they are not left to the optimizer."""
        if not member.param.requires_grad:
            return {}
        entry = custom_entry(member, self.paramwise_cfg.get("custom_keys", {}))
        if entry is not None:
            multipliers = {"lr": entry.get("lr_mult", 1.0), "weight_decay": entry.get("decay_mult", 1.0)}
        else:
            options = {"lr": option_for(member, LR_RULES), "weight_decay": option_for(member, DECAY_RULES)}
            multipliers = {
                key: self.paramwise_cfg.get(option, 1.0) for key, option in options.items() if option is not None
            }
        base = {"lr": self.base_lr, "weight_decay": self.base_wd}
        return {key: base[key] * mult for key, mult in multipliers.items() if base[key] is not None}

    def _validate_cfg(self) -> None:
        check_options(self.paramwise_cfg, self.optimizer_cfg, LR_RULES, DECAY_RULES)
