"""Values worked out over many steps at once are those of one step after the other, bit for bit."""

from __future__ import annotations

from itertools import accumulate

import pytest
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.schedules import CURVES, Loop, Policy, Scheduler, modern_series

FAST_POLICIES = [policy for curve in CURVES for policy in curve.policies if policy.values]
FAST_SCHEDULERS = [scheduler for curve in CURVES for scheduler in curve.schedulers if scheduler.values]
ARGUMENTS = {"Poly": [(0.0, 0.9), (1e-3, 1.0), (1e-3, 2)], "CosineAnnealing": [(None, 0.0, None), (7, None, 0.01)]}


@pytest.mark.parametrize("policy", [pytest.param(policy, id=policy.hook) for policy in FAST_POLICIES])
@pytest.mark.parametrize("progresses", [range(40), range(3, 40), [0, 5, 39]], ids=["all", "some", "a list"])
def test_policy(policy: Policy, progresses: range | list[int]) -> None:
    for power, floor in [(0.9, 0.0), (1.0, 1e-3), (2, 1e-3)]:
        expected = [policy.value(progress, 40, 0.1, power, floor) for progress in progresses]

        assert expected == policy.column(progresses, 40, 0.1, power, floor)


@pytest.mark.parametrize(
    ("scheduler", "arguments"),
    [
        pytest.param(scheduler, arguments, id=f"{scheduler.stem} {arguments}")
        for scheduler in FAST_SCHEDULERS
        for arguments in ARGUMENTS[scheduler.stem]
    ],
)
@pytest.mark.parametrize("counts", [range(1, 40), range(5, 31)], ids=["all", "some"])
def test_scheduler(scheduler: Scheduler, arguments: tuple[float | None, ...], counts: range) -> None:
    assert scheduler.values is not None
    fixed = (0.1, 41, *arguments)
    _, *expected = accumulate(counts, lambda value, n: scheduler.value(n, value, *fixed), initial=0.08)

    assert expected == scheduler.values(counts, 0.08, *fixed)


def test_where_it_has_no_value_the_iteration_is_named() -> None:
    schedule = [{"type": "PolyLR", "by_epoch": False, "last_step": 3, "end": 10}]
    first = {"type": "ConstantLR", "factor": 0.5, "by_epoch": False, "end": 2}

    with pytest.raises(ConfigError, match=r"param_scheduler\[1\]: iteration 6: the scheduler has no value"):
        modern_series([first, *schedule], loop=Loop("iter", 10), epoch_length=1, bases=[0.1])
