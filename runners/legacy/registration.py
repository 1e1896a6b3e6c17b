"""Which default hooks a run has, from which config key, at which priority."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from mmbridge.compat.chain import HookChain
from mmbridge.compat.hook import Hook, LegacyHook, Priority
from mmbridge.compat.registry import MissingKey, UnknownName, nearest
from mmbridge.runners.hooks.registry import HOOKS

HookConfig: TypeAlias = Mapping[str, Any] | Hook | None

PRIORITIES: Mapping[str, str] = {
    "lr_config": "VERY_HIGH",
    "momentum_config": "HIGH",
    "optimizer_config": "ABOVE_NORMAL",
    "checkpoint_config": "NORMAL",
    "profiler_config": "NORMAL",
    "timer_config": "LOW",
    "log_config": "VERY_LOW",
}
"""The priority of the hook that each config key makes; custom hooks state their own, NORMAL by default."""


class HookRegistration:
    """The part of a runner that takes hooks, one by one or from the keys of a config."""

    def __init__(self) -> None:
        self._chain = HookChain()

    @property
    def hooks(self) -> list[Any]:
        """The hooks in calling order; changing the list changes what is called."""
        return self._chain.hooks

    @property
    def _hooks(self) -> list[Any]:
        return self._chain.hooks

    def register_hook(self, hook: Hook, priority: int | str | Priority | None = None) -> None:
        """Add ``hook`` after all hooks whose priority is not lower; None means its own priority, else NORMAL.

        Raises TypeError for what is no hook, ValueError for one that is registered already.
        """
        if not isinstance(hook, Hook) and not any(hasattr(hook, stage) for stage in LegacyHook.stages):
            raise TypeError(f"a hook must be a Hook object, found {type(hook).__name__}: {hook!r}")
        self._chain.add(hook, priority)

    def register_hook_from_cfg(self, hook_cfg: Mapping[str, Any]) -> None:
        """Add the hook that ``hook_cfg`` describes; its key ``priority`` is not the hook's."""
        cfg = dict(hook_cfg)
        priority = cfg.pop("priority", None)
        self.register_hook(build_hook(cfg, "custom_hooks"), priority)

    def call_hook(self, fn_name: str, **facts: Any) -> None:
        """Call, in order, every hook that listens to the point ``fn_name``."""
        self._chain.fire_with(fn_name, self, facts)

    def get_hook_info(self) -> str:
        """The hooks of every point in calling order, with their priorities, for the log."""
        return self._chain.explain(LegacyHook.stages)

    def register_lr_hook(self, lr_config: HookConfig) -> None:
        """Add the learning rate hook that ``lr_config`` names under ``policy``."""
        self._register_policy(lr_config, "lr_config", "LrUpdaterHook")

    def register_momentum_hook(self, momentum_config: HookConfig) -> None:
        """Add the momentum hook that ``momentum_config`` names under ``policy``."""
        self._register_policy(momentum_config, "momentum_config", "MomentumUpdaterHook")

    def register_optimizer_hook(self, optimizer_config: HookConfig) -> None:
        """Add the hook that steps the optimizer: OptimizerHook unless the config has a ``type``."""
        self._register_typed(optimizer_config, "optimizer_config", "OptimizerHook")

    def register_checkpoint_hook(self, checkpoint_config: HookConfig) -> None:
        """Add the hook that saves checkpoints: CheckpointHook unless the config has a ``type``."""
        self._register_typed(checkpoint_config, "checkpoint_config", "CheckpointHook")

    def register_profiler_hook(self, profiler_config: HookConfig) -> None:
        """Add the profiler: ProfilerHook unless the config has a ``type``."""
        self._register_typed(profiler_config, "profiler_config", "ProfilerHook")

    def register_timer_hook(self, timer_config: HookConfig) -> None:
        """Add the hook that measures iterations; the config must have a ``type``."""
        self._register_typed(timer_config, "timer_config", None)

    def register_logger_hooks(self, log_config: Mapping[str, Any] | None) -> None:
        """Add each of ``log_config['hooks']``, with ``log_config['interval']`` as its default interval."""
        if log_config is None:
            return
        for key in ("interval", "hooks"):
            if key not in log_config:
                raise MissingKey(f"log_config has no key {key!r}; it needs 'interval' (iterations) and 'hooks'")
        for config in log_config["hooks"]:
            cfg = {"interval": log_config["interval"], **config} if isinstance(config, Mapping) else config
            self._register_typed(cfg, "log_config", None)

    def register_custom_hooks(self, custom_config: Any) -> None:
        """Add one hook or a list, objects or dicts, at the dict's ``priority``, its own, or NORMAL."""
        if custom_config is None:
            return
        for item in custom_config if isinstance(custom_config, (list, tuple)) else [custom_config]:
            if isinstance(item, Mapping):
                self.register_hook_from_cfg(item)
            else:
                self.register_hook(item)

    def register_training_hooks(
        self,
        lr_config: HookConfig,
        optimizer_config: HookConfig = None,
        checkpoint_config: HookConfig = None,
        log_config: Mapping[str, Any] | None = None,
        momentum_config: HookConfig = None,
        timer_config: HookConfig = {"type": "IterTimerHook"},  # noqa: B006 - read only
        custom_hooks_config: Any = None,
    ) -> None:
        """Add the hooks of a training run; the order among equal priorities is the order of MMCV."""
        self.register_lr_hook(lr_config)
        self.register_momentum_hook(momentum_config)
        self.register_optimizer_hook(optimizer_config)
        self.register_checkpoint_hook(checkpoint_config)
        self.register_timer_hook(timer_config)
        self.register_logger_hooks(log_config)
        self.register_custom_hooks(custom_hooks_config)

    def _register_policy(self, config: HookConfig, key: str, suffix: str) -> None:
        if not isinstance(config, Mapping):
            self._register_typed(config, key, None)
            return
        cfg = dict(config)
        if "type" not in cfg:
            if not isinstance(cfg.get("policy"), str):
                raise MissingKey(f"{key} has no key 'policy' naming how the value changes, such as policy='step'")
            policy = cfg.pop("policy")
            cfg["type"] = f"{policy.title() if policy == policy.lower() else policy}{suffix}"
            if HOOKS.get(cfg["type"]) is None:
                raise unknown_policy(key, policy, suffix)
        self._register_typed(cfg, key, None)

    def _register_typed(self, config: HookConfig, key: str, default: str | None) -> None:
        if config is None:
            return
        if isinstance(config, Mapping):
            hook = build_hook({"type": default, **config} if default else dict(config), key)
        else:
            hook = config
        self.register_hook(hook, PRIORITIES[key])


def build_hook(cfg: Mapping[str, Any], key: str) -> Any:
    """The hook that ``cfg`` describes; ``key`` of the config is named in errors."""
    if "type" not in cfg:
        raise MissingKey(f"{key}: a hook's dict must contain the key 'type', found the keys {sorted(cfg)}")
    try:
        return HOOKS.build(copy.copy(dict(cfg)))
    except UnknownName as error:
        raise UnknownName(f"{key}: {error}") from None


def unknown_policy(key: str, policy: str, suffix: str) -> UnknownName:
    """The error for a policy that no hook implements, with the nearest and all others."""
    policies = sorted(name.removesuffix(suffix) for name in HOOKS.module_dict if name.endswith(suffix))
    close: Sequence[str] = nearest(policy.replace("_", ""), policies)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"there are {', '.join(policies)}"
    return UnknownName(f"{key}.policy: no policy {policy!r}; {hint}")
