"""The hooks of a run: the default ones by name, then the custom ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmbridge.compat.chain import HookChain
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.hook import Hook, Priority
from mmbridge.compat.registry import nearest
from mmbridge.runners.blame import blaming
from mmbridge.runners.loop.registry import HOOKS

DEFAULT_HOOKS: Mapping[str, Mapping[str, Any]] = {
    "runtime_info": {"type": "RuntimeInfoHook"},
    "timer": {"type": "IterTimerHook"},
    "sampler_seed": {"type": "DistSamplerSeedHook"},
    "logger": {"type": "LoggerHook"},
    "param_scheduler": {"type": "ParamSchedulerHook"},
    "checkpoint": {"type": "CheckpointHook", "interval": 1},
}
"""What a run has unless ``default_hooks`` says otherwise, registered in this order."""


class HookRegistration:
    """The part of a Runner that takes hooks and calls them."""

    _chain: HookChain

    @property
    def hooks(self) -> list[Any]:
        """The hooks in calling order; changing the list changes what is called."""
        return self._chain.hooks

    def call_hook(self, fn_name: str, **kwargs: Any) -> None:
        """Call every hook that listens to the point ``fn_name``, in order; the name may be a loop's own.

        Raises UnknownPoint for a name that nobody listens to and that is almost a known one.
        """
        self._chain.fire_with(fn_name, self, kwargs)

    def register_hook(self, hook: Hook | Mapping[str, Any], priority: int | str | Priority | None = None) -> None:
        """Add ``hook``, an object or a dict, after all hooks whose priority is not lower.

        ``priority`` comes before the dict's, and that before the hook's own. Raises TypeError for what is no hook.
        """
        if isinstance(hook, Mapping):
            settings = dict(hook)
            own = settings.pop("priority", None)
            priority = own if priority is None else priority
            hook = HOOKS.build(settings)
        if not isinstance(hook, Hook) and not any(hasattr(hook, stage) for stage in Hook.stages):
            raise TypeError(f"a hook must be a Hook object or a dict, found {type(hook).__name__}: {hook!r}")
        self._chain.add(hook, priority)

    def register_default_hooks(self, hooks: Mapping[str, Any] | None = None) -> None:
        """Add :data:`DEFAULT_HOOKS`; in ``hooks`` a name replaces one, None removes it, a new name adds one.

        Raises ConfigError where None stands under a name that is none of theirs.
        """
        if not isinstance(hooks, (Mapping, type(None))):
            raise ConfigError(f"default_hooks: must be a dict of names and hooks, found {type(hooks).__name__}")
        chosen: dict[str, Any] = dict(DEFAULT_HOOKS)
        for name, hook in (hooks or {}).items():
            if hook is None:
                if name not in DEFAULT_HOOKS:
                    raise ConfigError(f"default_hooks.{name}: {_unknown(name)}, so None cannot remove it")
                chosen.pop(name)
            else:
                chosen[name] = hook
        for name, hook in chosen.items():
            if isinstance(hook, Mapping) and "type" not in hook:
                default = DEFAULT_HOOKS.get(name)
                hint = f"add type={default['type']!r}" if default else _unknown(name)
                raise ConfigError(f"default_hooks.{name}: has no key 'type'; {hint}")
            self._register(f"default_hooks.{name}", hook)

    def register_custom_hooks(self, hooks: Sequence[Any]) -> None:
        """Add ``hooks``, objects or dicts, in their order."""
        if not isinstance(hooks, Sequence) or isinstance(hooks, str):
            raise ConfigError(f"custom_hooks: must be a list of hooks, found {type(hooks).__name__}")
        for place, hook in enumerate(hooks):
            self._register(f"custom_hooks[{place}]", hook)

    def register_hooks(
        self, default_hooks: Mapping[str, Any] | None = None, custom_hooks: Sequence[Any] | None = None
    ) -> None:
        """Add the default hooks, then the custom ones."""
        self.register_default_hooks(default_hooks)
        if custom_hooks is not None:
            self.register_custom_hooks(custom_hooks)

    def get_hooks_info(self) -> str:
        """The hooks of every point in calling order, with their priorities, for the log."""
        return self._chain.explain(Hook.stages)

    def _register(self, where: str, hook: Any) -> None:
        with blaming(where):
            self.register_hook(hook)


def _unknown(name: str) -> str:
    close = nearest(name, list(DEFAULT_HOOKS))
    hint = f"did you mean {close[0]!r}?" if close else f"they are {', '.join(DEFAULT_HOOKS)}"
    return f"{name!r} is no default hook ({hint})"
