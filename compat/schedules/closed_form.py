"""This project's scheduler in the new dialect that carries an old config and evaluates its closed form.

``dict(type='LegacyPolicyLR', by_epoch=True, end=12, convert_to_iter_based=True, config=dict(policy=...))`` in
a run counted in epochs, ``by_epoch=False`` without conversion in one counted in iterations. ``config`` is
the old ``lr_config`` (for ``LegacyPolicyMomentum`` the ``momentum_config``), ``end`` the old run's length. It
overwrites the value at every step, so it stands alone in its list.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmbridge.compat.errors import ConfigError

from .arguments import Argument, Kind
from .legacy import legacy_series
from .record import Parameter, Scheduler
from .series import Loop, Series


def closed_form_step(n: int, value: float, base: float, span: float, series: Series, column: int) -> float:
    """The old dialect's value at iteration ``n``, whatever stood there."""
    return series.columns[column][bisect_right(series.starts, n) - 1]


def closed_form_moments(stop: int, span: float, *, series: Series) -> Iterable[int]:
    """The iterations at which the old series changes."""
    return series.starts


_CONFIG = Argument("config", Kind("an lr_config or momentum_config", lambda v: isinstance(v, Mapping)))
_RULE = Scheduler("LegacyPolicy", (_CONFIG,), closed_form_step, closed_form_moments)

CLOSED_FORM: dict[str, tuple[Scheduler, Parameter | None]] = {
    "LegacyPolicyLR": (_RULE, "lr"),
    "LegacyPolicyMomentum": (_RULE, "momentum"),
}
"""The types by name, with the parameter each drives."""


def closed_form_series(
    config: Mapping[str, Any],
    *,
    epochs: bool,
    begin: float,
    end: float,
    epoch_length: int,
    bases: Sequence[float],
    parameter: Parameter,
    where: str,
) -> Series:
    """The old series that a scheduler from ``begin`` to ``end``, in epochs or iterations, plays back.

    Raises:
        ConfigError: the scheduler does not start at 0, ``end`` is fractional, or the old config is bad.
    """
    if begin != 0 or not isinstance(end, int):
        raise ConfigError(f"{where}: must begin at 0 and end at a whole number, got {begin} and {end}.")
    loop = Loop("epoch" if epochs else "iter", end)
    return legacy_series(config, loop=loop, epoch_length=epoch_length, bases=bases, parameter=parameter)
