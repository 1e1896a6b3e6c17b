"""Whether a ``paramwise_cfg`` can be meant: types, names, and multipliers of what is not there."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from mmbridge.compat.registry import nearest
from mmbridge.runners.optim.param_rules import Rule


def check_options(
    paramwise_cfg: Any, optimizer_cfg: Mapping[str, Any], lr_rules: Iterable[Rule], decay_rules: Iterable[Rule]
) -> None:
    """Refuse options of the wrong type, and multipliers of what the optimizer's config does not set.

    Raises TypeError for the former, ValueError for the latter. An option that is None counts as left out.
    """
    if not isinstance(paramwise_cfg, dict):
        raise TypeError(f"paramwise_cfg must be None or a dict, found {type(paramwise_cfg).__name__}")
    custom_keys = paramwise_cfg.get("custom_keys", {})
    entries = [custom_keys, *custom_keys.values()] if isinstance(custom_keys, dict) else [custom_keys]
    for entry in entries:
        if not isinstance(entry, dict):
            raise TypeError(
                "paramwise_cfg.custom_keys must be a dict like {'backbone': {'lr_mult': 0.1}}, "
                f"found {type(entry).__name__}: {entry!r}"
            )
    used = {option for option, value in paramwise_cfg.items() if value is not None}
    used |= {key for entry in custom_keys.values() for key in entry}
    _require("lr", optimizer_cfg, used & {"lr_mult", *(option for option, _ in lr_rules)})
    _require("weight_decay", optimizer_cfg, used & {"decay_mult", *(option for option, _ in decay_rules)})


def _require(key: str, optimizer_cfg: Mapping[str, Any], multipliers: set[str]) -> None:
    if multipliers and optimizer_cfg.get(key) is None:
        raise ValueError(
            f"paramwise_cfg multiplies {key} ({', '.join(sorted(multipliers))}), but the optimizer "
            f"does not set it; add {key} to {optimizer_cfg}"
        )


def warn_of_unknown(paramwise_cfg: Mapping[str, Any], *rules: Iterable[Rule]) -> None:
    """Warn of each option that no rule knows, with the nearest that one does."""
    options = {"custom_keys", "bypass_duplicate", *(option for each in rules for option, _ in each)}
    for key in sorted(paramwise_cfg.keys() - options):
        close = " or ".join(map(repr, nearest(key, options)))
        hint = f"did you mean {close}?" if close else f"there are {', '.join(sorted(options))}"
        warnings.warn(f"paramwise_cfg.{key} is not an option and has no effect; {hint}", stacklevel=3)
