"""``ReduceOnPlateauLR``: follows a validation metric, so it has no values before training."""

from __future__ import annotations

from .arguments import NUMBER, NUMBER_PER_GROUP, POSITIVE_INT, Argument, Kind
from .record import Curve, Scheduler

_TEXT = Kind("a name", lambda value: isinstance(value, str))
_COUNT = Kind("a whole number", lambda value: POSITIVE_INT.accepts(value) or value == 0)


def lowered(value: float, *, factor: float, least: float) -> float:
    """The next value once the metric has stalled: times ``factor``, not below ``least``.

    Source: MMEngine 0.10.7, mmengine/optim/scheduler/param_scheduler.py.
    """
    return max(value * factor, least)


def _unknown(n: int, value: float, base: float, span: float, **_: object) -> float:
    return value


PLATEAU = Curve(
    "plateau",
    schedulers=(
        Scheduler(
            "ReduceOnPlateau",
            (
                Argument("monitor", _TEXT, "loss"),
                Argument("rule", Kind("'less' or 'greater'", lambda v: v in ("less", "greater")), "less"),
                Argument("factor", Kind("a number below 1", lambda v: NUMBER.accepts(v) and v < 1), 0.1),
                Argument("patience", _COUNT, 10),
                Argument("threshold", NUMBER, 1e-4),
                Argument("threshold_rule", Kind("'rel' or 'abs'", lambda v: v in ("rel", "abs")), "rel"),
                Argument("cooldown", _COUNT, 0),
                Argument("min_value", NUMBER_PER_GROUP, 0.0, per_group=True),
                Argument("eps", NUMBER, 1e-8),
            ),
            _unknown,
            metric_driven=True,
        ),
    ),
)
