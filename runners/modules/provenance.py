"""Where the initial value of every parameter came from.

While a model is being initialised, each of its modules holds the same table as ``_params_init_info``:
parameter -> ``init_info`` (a sentence) and ``tmp_mean_value`` (to see whether it has changed). User-written
``init_weights`` rely on that name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from logging import FileHandler, Logger
from typing import Any

from torch import nn

ATTRIBUTE = "_params_init_info"


@contextmanager
def tracked(model: nn.Module) -> Iterator[bool]:
    """Within the block ``model``'s parameters are tracked; yields whether tracking began here."""
    if hasattr(model, ATTRIBUTE):
        yield False
        return
    table: dict[nn.Parameter, dict[str, Any]] = defaultdict(dict)
    for param in model.parameters():
        table[param]["init_info"] = f"unchanged by init_weights of {type(model).__name__}"
        table[param]["tmp_mean_value"] = param.detach().mean()
    for module in model.modules():
        setattr(module, ATTRIBUTE, table)
    try:
        yield True
    finally:
        for module in model.modules():
            vars(module).pop(ATTRIBUTE, None)


def update_init_info(module: nn.Module, init_info: str) -> None:
    """Note ``init_info`` for every parameter of ``module`` whose mean has changed since the last note.

    Raises ValueError outside the initialisation of a model, and for a parameter created during it.
    """
    if not hasattr(module, ATTRIBUTE):
        raise ValueError(f"{type(module).__name__} is not being initialised: it has no {ATTRIBUTE}")
    table = getattr(module, ATTRIBUTE)
    for name, param in module.named_parameters():
        if param not in table:
            raise ValueError(
                f"parameter {name!r} of {type(module).__name__} was added or replaced during init_weights; "
                "create all parameters in the constructor"
            )
        mean = param.detach().mean()
        if table[param]["tmp_mean_value"] != mean:
            table[param].update(init_info=init_info, tmp_mean_value=mean)


def dump_init_info(model: nn.Module, logger: Logger) -> None:
    """Write a note per parameter to the logger's files, or as log records where it has none."""
    table = getattr(model, ATTRIBUTE)
    notes = [f"\n{name} - {param.shape}: \n{table[param]['init_info']} \n" for name, param in model.named_parameters()]
    files = [handler.stream for handler in logger.handlers if isinstance(handler, FileHandler) and handler.stream]
    for file in files:
        file.write("Name of parameter - Initialization information\n" + "".join(notes))
        file.flush()
    if not files:
        for note in notes:
            logger.info(note)
