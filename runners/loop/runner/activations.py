"""Activation checkpointing: parts of a model computed twice, to need less memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from mmbridge.compat.errors import ConfigError
from mmbridge.compat.registry import nearest
from torch import nn
from torch.utils.checkpoint import checkpoint


def checkpoint_activations(model: nn.Module, modules: str | Sequence[str]) -> None:
    """Let the submodules called ``modules`` forget what they computed until the backward pass needs it.

    Raises ConfigError for a name that the model has no submodule of. MMEngine 0.10.7 leaves the kind of checkpointing
    to torch's old default, under which a part whose input needs no gradient gets none itself; here it gets them.
    """
    for name in [modules] if isinstance(modules, str) else modules:
        known = dict(model.named_modules())
        if name not in known:
            close = nearest(name, [each for each in known if each])
            hint = f"did you mean {close[0]!r}?" if close else "its parts are named by model.named_modules()"
            raise ConfigError(f"activation_checkpointing: the model has no part {name!r}; {hint}")
        part = known[name]
        part.forward = partial(checkpoint, part.forward, use_reentrant=False)
