"""MMEngine's default constructor: an optimizer whose groups follow ``paramwise_cfg``, in its wrapper."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from typing import Any

from mmbridge.compat.registry import MissingKey
from mmbridge.runners.loop.logging import print_log
from mmbridge.runners.loop.optim.wrapper import OptimWrapper
from mmbridge.runners.loop.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS, OPTIMIZERS
from mmbridge.runners.optim.param_options import check_options, warn_of_unknown
from mmbridge.runners.optim.param_rules import (
    LR_RULES,
    MMENGINE_DECAY_RULES,
    Member,
    custom_entry,
    is_deformable,
    option_for,
)
from torch import nn
from torch.optim import Optimizer


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class DefaultOptimWrapperConstructor:
    """Builds the wrapper that ``optim_wrapper_cfg`` describes, and the optimizer in it that its key ``optimizer`` does.

    Without ``paramwise_cfg``, all parameters are one group, frozen ones too. With it, every parameter that is not
    frozen is a group of its own, in module order, and multipliers (of the optimizer's ``lr`` and ``weight_decay``,
    absolute, per step) apply:

    * ``custom_keys``: ``{part of a parameter's name: dict(lr_mult=, decay_mult=, ...)}``; the longest part wins, no
      other option applies to that parameter, and all entries go into its group as they are (``momentum=0.5``);
    * ``bias_lr_mult``, ``dcn_offset_lr_mult``: see ``LR_RULES``;
    * ``norm_decay_mult``, ``bias_decay_mult``, ``dwconv_decay_mult``, ``flat_decay_mult``: see
      ``MMENGINE_DECAY_RULES``;
    * ``bypass_duplicate``: leave out a parameter that already has a group, with a warning.

    Raises TypeError for options of the wrong type, KeyError without ``optimizer``, ValueError for a multiplier of an
    ``lr`` or ``weight_decay`` that ``optimizer`` does not set.
    MMEngine 0.10.7, mmengine/optim/optimizer/default_constructor.py.
    """

    def __init__(self, optim_wrapper_cfg: dict[str, Any], paramwise_cfg: dict[str, Any] | None = None) -> None:
        if not isinstance(optim_wrapper_cfg, dict):
            raise TypeError(f"optim_wrapper must be a dict, found {type(optim_wrapper_cfg).__name__}")
        if "optimizer" not in optim_wrapper_cfg:
            raise MissingKey(
                "optim_wrapper has no key 'optimizer', such as dict(type='SGD', lr=0.01); "
                f"it has: {', '.join(map(str, optim_wrapper_cfg)) or 'nothing'}"
            )
        self.optim_wrapper_cfg = dict(optim_wrapper_cfg)
        self.optimizer_cfg = self.optim_wrapper_cfg.pop("optimizer")
        self.paramwise_cfg = {} if paramwise_cfg is None else paramwise_cfg
        self.base_lr = self.optimizer_cfg.get("lr")
        self.base_wd = self.optimizer_cfg.get("weight_decay")
        self._validate_cfg()
        if type(self) is DefaultOptimWrapperConstructor:  # a subclass may have options of its own
            warn_of_unknown(self.paramwise_cfg, LR_RULES, MMENGINE_DECAY_RULES)

    def _validate_cfg(self) -> None:
        check_options(self.paramwise_cfg, self.optimizer_cfg, LR_RULES, MMENGINE_DECAY_RULES)

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """The wrapper for ``model``, or for ``model.module`` where there is one."""
        model = getattr(model, "module", model)
        optimizer = self._optimizer(model)
        wrapper: OptimWrapper = OPTIM_WRAPPERS.build(
            {"type": "OptimWrapper", **self.optim_wrapper_cfg}, default_args={"optimizer": optimizer}
        )
        return wrapper

    def _optimizer(self, model: nn.Module) -> Optimizer:
        params: Any = model.parameters()
        if self.paramwise_cfg:
            params = []
            self.add_params(params, model)
            _warn_of_left_out(model, params)
        optimizer: Optimizer = OPTIMIZERS.build({**self.optimizer_cfg, self._name_of_params(): params})
        return optimizer

    def _name_of_params(self) -> str:
        """What the optimizer calls its first argument, which is mostly ``params``."""
        kind = self.optimizer_cfg.get("type")
        if isinstance(kind, str):
            with OPTIMIZERS.switch_scope_and_registry(self.optimizer_cfg.get("_scope_")) as registry:
                kind = registry.get(kind)
        return next(iter(inspect.signature(kind).parameters)) if callable(kind) else "params"

    def add_params(
        self,
        params: list[dict[str, Any]],
        module: nn.Module,
        prefix: str = "",
        is_dcn_module: bool | None = None,
    ) -> None:
        """Append a group to ``params`` for every parameter of ``module``, held by the model as ``prefix``.

        Calls itself for every child; ``is_dcn_module`` tells whether ``module``'s parent is a deformable convolution.
        """
        for member in self._new_members(params, module, prefix, bool(is_dcn_module)):
            settings = self._settings(member)
            params.append({"params": [member.param], **settings})
            if settings:
                shown = ", ".join(f"{key}={value}" for key, value in settings.items())
                name = member.full_name.removeprefix(".")
                print_log(f"paramwise_options -- {name}: {shown}", logger="current")
        for name, child in module.named_children():
            below = f"{prefix}.{name}" if prefix else name
            self.add_params(params, child, prefix=below, is_dcn_module=is_deformable(module))

    def _new_members(
        self, params: list[dict[str, Any]], module: nn.Module, prefix: str, in_deformable: bool
    ) -> Iterator[Member]:
        """The parameters that ``module`` holds itself, as far as they get a group."""
        bypass = self.paramwise_cfg.get("bypass_duplicate", False)
        for name, param in module.named_parameters(recurse=False):
            if bypass and self._is_in({"params": [param]}, params):
                _warn(
                    f"parameter {name!r} of {prefix!r} already has a group; "
                    "it is skipped because of bypass_duplicate=True"
                )
            elif param.requires_grad:
                yield Member(prefix, name, param, module, in_deformable)

    def _is_in(self, param_group: dict[str, Any], param_group_list: list[dict[str, Any]]) -> bool:
        """Whether a parameter of the group is in one of the list; constructors written for MMEngine ask this."""
        taken = {param for group in param_group_list for param in group["params"]}
        return not taken.isdisjoint(param_group["params"])

    def _settings(self, member: Member) -> dict[str, Any]:
        """What the group of one parameter does not leave to the optimizer."""
        base = {"lr": self.base_lr, "weight_decay": self.base_wd}
        entry = custom_entry(member, self.paramwise_cfg.get("custom_keys", {}))
        if entry is not None:
            multipliers = {"lr": entry.get("lr_mult", 1.0), "weight_decay": entry.get("decay_mult", 1.0)}
        else:
            options = {"lr": self._option_for(member, LR_RULES)}
            options["weight_decay"] = self._option_for(member, MMENGINE_DECAY_RULES)
            multipliers = {key: self.paramwise_cfg[option] for key, option in options.items() if option is not None}
        settings = {key: base[key] * mult for key, mult in multipliers.items() if base[key] is not None}
        return {**settings, **(entry or {})}

    def _option_for(self, member: Member, rules: Any) -> str | None:
        """The option that decides about ``member``, of those that are set."""
        return option_for(member, (rule for rule in rules if self.paramwise_cfg.get(rule[0]) is not None))


def _warn_of_left_out(model: nn.Module, groups: list[dict[str, Any]]) -> None:
    """Name the frozen parameters without a group in one warning: they could not be trained later, either."""
    taken = {id(param) for group in groups for param in group["params"]}
    frozen = [name for name, param in model.named_parameters() if not param.requires_grad and id(param) not in taken]
    if frozen:
        _warn(f"paramwise_cfg: {len(frozen)} frozen parameters are left out of the optimizer: {', '.join(frozen)}")


def _warn(sentence: str) -> None:
    print_log(sentence, logger="current", level=logging.WARNING)
