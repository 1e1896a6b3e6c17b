"""Hooks that nothing says the type of."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.check.rule import Finding, Scope, check, one_file, with_base
from mmbridge.migrate.check.subject import Subject


@check(
    Scope.RUN,
    examples=[
        one_file(
            "default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=3))\n",
            "default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=3))\n",
        ),
        with_base(
            "default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=1))\n",
            bad="default_hooks = dict(_delete_=True, checkpoint=dict(max_keep_ckpts=3))\n",
            good="default_hooks = dict(checkpoint=dict(max_keep_ckpts=3))\n",
        ),
    ],
)
def hook_without_type(subject: Subject) -> Iterator[Finding]:
    """A hook needs a ``type``. A child may leave it out only where its base has an entry of the same name."""
    for top in ("default_hooks", "custom_hooks"):
        hooks = subject.get(top)
        items = hooks.items() if isinstance(hooks, dict) else enumerate(hooks) if isinstance(hooks, list) else ()
        for key, hook in items:
            if isinstance(hook, dict) and "type" not in hook:
                name = f"{top}[{key}]" if isinstance(key, int) else f"{top}.{key}"
                sentence = f"{name} has no type, and no base gives it one: the hook cannot be built"
                yield Finding(subject.origin(top, key), sentence, "add type")
