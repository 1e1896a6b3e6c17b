"""OptimWrapperDict: several optimizers, each with a name."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any, NoReturn

from mmbridge.compat.registry import MissingKey, nearest
from mmbridge.runners.loop.logging import MessageHub
from mmbridge.runners.loop.optim.wrapper import OptimWrapper
from torch import nn


class OptimWrapperDict(OptimWrapper):
    """Wrappers by name, read like a dict; the model's own ``train_step`` says which of them steps on which loss.

    So whatever needs to know that raises NotImplementedError here. Raises TypeError for a value of another kind.
    MMEngine 0.10.7, mmengine/optim/optimizer/optimizer_wrapper_dict.py.
    """

    def __init__(self, **optim_wrapper_dict: OptimWrapper) -> None:
        for name, wrapper in optim_wrapper_dict.items():
            if not isinstance(wrapper, OptimWrapper):
                raise TypeError(f"OptimWrapperDict: {name!r} must be an OptimWrapper, found {type(wrapper).__name__}")
        self.optim_wrappers = optim_wrapper_dict

    @property
    def message_hub(self) -> MessageHub | None:
        """Where norms are logged: setting it sets that of every wrapper."""
        return next((wrapper.message_hub for wrapper in self.values()), None)

    @message_hub.setter
    def message_hub(self, message_hub: MessageHub | None) -> None:
        for wrapper in self.values():
            wrapper.message_hub = message_hub

    def update_params(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises NotImplementedError."""
        self._of_one("update_params")

    def backward(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises NotImplementedError."""
        self._of_one("backward")

    def step(self, **kwargs: Any) -> NoReturn:
        """Raises NotImplementedError."""
        self._of_one("step")

    def optim_context(self, model: Any) -> NoReturn:
        """Raises NotImplementedError."""
        self._of_one("optim_context")

    def _of_one(self, method: str) -> NoReturn:
        raise NotImplementedError(
            f"there are several optimizers ({', '.join(self.keys())}): the model's train_step must call {method} "
            "of one, as optim_wrapper['name']." + method
        )

    def zero_grad(self, **kwargs: Any) -> None:
        """Clear the gradients of all optimizers."""
        for wrapper in self.values():
            wrapper.zero_grad(**kwargs)

    def initialize_count_status(self, model: nn.Module, init_counts: int, max_counts: int) -> None:
        """Nothing: how many losses each wrapper will see, only the model knows, and may tell it."""

    @property
    def param_groups(self) -> dict[str, list[dict[str, Any]]]:  # type: ignore[override]
        """Each wrapper's groups, by name."""
        return {name: wrapper.param_groups for name, wrapper in self.items()}

    def get_lr(self) -> dict[str, list[float]]:
        """``name.base_lr``, where there is one, and ``name.lr`` of each wrapper."""
        return {f"{name}.{key}": rates for name, wrapper in self.items() for key, rates in wrapper.get_lr().items()}

    def get_momentum(self) -> dict[str, list[float]]:
        """``name.momentum`` of each wrapper."""
        return {f"{name}.{key}": each for name, wrapper in self.items() for key, each in wrapper.get_momentum().items()}

    def state_dict(self) -> dict[str, Any]:
        """Each wrapper's state, by name."""
        return {name: wrapper.state_dict() for name, wrapper in self.items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from saved states. Raises KeyError for the state of a name that is not here."""
        for name, state in state_dict.items():
            self[name].load_state_dict(state)

    def items(self) -> ItemsView[str, OptimWrapper]:
        """Names and wrappers."""
        return self.optim_wrappers.items()

    def values(self) -> ValuesView[OptimWrapper]:
        """Wrappers."""
        return self.optim_wrappers.values()

    def keys(self) -> KeysView[str]:
        """Names."""
        return self.optim_wrappers.keys()

    def __getitem__(self, name: str) -> OptimWrapper:
        if name not in self.optim_wrappers:
            close = nearest(name, list(self.optim_wrappers))
            hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(self.optim_wrappers) or 'none'}"
            raise MissingKey(f"there is no optimizer {name!r}; {hint}")
        return self.optim_wrappers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.optim_wrappers)

    def __contains__(self, name: object) -> bool:
        return name in self.optim_wrappers

    def __len__(self) -> int:
        return len(self.optim_wrappers)

    def __repr__(self) -> str:
        return "".join(f"name: {name}\n{wrapper!r}" for name, wrapper in self.items())
