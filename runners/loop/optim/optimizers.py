"""What OPTIMIZERS holds: torch's optimizers, and those of other packages, which are imported at first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch.optim
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.loop.registry import OPTIMIZERS

_BITSANDBYTES = [
    *("Adagrad", "Adam", "AdamW", "AdEMAMix", "LAMB", "LARS", "Lion", "RMSprop", "SGD"),
    *("PagedAdam", "PagedAdamW", "PagedAdEMAMix", "PagedLion"),
]

OTHER_PACKAGES: dict[str, Sequence[str]] = {
    "dadaptation": ("DAdaptAdaGrad", "DAdaptAdam", "DAdaptSGD"),
    "lion_pytorch": ("Lion",),
    "Sophia": ("SophiaG",),
    "bitsandbytes.optim": [f"{name}{bits}" for name in _BITSANDBYTES for bits in ("", "8bit", "32bit")],
}
"""Names by the module they are in; of packages that are not installed, none is registered.

One of bitsandbytes that another optimizer has is registered with the prefix ``bnb_``. What is not named here can be
given with its module, ``type='bitsandbytes.optim.PytorchLARS'``.
"""


class MissingPackage(BridgeError, ImportError):
    """An optimizer is in a package that cannot be imported."""


def _later(module: str, name: str, hint: str = "") -> Callable[..., Any]:
    """A callable that makes a ``module.name``, and imports ``module`` only then."""

    def build(params: Any, **settings: Any) -> Any:
        try:
            kind = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            raise MissingPackage(
                f"optimizer {name!r} is {module}.{name}, which needs the package {error.name!r}: install it{hint}"
            ) from error
        return kind(params, **settings)

    return build


def _register() -> None:
    for name, value in vars(torch.optim).items():
        if isinstance(value, type) and issubclass(value, torch.optim.Optimizer):
            OPTIMIZERS.register_module("TorchAdafactor" if name == "Adafactor" else name, module=value)
    # MMEngine means transformers' by this name, and MMCV 1.x torch's: so the name must not fall through to the latter.
    hint = ", or name torch's own, which takes other arguments: 'TorchAdafactor'"
    OPTIMIZERS.register_module("Adafactor", module=_later("transformers", "Adafactor", hint))
    name = "ZeroRedundancyOptimizer"
    OPTIMIZERS.register_module(name, module=_later("mmbridge.runners.loop.optim.zero", name))
    for module, names in OTHER_PACKAGES.items():
        package = module.partition(".")[0]
        for name in names if find_spec(package) is not None else ():
            key = f"bnb_{name}" if package == "bitsandbytes" and name in OPTIMIZERS.module_dict else name
            OPTIMIZERS.register_module(key, module=_later(module, name))


_register()
