"""What must hold between the arguments of a Runner before anything is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmbridge.compat.errors import ConfigError

TRIPLES: Mapping[str, tuple[str, str, str]] = {
    "train": ("train_dataloader", "train_cfg", "optim_wrapper"),
    "val": ("val_dataloader", "val_cfg", "val_evaluator"),
    "test": ("test_dataloader", "test_cfg", "test_evaluator"),
}
"""Which three arguments each mode needs: all of them, or none."""


def is_scheduler(value: object) -> bool:
    """Whether ``value`` is a scheduler already built, of whatever class."""
    return callable(getattr(value, "step", None)) and callable(getattr(value, "state_dict", None))


def check_triples(given: Mapping[str, Any]) -> None:
    """Raise ConfigError where only some of a mode's three arguments are given; an empty dict counts as given."""
    for mode, names in TRIPLES.items():
        missing = [name for name in names if given[name] is None]
        if len(missing) in (0, len(names)):
            continue
        present = [name for name in names if given[name] is not None]
        raise ConfigError(
            f"{' and '.join(missing)}: not set, while {' and '.join(present)} {'is' if len(present) == 1 else 'are'}; "
            f"to {_VERBS[mode]}, give all three ({', '.join(names)}); not to, set all three to None or leave them out"
        )


def check_loading(load_from: Any, resume: Any) -> None:
    """Raise ConfigError where ``load_from`` is no path, or where ``resume`` is one."""
    if not isinstance(load_from, (str, type(None))):
        raise ConfigError(f"load_from: must be the path of a checkpoint or None, found {load_from!r}")
    if not isinstance(resume, bool):
        raise ConfigError(
            f"resume: must be True or False, found {resume!r}; to go on from a file, set load_from to it, and "
            "resume=True"
        )


_VERBS = {"train": "train", "val": "validate", "test": "test"}


def check_schedulers(param_scheduler: Any, optim_wrapper: Any) -> None:
    """Raise ConfigError for a ``param_scheduler`` of another shape than a dict, a list of them, or a dict by name."""
    if param_scheduler is None:
        return
    if optim_wrapper is None:
        raise ConfigError("param_scheduler: is given without optim_wrapper, whose learning rate it would change")
    by_name = isinstance(param_scheduler, Mapping) and "type" not in param_scheduler
    for name, each in param_scheduler.items() if by_name else [(None, param_scheduler)]:
        for scheduler in each if isinstance(each, Sequence) and not isinstance(each, str) else [each]:
            if not is_scheduler(scheduler) and not (isinstance(scheduler, Mapping) and "type" in scheduler):
                where = "param_scheduler" if name is None else f"param_scheduler[{name!r}]"
                raise ConfigError(
                    f"{where}: must be a scheduler, a dict with 'type', or a list of them, found {scheduler!r}"
                )
